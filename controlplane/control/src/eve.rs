//! Alerts as EVE JSON lines: what Suricata writes to `eve.json`, and what its readers expect.
//!
//! [`EveWriter`] renders and writes without a thread, for replay; [`EveOutput`] is the same behind a
//! bounded queue and a thread, for the live sensor.

mod output;
mod render;
mod writer;

pub(crate) use output::{EveCounters, EveHandle, EveItem, EveOutput};
pub use render::{EveAddress, EveOptions, EveProtocol, render};
pub use writer::{EveError, EveWriter};
