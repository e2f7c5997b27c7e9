//! Times every packet by itself, beside what Criterion measures of the whole.

use std::time::Duration;

use hdrhistogram::Histogram;
use pipeline::clock::{Clock, TscClock};

/// Items between two times that the histogram is filled, so that filling it is not measured.
const CHUNK: usize = 1_024;
/// Largest value of a histogram: an hour.
const LARGEST_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits of a histogram.
const DIGITS: u8 = 3;

/// A histogram of nanoseconds up to an hour; what is longer counts as an hour.
///
/// # Panics
/// Never: the bounds and the number of digits are constants that the histogram takes.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    #[allow(clippy::expect_used, reason = "fails only for bounds that are not these")]
    Histogram::new_with_bounds(1, LARGEST_NS, DIGITS).expect("valid bounds")
}

/// Nanoseconds per packet, read from the time-stamp counter once an item.
pub struct Stopwatch {
    clock: TscClock,
    taken: Vec<(u64, u64)>,
    histogram: Histogram<u64>,
    /// Packets of a call below which it warms up and is not recorded.
    packets_min: u64,
}

impl Stopwatch {
    /// A stopwatch that records calls of [`Stopwatch::time`] over at least `packets_min` packets.
    #[must_use]
    pub fn new(packets_min: u64) -> Self {
        let taken = Vec::with_capacity(CHUNK);
        Self { clock: TscClock::new(), taken, histogram: histogram(), packets_min }
    }

    /// Runs `item`, which says how many packets it did, until `packets` are done; the time for that many.
    pub fn time(&mut self, packets: u64, mut item: impl FnMut() -> u64) -> Duration {
        let (mut done, mut spent_ns) = (0, 0);
        while done < packets {
            self.taken.clear();
            let mut last = self.clock.now_ns();
            while done < packets && self.taken.len() < CHUNK {
                let count = item();
                let now = self.clock.now_ns();
                self.taken.push((now - last, count));
                last = now;
                done += count;
            }
            for (ns, count) in self.taken.iter().filter(|(_, count)| *count > 0) {
                spent_ns += ns;
                if packets >= self.packets_min {
                    self.histogram.saturating_record_n(ns / count, *count);
                }
            }
        }
        // The last item may have done more than was left.
        Duration::from_nanos((spent_ns as f64 * packets as f64 / done.max(1) as f64) as u64)
    }

    /// What was recorded.
    #[must_use]
    pub fn into_histogram(self) -> Histogram<u64> {
        self.histogram
    }
}

#[cfg(test)]
mod tests {
    use super::Stopwatch;

    #[test]
    fn packets_are_counted_and_short_calls_are_not_recorded() {
        let mut watch = Stopwatch::new(10);
        watch.time(9, || 1);
        assert_eq!(watch.histogram.len(), 0);
        let mut calls = 0;
        watch.time(3_000, || {
            calls += 1;
            3
        });
        assert_eq!(calls, 1_000);
        assert_eq!(watch.into_histogram().len(), 3_000);
    }
}
