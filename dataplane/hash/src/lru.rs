//! An exact LRU of a fixed size: entries in a slab, linked by index in the order of use, found through
//! an open-addressing table. Nothing is allocated after construction.
//!
//! The keys are outputs of a keyed PRF: they are uniform and nobody can choose them, so their low bits
//! are the table's hash, and no cluster can be forced.

/// Largest capacity, in entries. Requests above it are cut to it.
pub const CAPACITY_MAX: usize = 1 << 16;

/// No entry: the end of the list, or a free slot of the table.
const NONE: u32 = u32::MAX;

/// A key, as two words: a `u128` would align the entry to 16 bytes and pad it to 64.
type Key = [u64; 2];

#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    value: [u8; 32],
    /// The entry used just after this one.
    newer: u32,
    /// The entry used just before this one.
    older: u32,
}

/// The LRU.
pub(crate) struct Lru {
    entries: Vec<Entry>,
    capacity: usize,
    newest: u32,
    oldest: u32,
    /// Indices of entries by linear probing; at least twice as many slots as entries, so that one is
    /// always free and probes are short.
    table: Box<[u32]>,
}

impl Lru {
    /// Allocates room for `capacity` entries, from 1 to [`CAPACITY_MAX`].
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, CAPACITY_MAX);
        Self {
            entries: Vec::with_capacity(capacity),
            capacity,
            newest: NONE,
            oldest: NONE,
            table: vec![NONE; (2 * capacity).next_power_of_two()].into_boxed_slice(),
        }
    }

    /// The value of `key`, which thereby becomes the newest.
    pub(crate) fn get(&mut self, key: u128) -> Option<[u8; 32]> {
        let key = words(key);
        let index = self.table[self.find(key)];
        if index == NONE {
            return None;
        }
        if index != self.newest {
            self.unlink(index);
            self.link_newest(index);
        }
        Some(self.entries[index as usize].value)
    }

    /// Adds `key`, which must not be there, as the newest; a full LRU forgets the oldest for it.
    pub(crate) fn insert(&mut self, key: u128, value: [u8; 32]) {
        let entry = Entry { key: words(key), value, newer: NONE, older: NONE };
        let index = if self.entries.len() < self.capacity {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        } else {
            let oldest = self.oldest;
            self.unlink(oldest);
            self.remove_from_table(self.entries[oldest as usize].key);
            self.entries[oldest as usize] = entry;
            oldest
        };
        let slot = self.find(entry.key);
        debug_assert_eq!(self.table[slot], NONE, "the key is already there");
        self.table[slot] = index;
        self.link_newest(index);
    }

    /// The table's slot that holds `key`, or the free one where it belongs.
    fn find(&self, key: Key) -> usize {
        let mut slot = self.home(key);
        loop {
            match self.table[slot] {
                NONE => return slot,
                index if self.entries[index as usize].key == key => return slot,
                _ => slot = self.after(slot),
            }
        }
    }

    /// Frees the slot of `key`, moving later ones of its cluster forward (no tombstones).
    fn remove_from_table(&mut self, key: Key) {
        let mut free = self.find(key);
        let mut slot = self.after(free);
        while self.table[slot] != NONE {
            let home = self.home(self.entries[self.table[slot] as usize].key);
            // The one at `slot` may move back to `free` unless its home lies between the two.
            if self.distance(home, slot) >= self.distance(free, slot) {
                self.table[free] = self.table[slot];
                free = slot;
            }
            slot = self.after(slot);
        }
        self.table[free] = NONE;
    }

    fn home(&self, key: Key) -> usize {
        key[0] as usize & (self.table.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.table.len() - 1)
    }

    /// Steps from slot `from` on to slot `to`, around the table's end.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.table.len() - 1)
    }

    fn unlink(&mut self, index: u32) {
        let Entry { newer, older, .. } = self.entries[index as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, index: u32) {
        let older = self.newest;
        let entry = &mut self.entries[index as usize];
        entry.newer = NONE;
        entry.older = older;
        match older {
            NONE => self.oldest = index,
            older => self.entries[older as usize].newer = index,
        }
        self.newest = index;
    }
}

fn words(key: u128) -> Key {
    [key as u64, (key >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Lru;

    /// The naive twin: a list with the newest first.
    struct Naive {
        entries: Vec<(u128, [u8; 32])>,
        capacity: usize,
    }

    impl Naive {
        fn get(&mut self, key: u128) -> Option<[u8; 32]> {
            let at = self.entries.iter().position(|entry| entry.0 == key)?;
            let entry = self.entries.remove(at);
            self.entries.insert(0, entry);
            Some(entry.1)
        }

        fn insert(&mut self, key: u128, value: [u8; 32]) {
            self.entries.truncate(self.capacity - 1);
            self.entries.insert(0, (key, value));
        }
    }

    /// Keys of few values, of which many share a home in the table, also at its end.
    fn key() -> impl Strategy<Value = u128> {
        let homes = prop_oneof![Just(0_u128), Just(1), Just(7), Just(31), 0_u128..32];
        (homes, 0_u128..4).prop_map(|(home, rest)| home | rest << 64)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_does_what_the_naive_one_does(
            capacity in 1_usize..17,
            keys in prop::collection::vec(key(), 0..400),
        ) {
            let mut lru = Lru::new(capacity);
            let mut naive = Naive { entries: Vec::new(), capacity };
            for (turn, key) in keys.into_iter().enumerate() {
                let expected = naive.get(key);
                prop_assert_eq!(lru.get(key), expected);
                if expected.is_none() {
                    let value = [turn as u8; 32];
                    naive.insert(key, value);
                    lru.insert(key, value);
                }
            }
            for (key, value) in naive.entries.into_iter().rev() {
                prop_assert_eq!(lru.get(key), Some(value));
            }
        }
    }
}
