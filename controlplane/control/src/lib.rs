//! Control plane: drain, batch, NATS, EVE, rule store, stats, API.
//!
//! ```text
//! workers' rings ─► drain ─► enrich ─┬─► AlertBatch ─► lanes ─► NATS        tally: where each alert ended
//!                                    └─► EVE lines                          stats: both ledgers, /metrics
//! rules text ─► store ─► generation N+1 ─► workers' mailboxes ─► confirmed ─► N freed
//! ```
//!
//! [`Control::start`] joins them for the live sensor. Replay needs no thread and no NATS, and takes the
//! parts by themselves: [`Drain`], [`Enricher`], [`EveWriter`], [`stats::alert_ledger`].

#![forbid(unsafe_code)]

mod alert;
mod api;
mod batch;
mod community;
pub mod config;
mod control;
mod delivery;
mod drain;
mod eve;
mod log;
mod nats;
pub mod profiling;
mod registry;
mod sinks;
mod spool;
pub mod stats;
mod store;
mod tally;
#[cfg(test)]
mod testing;
mod time;
mod worker;

pub use alert::{Alert, AlertView, Enricher};
pub use api::openapi;
pub use community::CommunityId;
pub use control::{Control, Parts, SensorIdentity, StartError};
pub use drain::{AlertSink, Drain, IDLE_SLEEP};
pub use eve::{EveAddress, EveError, EveOptions, EveProtocol, EveWriter, render};
pub use log::{FixedLevels, LogLevels};
pub use nats::{Durability, LinkState, NatsError, nats_options};
pub use registry::{GenerationText, Registry, RegistryReader, SignatureText};
pub use spool::{SpoolDirectory, SpoolError};
pub use store::{
    ActivateError, Activation, CompileInfo, GenerationInfo, LoadedRules, Policy, RuleCounts,
    RuleDiagnostic, RuleStore,
};
pub use tally::{Claim, Loss, Outcome, Tally, Ticket};
pub use time::{UtcTime, wall_ns_now};
pub use worker::{DrainProgress, WorkerLink};
