//! How far the reading of a file is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells how far a capture file has been read; cheap to clone, readable from any thread.
#[derive(Clone, Debug)]
pub struct Progress {
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl Progress {
    pub(super) fn new(bytes_total: Option<u64>) -> Self {
        Self { bytes_read: Arc::default(), bytes_total }
    }

    pub(super) fn set(&self, bytes: u64) {
        self.bytes_read.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of the file whose packets have been given out.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Bytes of the file when it was opened, where that is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}
