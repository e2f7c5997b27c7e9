//! Faults on purpose, for tests that must see them noticed. Not in a build without `test-hooks`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Faults of one worker.
#[derive(Debug, Default)]
pub struct Hooks {
    /// The worker does nothing, not even confirm a generation, while this is set.
    pub paused: AtomicBool,
    /// The packet (counted from 1 as inspected) that ends in no counter; 0 for none.
    pub lose_packet: AtomicU64,
    /// The alert (counted from 1 as raised) that ends in no counter; 0 for none.
    pub lose_alert: AtomicU64,
    /// The packet (counted from 1 as inspected) on which the worker panics; 0 for none.
    pub panic_packet: AtomicU64,
}

impl Hooks {
    /// Whether the next event after `seen` earlier ones is the one that `wanted` names.
    pub(crate) fn is_next(wanted: &AtomicU64, seen: u64) -> bool {
        wanted.load(Ordering::Relaxed) == seen + 1
    }

    /// Waits while the worker is paused.
    pub(crate) fn wait_while_paused(&self) {
        while self.paused.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}
