//! Time: monotonic nanoseconds for timers and latency, wall time for what people read.

use core::sync::atomic::{AtomicI64, Ordering};

/// What to add to a worker's monotonic nanoseconds to get wall time (nanoseconds since 1970).
///
/// The control plane refreshes it; a step of the system clock therefore moves what is displayed and no
/// timer.
#[derive(Debug, Default)]
pub struct WallOffset(AtomicI64);

impl WallOffset {
    /// An offset of zero: wall time equals monotonic time, as in replay, where both are the capture's.
    #[must_use]
    pub const fn zero() -> Self {
        Self(AtomicI64::new(0))
    }

    /// Sets the offset in nanoseconds.
    pub fn set(&self, offset_ns: i64) {
        self.0.store(offset_ns, Ordering::Relaxed);
    }

    /// Wall time of the monotonic instant `monotonic_ns`.
    #[must_use]
    pub fn wall_ns(&self, monotonic_ns: u64) -> u64 {
        monotonic_ns.wrapping_add_signed(self.0.load(Ordering::Relaxed))
    }
}
