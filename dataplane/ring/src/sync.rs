//! The shared-memory primitives: the standard library's, or loom's under `--cfg loom`.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// A value alone on its cache lines: two, because the adjacent-line prefetcher fetches pairs.
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);
