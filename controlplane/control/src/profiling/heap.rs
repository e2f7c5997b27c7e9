//! What the heap holds: allocations that jemalloc has sampled, where it is the program's allocator.

/// Why there is no heap profile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeapError {
    /// The program has another allocator.
    #[cfg(not(feature = "heap-profile"))]
    #[error("this build has no heap profiler")]
    NotBuilt,
    /// The allocator was told not to sample (`_RJEM_MALLOC_CONF`).
    #[cfg(feature = "heap-profile")]
    #[error("jemalloc was started without its profiler")]
    SwitchedOff,
    /// The dump.
    #[cfg(feature = "heap-profile")]
    #[error("{0}")]
    Failed(String),
}

/// Samples allocations from now on.
#[cfg(feature = "heap-profile")]
pub(crate) async fn activate() -> Result<(), HeapError> {
    let control = jemalloc_pprof::PROF_CTL.as_ref().ok_or(HeapError::SwitchedOff)?;
    control.lock().await.activate().map_err(|error| HeapError::Failed(error.to_string()))
}

/// What is allocated now, of what was sampled: a gzipped profile of google/pprof. Blocks.
#[cfg(feature = "heap-profile")]
pub(crate) fn pprof() -> Result<Vec<u8>, HeapError> {
    let control = jemalloc_pprof::PROF_CTL.as_ref().ok_or(HeapError::SwitchedOff)?;
    let dumped = control.blocking_lock().dump_pprof();
    dumped.map_err(|error| HeapError::Failed(format!("{error:#}")))
}

/// There is nothing that could sample.
#[cfg(not(feature = "heap-profile"))]
pub(crate) async fn activate() -> Result<(), HeapError> {
    Err(HeapError::NotBuilt)
}

/// There is nothing to tell.
#[cfg(not(feature = "heap-profile"))]
pub(crate) fn pprof() -> Result<Vec<u8>, HeapError> {
    Err(HeapError::NotBuilt)
}
