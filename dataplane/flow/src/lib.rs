//! What packets belong to: the flow table, and the datagrams that fragments are put together to.
//!
//! One flow table per worker, allocated once. A bucket is eight ways with a cache line of tags, so that a
//! look-up touches one line of tags and, as a rule, one entry. A full bucket gives up the flow that has
//! been silent longest ([`Placed::Evicted`]); idle flows end by the time of the packets, at look-up.

#![forbid(unsafe_code)]

mod core;
pub mod defrag;
pub mod stream;
mod table;

pub use crate::core::{Direction, FlowCore, Timeouts};
pub use crate::table::{FlowTable, Looked, Placed, WAYS};
