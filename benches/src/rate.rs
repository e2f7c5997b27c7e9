//! The sensor's binary beside DPDK's own receiver, `dpdk-testpmd rxonly`, on the same poll-mode driver.
//!
//! Both poll without a pause on one CPU, so that packets by the CPU time of the polling thread are their
//! rate on a core of its own; what other processes take of the CPU meanwhile is not in it. Runs
//! alternate, and a repetition is a pair: what is compared was measured within seconds.

mod device;
mod events;
mod process;
mod sensor;
mod table;
mod testpmd;

pub use device::Device;
pub use events::{EVENTS_RESULTS, Events};
pub use process::Rate;
pub use sensor::{Inspected, SensorBinary};
pub use table::{DeviceRow, Spread, Table};
pub use testpmd::Testpmd;

use std::time::Duration;

/// File of the rates, among the results of the benchmarks.
pub const RESULTS: &str = "dpdk-rate.json";

/// How both programs are run.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// CPU of the polling thread.
    pub cpu: usize,
    /// Length of a measurement.
    pub length: Duration,
}
