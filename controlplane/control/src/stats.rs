//! What the sensor has done: both ledgers, counters, latencies, and the state of everything.
//!
//! One [`Snapshot`] feeds `/api/v1/stats` and `/metrics`, so that the two cannot disagree.

mod collect;
mod model;
mod prometheus;

pub(crate) use collect::{Collector, WorkerStats};
pub use collect::{alert_ledger, packet_ledger};
pub use model::{
    AlertLedgerView, EveView, LatenciesView, LatencyView, LedgersView, LossView, NatsLaneView,
    NatsView, PacketLedgerView, PortView, RulesView, Snapshot, WorkerView,
};
pub(crate) use prometheus::render as prometheus;

pub use crate::spool::{ClosedBoot, RecoveredView, SpoolView};

/// Counters of the sensor's ports, from whoever owns them.
pub trait PortStats: Send + Sync {
    /// The ports, in the order of their index.
    fn ports(&self) -> Vec<PortView>;
}

/// A sensor without ports, as when it reads a capture file.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPorts;

impl PortStats for NoPorts {
    fn ports(&self) -> Vec<PortView> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
