//! Entries found by hash, and in the order of their last use. All memory is taken when it is made.

/// In the place of an entry's number: there is none.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Entry<T> {
    /// `None`: free.
    value: Option<T>,
    hash: u64,
    /// Next entry of the bucket, or the next free one.
    next: u32,
    /// Neighbours in the order of use.
    older: u32,
    newer: u32,
}

/// A bounded table.
#[derive(Debug)]
pub(super) struct Table<T> {
    buckets: Box<[u32]>,
    entries: Box<[Entry<T>]>,
    free: u32,
    used: usize,
    oldest: u32,
    newest: u32,
}

impl<T: Clone> Table<T> {
    /// A table for `max` entries, at least one.
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, NONE as usize - 1);
        let entry = |index: u32| Entry {
            value: None,
            hash: 0,
            next: if index as usize + 1 == max { NONE } else { index + 1 },
            older: NONE,
            newer: NONE,
        };
        Self {
            buckets: vec![NONE; max.next_power_of_two()].into_boxed_slice(),
            entries: (0..max as u32).map(entry).collect(),
            free: 0,
            used: 0,
            oldest: NONE,
            newest: NONE,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.used
    }

    pub(super) const fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// The entry that has not been used longest.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.value.as_mut()
    }

    /// The entry with `hash` that `is_it`.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let mut slot = self.buckets[self.bucket(hash)];
        while let Some(entry) = self.entries.get(slot as usize) {
            if entry.hash == hash && entry.value.as_ref().is_some_and(&is_it) {
                return Some(slot);
            }
            slot = entry.next;
        }
        None
    }

    /// Puts `value` in; there must be room. It is the newest then.
    pub(super) fn insert(&mut self, hash: u64, value: T) -> u32 {
        let slot = self.free;
        let bucket = self.bucket(hash);
        let Some(entry) = self.entries.get_mut(slot as usize) else { return NONE };
        self.free = entry.next;
        entry.value = Some(value);
        entry.hash = hash;
        entry.next = self.buckets[bucket];
        self.buckets[bucket] = slot;
        self.used += 1;
        self.append(slot);
        slot
    }

    /// Makes the entry the newest.
    pub(super) fn touch(&mut self, slot: u32) {
        if slot != self.newest && self.get(slot).is_some() {
            self.unlink(slot);
            self.append(slot);
        }
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.entries.get_mut(slot as usize)?.value.take()?;
        self.unlink(slot);
        let (hash, after) = (self.entries[slot as usize].hash, self.entries[slot as usize].next);
        let bucket = self.bucket(hash);
        if self.buckets[bucket] == slot {
            self.buckets[bucket] = after;
        } else {
            let mut before = self.buckets[bucket];
            while let Some(entry) = self.entries.get_mut(before as usize) {
                if entry.next == slot {
                    entry.next = after;
                    break;
                }
                before = entry.next;
            }
        }
        self.entries[slot as usize].next = self.free;
        self.free = slot;
        self.used -= 1;
        Some(value)
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    fn append(&mut self, slot: u32) {
        let before = std::mem::replace(&mut self.newest, slot);
        self.entries[slot as usize].older = before;
        self.entries[slot as usize].newer = NONE;
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.newer = slot,
            None => self.oldest = slot,
        }
    }

    fn unlink(&mut self, slot: u32) {
        let (older, newer) = (self.entries[slot as usize].older, self.entries[slot as usize].newer);
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }
}
