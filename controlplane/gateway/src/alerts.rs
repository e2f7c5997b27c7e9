//! `alerts`: the consumer's side, on any machine that reaches the NATS server.
//!
//! ```text
//! NATS ─► source ─► Batch::decode ─► seen (repeated ids) ─► filter ─► print
//! ```
//!
//! docs/alerts.md has the contract that this keeps, and that other consumers must keep.

mod args;
mod connect;
mod filter;
mod network;
mod print;
mod seen;
mod source;
mod tail;

pub use args::{Alerts, Filters, From, Tail, What};

use crate::exit::Failure;

/// Runs the command.
///
/// # Errors
/// The exit code says which side failed.
pub fn alerts(args: &Alerts) -> Result<(), Failure> {
    match &args.what {
        What::Tail(args) => tail::tail(args),
    }
}
