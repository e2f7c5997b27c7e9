//! Profiles of the process: where its CPU time goes, and what its heap holds.
//!
//! The API serves them (`/debug/pprof/`); the benchmarks draw flame graphs with the same sampler.

mod cpu;
pub(crate) mod heap;

pub use cpu::{CpuProfile, ProfileError};
