//! Alerts per second from packets through a DPDK poll-mode driver to JetStream's acknowledgement, by the
//! sensor's binary.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use benches::percentiles::results_directory;
use benches::rate::{Conditions, EVENTS_RESULTS, Events, SensorBinary};
use clap::Parser;

/// Measure whole events: received over DPDK, detected, acknowledged. Needs neither hugepages nor
/// privileges.
#[derive(Debug, Parser)]
struct Args {
    /// The sensor-gateway binary. Default: the one beside this program.
    #[arg(long)]
    sensor: Option<PathBuf>,

    /// Alerts a second that are wanted.
    #[arg(long, default_value_t = 50_000.0)]
    rate: f64,

    /// Seconds of each try.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,

    /// Generated content rules that the sensor loads.
    #[arg(long, default_value_t = 1_000)]
    rules: usize,

    /// CPU of the worker.
    #[arg(long, default_value_t = 1)]
    cpu: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let beside = std::env::current_exe()?.with_file_name("sensor-gateway");
    let sensor = SensorBinary::new(args.sensor.unwrap_or(beside), args.rules, folder.path())?;
    let length = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let conditions = Conditions { cpu: args.cpu, length };
    let events = Events::measure(&sensor, args.rules, folder.path(), args.rate, conditions)?;
    println!("{}", events.line());
    let path = results_directory()?.join(EVENTS_RESULTS);
    std::fs::write(&path, serde_json::to_vec_pretty(&events)?)?;
    println!("written: {}", path.display());
    Ok(())
}
