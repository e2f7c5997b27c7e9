//! Monotonic nanoseconds for a worker: one reading a burst.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A monotonic clock that costs no system call.
pub trait Clock {
    /// Nanoseconds since an arbitrary start.
    fn now_ns(&self) -> u64;
}

/// The processor's time-stamp counter.
#[derive(Clone, Debug)]
pub struct TscClock(quanta::Clock);

impl TscClock {
    /// A clock; the first one of a process measures the counter's rate, which takes up to 200 ms.
    #[must_use]
    pub fn new() -> Self {
        Self(quanta::Clock::new())
    }
}

impl Default for TscClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TscClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        self.0.delta_as_nanos(0, self.0.raw())
    }
}

/// A clock that stands still until it is moved: for tests that say when things happen.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Moves the clock on.
    pub fn advance(&self, nanoseconds: u64) {
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ManualClock, TscClock};

    #[test]
    fn clocks_do_not_run_backwards() {
        let tsc = TscClock::new();
        let mut last = tsc.now_ns();
        for _ in 0..1_000 {
            let now = tsc.now_ns();
            assert!(now >= last);
            last = now;
        }
        let manual = ManualClock::default();
        manual.advance(7);
        assert_eq!(manual.clone().now_ns(), 7);
    }
}
