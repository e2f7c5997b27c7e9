//! Packet sources: the [`PacketSource`] trait that every capture obeys, capture files and memory.
//!
//! No DPDK here: `capture-dpdk` implements the same trait over a port's queues, and the pipeline cannot
//! tell them apart.

#![forbid(unsafe_code)]

mod error;
pub mod file;
pub mod memory;
mod source;

pub use error::SourceError;
pub use source::{Burst, Frame, FrameMeta, PacketSource, Polled};
