//! The worker: every stage of a packet in one visible order.
//!
//! ```text
//! poll ─► decode ─► own or hand over ─► flow ─► stream ─► detect ─► digest ─► record ─► ring
//! ```
//!
//! A worker runs to completion on one core ([`Worker`]); it owns one receive queue of every port, its
//! shard of the flow table, its scratch memory and its rings. [`wire`] makes the seats of all workers and
//! the control plane's ends of what joins them.

#![forbid(unsafe_code)]

pub mod clock;
mod detection;
mod engine;
mod flow_state;
mod handover;
#[cfg(feature = "test-hooks")]
pub mod hooks;
mod laps;
mod reassembly;
mod report;
mod seat;
mod settings;
mod shed;
mod streams;
mod view;
mod worker;

pub use crate::seat::{GENERATIONS_WAITING_MAX, Link, Seat, wire, wire_on};
pub use crate::settings::{BURST_MAX, Idle, LaneFull, STAGE_SAMPLE, Settings};
pub use crate::view::view;
pub use crate::worker::{Ended, Step, Stopped, Worker};
