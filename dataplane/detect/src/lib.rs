//! HIR to an immutable rule set, and matching over an [`Inspect`] view.

#![forbid(unsafe_code)]

mod inspect;

pub use inspect::Inspect;
