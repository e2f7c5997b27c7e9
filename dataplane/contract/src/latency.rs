//! A fixed-size latency histogram: one writer, lock-free readers.
//!
//! Buckets are log-linear, 16 to a power of two: a value is known to 1/16. Below 16 it is exact.

use crate::counter::Counter;

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
/// Number of buckets for all of `u64`.
pub const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB;

/// Index of the bucket that holds `value`.
#[inline]
const fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - SUB_BITS;
    let sub = (value >> shift) as usize & (SUB - 1);
    (shift as usize + 1) * SUB + sub
}

/// Largest value of bucket `index`.
const fn upper(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let shift = (index / SUB - 1) as u32;
    let low = ((SUB + index % SUB) as u64) << shift;
    low + ((1_u64 << shift) - 1)
}

/// The histogram as a worker writes it.
#[derive(Debug)]
pub struct LatencyHistogram {
    counts: [Counter; BUCKETS],
    max: Counter,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { counts: core::array::from_fn(|_| Counter::default()), max: Counter::default() }
    }
}

impl LatencyHistogram {
    /// Records one value (the unit is the caller's; nanoseconds throughout the sensor).
    #[inline]
    pub fn record(&self, value: u64) {
        self.counts[bucket(value)].increment();
        let max = self.max.get();
        if value > max {
            self.max.add(value - max);
        }
    }

    /// Adds what has been recorded to `snapshot`.
    pub fn add_to(&self, snapshot: &mut LatencySnapshot) {
        for (sum, count) in snapshot.counts.iter_mut().zip(&self.counts) {
            *sum += count.get();
        }
        snapshot.max = snapshot.max.max(self.max.get());
    }
}

/// A copy of one or several histograms, to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencySnapshot {
    counts: alloc::boxed::Box<[u64]>,
    /// Largest value recorded.
    pub max: u64,
}

impl Default for LatencySnapshot {
    fn default() -> Self {
        Self { counts: alloc::vec![0; BUCKETS].into_boxed_slice(), max: 0 }
    }
}

impl LatencySnapshot {
    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Smallest bucket bound that `fraction` (0 to 1) of the values do not exceed; 0 when empty.
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> u64 {
        let total = self.count();
        if total == 0 {
            return 0;
        }
        let exact = total as f64 * fraction;
        let whole = exact as u64;
        let wanted = (whole + u64::from((whole as f64) < exact)).clamp(1, total);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BUCKETS, LatencyHistogram, LatencySnapshot, SUB, bucket, upper};

    proptest! {
        #[test]
        fn a_value_lies_in_its_bucket(value: u64) {
            let index = bucket(value);
            prop_assert!(index < BUCKETS);
            prop_assert!(value <= upper(index));
            prop_assert!(index == 0 || value > upper(index - 1));
        }
    }

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        let histogram = LatencyHistogram::default();
        for value in 1..=10_000 {
            histogram.record(value);
        }
        let mut snapshot = LatencySnapshot::default();
        histogram.add_to(&mut snapshot);
        for (fraction, exact) in [(0.5, 5_000_u64), (0.99, 9_900), (0.999, 9_990)] {
            let got = snapshot.quantile(fraction);
            assert!(got >= exact && got - exact <= exact / SUB as u64, "{fraction}: {got}");
        }
        assert_eq!(snapshot.quantile(1.0), 10_000);
        assert_eq!(LatencySnapshot::default().quantile(0.5), 0);
    }
}
