//! The table: buckets of [`WAYS`] entries, found by tag.

use contract::FlowKey;

use crate::core::{FlowCore, Timeouts};

/// Entries of a bucket.
pub const WAYS: usize = 8;

/// Low bit of every tag of an entry in use, so that 0 means free.
const USED: u32 = 1;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Tags([u32; WAYS]);

/// Flows with a state `T` each; all memory is taken when it is made.
#[derive(Debug)]
pub struct FlowTable<T> {
    tags: Box<[Tags]>,
    entries: Box<[Option<(FlowCore, T)>]>,
    mask: u64,
    timeouts: Timeouts,
    last_id: u64,
    used: usize,
}

/// How a flow came by its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It was there.
    Found,
    /// It is new.
    Created,
    /// It is new, in the place of the bucket's longest silent flow, which had not timed out.
    Evicted,
}

/// A flow as found or made by [`FlowTable::look_up`].
#[derive(Debug)]
pub struct Looked<'a, T> {
    /// Core.
    pub core: &'a mut FlowCore,
    /// State.
    pub state: &'a mut T,
    /// How it came by its entry.
    pub placed: Placed,
}

impl<T: Default> FlowTable<T> {
    /// A table for at least `flows_max` flows (rounded up to a power of two, at least one bucket).
    /// Identifiers count up from the one after `before_first_id`.
    #[must_use]
    pub fn new(flows_max: usize, before_first_id: u64, timeouts: Timeouts) -> Self {
        let buckets = flows_max.div_ceil(WAYS).next_power_of_two();
        Self {
            tags: vec![Tags::default(); buckets].into_boxed_slice(),
            entries: std::iter::repeat_with(|| None).take(buckets * WAYS).collect(),
            mask: buckets as u64 - 1,
            timeouts,
            last_id: before_first_id,
            used: 0,
        }
    }

    /// Flows in the table, those that timed out and were not looked up since included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether there is no flow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Forgets every flow; identifiers are not used again.
    pub fn clear(&mut self) {
        self.tags.fill(Tags::default());
        self.entries.fill_with(|| None);
        self.used = 0;
    }

    /// The flow of `key`, made if it is not there or has been idle too long. `hash` is the keyed hash of
    /// `key`; `opened_by_low` matters only for a new flow.
    pub fn look_up(
        &mut self,
        key: &FlowKey,
        hash: u64,
        opened_by_low: bool,
        now_ns: u64,
    ) -> Looked<'_, T> {
        // The low bits choose the bucket, the high ones are the tag, so that they are independent.
        let bucket = (hash & self.mask) as usize;
        let tag = (hash >> 32) as u32 | USED;
        let idle_ns = self.timeouts.of(key.protocol);
        let (way, placed) = match self.find(bucket, tag, key) {
            Some((way, last_ns)) if now_ns.saturating_sub(last_ns) <= idle_ns => {
                (way, Placed::Found)
            }
            Some((way, _)) => (way, Placed::Created),
            None => self.make_room(bucket, now_ns),
        };
        let slot = bucket * WAYS + way;
        if placed != Placed::Found {
            self.last_id += 1;
            self.used += usize::from(self.entries[slot].is_none());
            self.tags[bucket].0[way] = tag;
            self.entries[slot] = None;
        }
        let id = self.last_id;
        let (core, state) = self.entries[slot]
            .get_or_insert_with(|| (FlowCore::new(*key, id, opened_by_low, now_ns), T::default()));
        Looked { core, state, placed }
    }

    /// Way and last packet time of `key` in `bucket`.
    fn find(&self, bucket: usize, tag: u32, key: &FlowKey) -> Option<(usize, u64)> {
        let tags = &self.tags[bucket].0;
        (0..WAYS).filter(|way| tags[*way] == tag).find_map(|way| {
            let (core, _) = self.entries[bucket * WAYS + way].as_ref()?;
            (core.key == *key).then_some((way, core.last_ns))
        })
    }

    /// The way to use for a new flow: a free one, else the longest silent.
    fn make_room(&self, bucket: usize, now_ns: u64) -> (usize, Placed) {
        let tags = &self.tags[bucket].0;
        if let Some(way) = (0..WAYS).find(|way| tags[*way] == 0) {
            return (way, Placed::Created);
        }
        let mut oldest = (0, u64::MAX, 0);
        for way in 0..WAYS {
            if let Some((core, _)) = &self.entries[bucket * WAYS + way]
                && core.last_ns < oldest.1
            {
                oldest = (way, core.last_ns, self.timeouts.of(core.key.protocol));
            }
        }
        let (way, last_ns, idle_ns) = oldest;
        let ended = now_ns.saturating_sub(last_ns) > idle_ns;
        (way, if ended { Placed::Created } else { Placed::Evicted })
    }
}

#[cfg(test)]
mod tests;
