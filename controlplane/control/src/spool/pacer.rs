//! How fast the spool may send what has waited.

use std::time::Duration;

/// Largest part of a second whose bytes may go at once.
const BURST_PARTS: u64 = 20;

/// A bucket that fills at a rate. It may go below empty by what is taken last, so that no size is too large.
#[derive(Debug)]
pub(super) struct Pacer {
    bytes_per_s: u64,
    level: i64,
    filled_at: Duration,
}

impl Pacer {
    /// A full bucket.
    pub(super) fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s, level: burst(bytes_per_s), filled_at: Duration::ZERO }
    }

    /// Takes `bytes`, if the bucket is not empty; whether it did.
    pub(super) fn take(&mut self, now: Duration, bytes: u64) -> bool {
        let elapsed = now.saturating_sub(self.filled_at).min(Duration::from_secs(60));
        let more = elapsed.as_micros() * u128::from(self.bytes_per_s) / 1_000_000;
        if more > 0 {
            self.filled_at = now;
            let more = i64::try_from(more).unwrap_or(i64::MAX);
            self.level = self.level.saturating_add(more).min(burst(self.bytes_per_s));
        }
        let takes = self.level > 0;
        if takes {
            self.level -= i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        takes
    }
}

fn burst(bytes_per_s: u64) -> i64 {
    i64::try_from(bytes_per_s / BURST_PARTS).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_time() {
        let mut pacer = Pacer::new(1_000_000);
        let mut taken = 0;
        for ms in 0..10_000 {
            while pacer.take(Duration::from_millis(ms), 3_000) {
                taken += 3_000;
            }
        }
        assert!((10_000_000..10_100_000).contains(&taken), "{taken}");
    }

    #[test]
    fn a_large_record_goes_and_is_paid_for() {
        let mut pacer = Pacer::new(1_000);
        assert!(pacer.take(Duration::ZERO, 10_000));
        assert!(!pacer.take(Duration::from_secs(9), 1));
        assert!(pacer.take(Duration::from_secs(10), 1));
    }

    #[test]
    fn a_long_pause_gives_no_more_than_a_burst() {
        let mut pacer = Pacer::new(1_000);
        assert!(pacer.take(Duration::from_secs(1 << 40), 50));
        assert!(!pacer.take(Duration::from_secs(1 << 40), 50));
    }
}
