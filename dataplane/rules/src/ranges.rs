//! Sets of numbers as ranges: the algebra under addresses and ports.

/// Inclusive ranges of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    /// The one range from `low` to `high`.
    pub(crate) fn one(low: u128, high: u128) -> Self {
        Self(vec![(low, high)])
    }

    /// Adds the ranges of `other`; [`Self::normalise`] must follow.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Sorts the ranges and joins those that overlap or touch.
    pub(crate) fn normalise(&mut self) {
        self.0.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(self.0.len());
        for &(low, high) in &self.0 {
            match joined.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        self.0 = joined;
    }

    /// What is in `self` and not in `other`; both normalised.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        for &(mut low, high) in &self.0 {
            let first = other.0.partition_point(|hole| hole.1 < low);
            let mut open = true;
            for &(hole_low, hole_high) in other.0[first..].iter().take_while(|hole| hole.0 <= high)
            {
                if low < hole_low {
                    left.push((low, hole_low - 1));
                }
                if hole_high >= high {
                    open = false;
                    break;
                }
                low = hole_high + 1;
            }
            if open {
                left.push((low, high));
            }
        }
        Self(left)
    }

    /// Whether nothing is in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything from 0 to `maximum` is in it; normalised.
    pub(crate) fn is_full(&self, maximum: u128) -> bool {
        self.0 == [(0, maximum)]
    }

    /// The ranges in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ranges;

    fn ranges() -> impl Strategy<Value = Vec<(u128, u128)>> {
        prop::collection::vec(
            (0u128..64, 0u128..12).prop_map(|(low, more)| (low, low + more)),
            0..8,
        )
    }

    fn normal(ranges: &[(u128, u128)]) -> Ranges {
        let mut out = Ranges::default();
        for &(low, high) in ranges {
            out.extend(&Ranges::one(low, high));
        }
        out.normalise();
        out
    }

    fn contains(ranges: &[(u128, u128)], n: u128) -> bool {
        ranges.iter().any(|&(low, high)| (low..=high).contains(&n))
    }

    proptest! {
        #[test]
        fn agrees_with_membership_one_by_one(a in ranges(), b in ranges()) {
            let (joined, left) = (normal(&a), normal(&a).minus(&normal(&b)));
            for n in 0..80 {
                prop_assert_eq!(contains(&joined.0, n), contains(&a, n));
                prop_assert_eq!(contains(&left.0, n), contains(&a, n) && !contains(&b, n));
            }
            for set in [joined, left] {
                let apart = set.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
                prop_assert!(apart, "not normal: {set:?}");
            }
        }
    }

    #[test]
    fn the_largest_number_is_no_special_case() {
        let all = Ranges::one(0, u128::MAX);
        assert!(all.is_full(u128::MAX));
        assert!(all.minus(&all).is_empty());
        assert_eq!(all.minus(&Ranges::one(0, u128::MAX - 1)), Ranges::one(u128::MAX, u128::MAX));
        assert_eq!(normal(&[(5, u128::MAX), (0, 4)]), all);
    }
}
