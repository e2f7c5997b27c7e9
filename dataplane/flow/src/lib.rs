//! What packets belong to: the flow table, the TCP connection of a flow, and the datagrams that fragments are
//! put together to.
//!
//! One flow table per worker, allocated once. A bucket is eight ways with a line of tags, so that a look-up
//! touches one line of tags and, as a rule, one entry. Flows end by the time of the packets: whether a flow
//! is silent too long is judged when it is looked up, by the packet's own time, and a timer wheel takes out
//! what nobody looks up any more. A full bucket gives up what matters least. Whatever ends is handed out
//! ([`Ended`]), so that its end can be worked.

#![forbid(unsafe_code)]

mod core;
pub mod defrag;
pub mod stream;
mod table;
pub mod tcp;
mod timeouts;

pub use contract::{FlowEnd, FlowStage};

pub use crate::core::{Direction, FlowCore};
pub use crate::table::{EmergencyMarks, Ended, Flow, FlowRef, FlowTable, Looked, WAYS};
pub use crate::timeouts::{ProtocolTimeouts, StageTimeouts, Timeouts};
