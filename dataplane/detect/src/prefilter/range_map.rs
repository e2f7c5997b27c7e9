//! From a number to the rules whose ranges hold it: addresses, ports and other packet properties.

/// List entries of one map beyond which the widest rules are left out: nested ranges of thousands of
/// rules would else take memory of the square of their number.
const ENTRIES_MAX: usize = 1 << 22;

/// A key with a next one.
pub(super) trait Key: Copy + Ord {
    /// The next larger key; `None` after the largest.
    fn successor(self) -> Option<Self>;
}

macro_rules! keys {
    ($($name:ty),+) => { $(impl Key for $name {
        fn successor(self) -> Option<Self> { self.checked_add(1) }
    })+ };
}
keys!(u16, u32, u128);

/// Sorted, disjoint intervals, each with the list of what covers it.
#[derive(Debug)]
pub(super) struct RangeMap<K> {
    /// First key of each interval; keys below the first are in none.
    starts: Box<[K]>,
    /// Where the list of each interval begins; one more than intervals.
    lists: Box<[u32]>,
    items: Box<[u32]>,
}

impl<K> Default for RangeMap<K> {
    fn default() -> Self {
        Self { starts: Box::default(), lists: Box::default(), items: Box::default() }
    }
}

/// One range of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<K> {
    pub(super) low: K,
    pub(super) high: K,
    pub(super) item: u32,
}

impl<K: Key> RangeMap<K> {
    /// The map of `ranges`, and the items that were left out to keep it within its limit.
    pub(super) fn new(mut ranges: Vec<Range<K>>) -> (Self, Vec<u32>) {
        let mut starts: Vec<K> = ranges
            .iter()
            .flat_map(|range| [Some(range.low), range.high.successor()])
            .flatten()
            .collect();
        starts.sort_unstable();
        starts.dedup();
        let left_out = leave_out_widest(&mut ranges, &starts);
        let mut counts = vec![0_u32; starts.len() + 1];
        for range in &ranges {
            let (from, to) = covered(&starts, range);
            for count in counts.iter_mut().take(to + 1).skip(from + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        let mut next = counts.clone();
        let mut items = vec![0; sum as usize];
        for range in &ranges {
            let (from, to) = covered(&starts, range);
            for slot in next.iter_mut().take(to).skip(from) {
                if let Some(item) = items.get_mut(*slot as usize) {
                    *item = range.item;
                }
                *slot += 1;
            }
        }
        let map = Self {
            starts: starts.into_boxed_slice(),
            lists: counts.into_boxed_slice(),
            items: items.into_boxed_slice(),
        };
        (map, left_out)
    }

    /// Index of the interval that holds `key`.
    #[inline]
    pub(super) fn interval(&self, key: K) -> Option<usize> {
        self.starts.partition_point(|start| *start <= key).checked_sub(1)
    }

    /// What covers interval `index`.
    #[inline]
    pub(super) fn list(&self, index: usize) -> &[u32] {
        let Some([from, to]) = self.lists.get(index..index + 2) else { return &[] };
        self.items.get(*from as usize..*to as usize).unwrap_or_default()
    }

    /// What covers `key`.
    #[inline]
    pub(super) fn get(&self, key: K) -> &[u32] {
        self.interval(key).map_or(&[], |index| self.list(index))
    }

    /// Number of intervals.
    pub(super) const fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes of the map.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.lists) + size_of_val(&*self.items)
    }
}

/// The intervals that `range` covers, from the first to behind the last.
fn covered<K: Key>(starts: &[K], range: &Range<K>) -> (usize, usize) {
    let from = starts.partition_point(|start| *start < range.low);
    (from, starts.partition_point(|start| *start <= range.high))
}

/// Removes all ranges of the items that cover most intervals, until the rest fits.
fn leave_out_widest<K: Key>(ranges: &mut Vec<Range<K>>, starts: &[K]) -> Vec<u32> {
    let mut widths = std::collections::BTreeMap::<u32, usize>::new();
    for range in ranges.iter() {
        let (from, to) = covered(starts, range);
        *widths.entry(range.item).or_default() += to - from;
    }
    let mut total: usize = widths.values().sum();
    let mut by_width: Vec<(usize, u32)> = widths.into_iter().map(|(item, w)| (w, item)).collect();
    by_width.sort_unstable();
    let mut left_out = Vec::new();
    while total > ENTRIES_MAX {
        let Some((width, item)) = by_width.pop() else { break };
        total -= width;
        left_out.push(item);
    }
    if !left_out.is_empty() {
        left_out.sort_unstable();
        ranges.retain(|range| left_out.binary_search(&range.item).is_err());
    }
    left_out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Range, RangeMap};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_a_search_of_all(ranges in proptest::collection::vec((0_u16..300, 0_u16..60), 0..20),
                                  top: bool) {
            let mut list: Vec<_> = (0..).zip(&ranges)
                .map(|(item, (low, more))| Range { low: *low, high: low + more, item }).collect();
            if top {
                list.push(Range { low: 5, high: u16::MAX, item: 99 });
            }
            let (map, left_out) = RangeMap::new(list.clone());
            prop_assert!(left_out.is_empty());
            for key in (0..400).chain([u16::MAX]) {
                let mut found = map.get(key).to_vec();
                found.sort_unstable();
                let expected: Vec<u32> = list.iter()
                    .filter(|range| (range.low..=range.high).contains(&key))
                    .map(|range| range.item).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn nested_ranges_stay_within_the_limit() {
        let ranges =
            (0..8_000_u32).map(|item| Range { low: item, high: 20_000 - item, item }).collect();
        let (map, left_out) = RangeMap::new(ranges);
        assert!(!left_out.is_empty() && map.bytes() < 5 * super::ENTRIES_MAX);
    }
}
