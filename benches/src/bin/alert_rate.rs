//! Searches the highest rate of alerts that JetStream acknowledges without a loss, and measures what the
//! server takes without the sensor, on the same CPU and with messages of the same size.

#![forbid(unsafe_code)]

use std::time::Duration;

use anyhow::{Context, Result};
use benches::alert_rate::{LADDER, RESULTS, Rates};
use benches::live::leave_a_cpu_for_the_worker;
use benches::percentiles::results_directory;
use clap::Parser;

/// Find the highest rate of alerts without a loss. The worker has one CPU; control plane, nats-server
/// and subscriber share the other.
#[derive(Debug, Parser)]
struct Args {
    /// Seconds of each rate.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,

    /// Try no rate above this, alerts a second.
    #[arg(long, default_value_t = LADDER[LADDER.len() - 1])]
    most: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let length = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let rates = Rates::search(args.most, length, leave_a_cpu_for_the_worker())?;
    print!("{}", rates.text());
    let path = results_directory()?.join(RESULTS);
    std::fs::write(&path, serde_json::to_vec_pretty(&rates)?)?;
    println!("written: {}", path.display());
    Ok(())
}
