//! The timer wheel: which entries of the table are to be looked at next.
//!
//! ```text
//! tick:   at        at+1       at+2           …           at+127
//!         ┌────────┬──────────┬──────────┬───────────────┬────────┐
//! slots:  │ due    │          │          │               │        │   a doubly linked list each
//!         └────────┴──────────┴──────────┴───────────────┴────────┘
//! ```
//!
//! One level of [`SLOTS`] ticks of about a second. An entry that is due later than the last slot waits there,
//! is looked at too early, and put in again: so every operation takes constant time, whatever the
//! time-outs. Packets do not move their flow's entry; what is due is looked at, and put in again as long as
//! its flow is not silent.

/// Binary digits of a nanosecond count below a tick: 2^30 ns are 1.07 s.
const TICK_BITS: u32 = 30;
/// A tick in nanoseconds.
pub(super) const TICK_NS: u64 = 1 << TICK_BITS;
/// Slots. As many as a `u128` has digits.
pub(super) const SLOTS: u64 = 128;
/// Bytes that the wheel takes for each entry of the table.
pub(super) const LINK_BYTES: usize = size_of::<Link>();
/// Most entries of a table: what [`Link`] can name beside the heads of the lists.
pub(super) const ENTRIES_MAX: usize = 1 << 30;

/// In the place of an entry's number: there is none.
const NONE: u32 = u32::MAX;
/// In [`Link::before`], the list's head: this plus the number of its slot.
const HEAD: u32 = 1 << 31;

/// Neighbours of an entry in its slot's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    after: u32,
    /// [`HEAD`] and the slot for the first of a list; [`NONE`] for an entry that is in no list.
    before: u32,
}

/// In no list.
const LOOSE: Link = Link { after: NONE, before: NONE };

/// The tick in which `ns` lies.
pub(super) const fn tick_of(ns: u64) -> u64 {
    ns >> TICK_BITS
}

/// A wheel for a fixed number of entries.
#[derive(Debug)]
pub(super) struct Wheel {
    heads: [u32; SLOTS as usize],
    /// A digit for each slot that is not empty.
    occupied: u128,
    links: Box<[Link]>,
    /// Nothing is due before this tick.
    at: u64,
}

impl Wheel {
    pub(super) fn new(entries: usize) -> Self {
        Self {
            heads: [NONE; SLOTS as usize],
            occupied: 0,
            links: vec![LOOSE; entries].into_boxed_slice(),
            at: 0,
        }
    }

    /// Empties all lists. Time stays.
    pub(super) fn clear(&mut self) {
        self.heads = [NONE; SLOTS as usize];
        self.occupied = 0;
        self.links.fill(LOOSE);
    }

    /// Has `entry` looked at in `tick`, or sooner where that is farther than the wheel reaches.
    pub(super) fn arm(&mut self, entry: u32, tick: u64) {
        self.disarm(entry);
        let tick = tick.clamp(self.at + 1, self.at + SLOTS - 1);
        let slot = (tick % SLOTS) as usize;
        let Some(link) = self.links.get_mut(entry as usize) else { return };
        let after = std::mem::replace(&mut self.heads[slot], entry);
        *link = Link { after, before: HEAD + slot as u32 };
        self.occupied |= 1 << slot;
        if let Some(next) = self.links.get_mut(after as usize) {
            next.before = entry;
        }
    }

    /// Takes `entry` out, if it is in.
    pub(super) fn disarm(&mut self, entry: u32) {
        let Some(link) = self.links.get_mut(entry as usize) else { return };
        let Link { after, before } = std::mem::replace(link, LOOSE);
        if before == NONE {
            return;
        }
        if let Some(next) = self.links.get_mut(after as usize) {
            next.before = before;
        }
        if let Some(previous) = self.links.get_mut(before as usize) {
            previous.after = after;
            return;
        }
        let slot = (u64::from(before - HEAD) % SLOTS) as usize;
        self.heads[slot] = after;
        if after == NONE {
            self.occupied &= !(1 << slot);
        }
    }

    /// An entry that is due in `tick` or before. It stays in until it is armed anew or taken out, which the
    /// caller must do before the next call.
    pub(super) fn due(&mut self, tick: u64) -> Option<u32> {
        // Where time has gone on, or back, by more than the wheel has slots, these are read anew: as those
        // of the latest ticks, so that everything is due; or as those of the ticks to come.
        self.at = self.at.max(tick.saturating_sub(SLOTS - 1));
        if self.at - tick.min(self.at) >= SLOTS {
            self.at = tick;
        }
        let (entry, due) = self.first();
        if entry == NONE || due > tick {
            self.at = self.at.max(tick);
            return None;
        }
        self.at = due;
        Some(entry)
    }

    /// The entry that is due next, whenever that is.
    pub(super) fn next(&self) -> Option<u32> {
        let (entry, _) = self.first();
        (entry != NONE).then_some(entry)
    }

    /// The first entry of the first slot that is not empty, and its tick.
    fn first(&self) -> (u32, u64) {
        let at = (self.at % SLOTS) as u32;
        let ahead = u64::from(self.occupied.rotate_right(at).trailing_zeros());
        let due = self.at + ahead;
        // Of an empty wheel this is the slot of `at` itself, which is empty.
        (self.heads[(due % SLOTS) as usize], due)
    }
}

#[cfg(test)]
mod tests;
