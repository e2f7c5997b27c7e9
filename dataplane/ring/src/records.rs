//! Records through a ring of slots: a record goes in whole or not at all, and comes out whole.
//!
//! The slots are not trusted. A slot that cannot start a record is skipped and reported, so that the
//! reader counts the loss and goes on; it never panics and never stands still.

use contract::record::RECORD_SLOTS_MAX;
use contract::{Header, Record, Slot};

use crate::spsc::{Consumer, Producer, spsc};

/// Makes a ring of at least `slots` slots, and never of fewer than the largest record needs
/// ([`RECORD_SLOTS_MAX`]).
#[must_use]
pub fn record_ring(slots: usize) -> (RecordProducer, RecordConsumer) {
    let (producer, consumer) = spsc(slots.max(RECORD_SLOTS_MAX));
    (RecordProducer { ring: producer }, RecordConsumer { ring: consumer })
}

/// The ring has too little room for the record, which the caller drops and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A slot was skipped because it does not start a record that the ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRecord;

/// The worker's side of a record ring.
pub struct RecordProducer {
    ring: Producer<Slot>,
}

impl RecordProducer {
    /// Pushes the slots of one record, as [`contract::RecordBuilder::finish`] returns them.
    ///
    /// # Errors
    /// [`Full`] when the whole record does not fit; nothing was pushed then.
    #[inline]
    pub fn push(&mut self, record: &[Slot]) -> Result<(), Full> {
        if self.ring.push_slice(record) { Ok(()) } else { Err(Full) }
    }

    /// Slots that the ring holds when full.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.ring.capacity()
    }

    /// Slots that are used now. It costs a look at the reader's cache line: ask once a burst, not once a
    /// record.
    #[inline]
    pub fn used(&mut self) -> usize {
        self.ring.capacity() - self.ring.free()
    }

    /// Slots that are used if the reader has taken nothing since it was last looked at: what has been
    /// pushed since then counts, and nothing that the reader writes is touched.
    #[inline]
    #[must_use]
    pub fn used_seen(&self) -> usize {
        self.ring.capacity() - self.ring.free_seen()
    }

    /// Whether the consumer was dropped: no room will be made any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

/// Where a [`RecordConsumer`] puts the record that it reads: room for the largest, allocated once.
pub struct RecordScratch {
    slots: Box<[Slot]>,
}

impl RecordScratch {
    /// Allocates the scratch, 64 KiB.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: vec![[0; size_of::<Slot>()]; RECORD_SLOTS_MAX].into_boxed_slice() }
    }
}

impl Default for RecordScratch {
    fn default() -> Self {
        Self::new()
    }
}

/// The drain's side of a record ring.
pub struct RecordConsumer {
    ring: Consumer<Slot>,
}

impl RecordConsumer {
    /// Takes the next record into `scratch`; `None` when the ring is empty.
    ///
    /// # Errors
    /// [`BadRecord`] when the first slot was skipped, because it is not a header or its record is
    /// larger than the limit or than what the ring holds. Each call that does not return `None` takes
    /// at least one slot.
    pub fn next<'scratch>(
        &mut self,
        scratch: &'scratch mut RecordScratch,
    ) -> Option<Result<Record<'scratch>, BadRecord>> {
        let header = Header::decode(self.ring.peek()?);
        // The producer publishes whole records, so a part that is not there will not come.
        let there = self.ring.len();
        let whole = header.map(|header| header.slots()).filter(|slots| *slots <= there);
        let Some(slots) = whole.and_then(|slots| scratch.slots.get_mut(..slots)) else {
            self.ring.pop();
            return Some(Err(BadRecord));
        };
        self.ring.pop_slice(slots);
        Some(Record::decode(slots).ok_or(BadRecord))
    }

    /// Whether there is nothing to take now.
    pub fn is_empty(&mut self) -> bool {
        self.ring.is_empty()
    }

    /// Whether the producer was dropped; what it had pushed can still be taken.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
