//! The pause of a lane that NATS refuses, before it asks for batches that wait elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The first pause; each doubles the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// When a lane may be given batches again. Written by its task, read by whoever fills its queue.
#[derive(Debug)]
pub(super) struct Pause {
    started: Instant,
    /// End of the pause, nanoseconds since `started`.
    until_ns: AtomicU64,
    /// How long the last one was, nanoseconds; 0 after a success.
    length_ns: AtomicU64,
}

impl Pause {
    pub(super) fn new(now: Instant) -> Self {
        Self { started: now, until_ns: AtomicU64::new(0), length_ns: AtomicU64::new(0) }
    }

    /// Whether the lane pauses.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.ns(now) < self.until_ns.load(Ordering::Relaxed)
    }

    /// Whether the last message was refused.
    pub(super) fn was_refused(&self) -> bool {
        self.length_ns.load(Ordering::Relaxed) > 0
    }

    /// A message that was sent at `sent` was refused. Messages that were on their way when the pause began
    /// tell nothing new.
    pub(super) fn refused(&self, sent: Instant, now: Instant) {
        if self.ns(sent) < self.until_ns.load(Ordering::Relaxed) {
            return;
        }
        let doubled = self.length_ns.load(Ordering::Relaxed).saturating_mul(2);
        let length = doubled.clamp(nanoseconds(PAUSE_MIN), nanoseconds(PAUSE_MAX));
        self.length_ns.store(length, Ordering::Relaxed);
        self.until_ns.store(self.ns(now).saturating_add(length), Ordering::Relaxed);
    }

    /// A message was taken.
    pub(super) fn taken(&self) {
        self.length_ns.store(0, Ordering::Relaxed);
        self.until_ns.store(0, Ordering::Relaxed);
    }

    fn ns(&self, instant: Instant) -> u64 {
        nanoseconds(instant.saturating_duration_since(self.started))
    }
}

/// Nanoseconds of `duration`.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Pause;

    #[test]
    fn pauses_double_and_end_with_a_success() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let pause = Pause::new(start);
        assert!(!pause.is_on(start));
        pause.refused(at(0), at(10));
        assert!(pause.is_on(at(109)) && !pause.is_on(at(110)));
        // Sent before the pause ended.
        pause.refused(at(60), at(105));
        assert!(!pause.is_on(at(110)));
        pause.refused(at(110), at(120));
        assert!(pause.is_on(at(319)) && !pause.is_on(at(320)));
        let mut now = 320;
        for _ in 0..20 {
            pause.refused(at(now), at(now));
            now += 10_000;
            assert!(!pause.is_on(at(now)));
        }
        pause.refused(at(now), at(now));
        assert!(pause.is_on(at(now + 9_999)));
        pause.taken();
        assert!(!pause.is_on(at(now)) && !pause.was_refused());
        pause.refused(at(now), at(now));
        assert!(!pause.is_on(at(now + 100)) && pause.was_refused());
    }
}
