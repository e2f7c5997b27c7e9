//! Plain types that both planes share: five-tuple, record layout, counters, ledgers, latency
//! histograms and time. No behaviour of either plane lives here, and no allocation on the write side.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod counter;
pub mod counters;
pub mod crash;
pub mod event;
pub mod event_counters;
mod ip_options;
pub mod latency;
pub mod ledger;
pub mod record;
pub mod time;
pub mod tuple;

pub use counter::Counter;
pub use counters::{
    AlertDrop, FlowEnd, FlowStage, PacketDrop, Stage, StreamCounters, WorkerCounters,
};
pub use crash::CrashLedger;
pub use event::{Event, EventSet};
pub use event_counters::EventCounters;
pub use ip_options::IpOptions;
pub use latency::{LatencyHistogram, LatencySnapshot};
pub use ledger::{AlertLedger, PacketLedger};
pub use record::{Field, FieldKind, Header, Kind, Lane, Record, RecordBuilder, Slot};
pub use time::WallOffset;
pub use tuple::{FiveTuple, FlowKey, LinkType};
