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

    /// From monotonic instants to wall time by the offset of this moment: the times of one event fit
    /// together though the offset may be refreshed meanwhile.
    pub fn reading(&self) -> impl Fn(u64) -> u64 + use<> {
        let offset_ns = self.0.load(Ordering::Relaxed);
        move |monotonic_ns| monotonic_ns.wrapping_add_signed(offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::WallOffset;

    #[test]
    fn a_reading_keeps_the_offset_that_it_was_taken_at() {
        let offset = WallOffset::zero();
        let replayed = offset.reading();
        offset.set(1_000);
        let before = offset.reading();
        offset.set(-3);
        assert_eq!([replayed(5), before(5), offset.reading()(5)], [5, 1_005, 2]);
    }
}
