//! What the local nats-server takes: rates and acknowledgements by message size and messages in flight,
//! with client, server and subscriber on the first CPU.

#![forbid(unsafe_code)]

use std::time::Duration;

use anyhow::{Context, Result};
use benches::ceiling::{self, WINDOWS};
use benches::live::leave_a_cpu_for_the_worker;
use benches::percentiles::results_directory;
use benches::summary::CEILING;
use clap::Parser;

/// Measure the ceiling of the local nats-server (JetStream, file store).
#[derive(Debug, Parser)]
struct Args {
    /// Bytes of a message.
    #[arg(long, value_delimiter = ',', default_value = "512,16384,262144")]
    bytes: Vec<usize>,

    /// Seconds of each measurement.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let length = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    // Where the sensor's control plane is in `alert_rate`; nobody needs the other CPU here.
    let _ = leave_a_cpu_for_the_worker();
    let mut rows = Vec::new();
    for bytes in args.bytes {
        for window in WINDOWS {
            rows.push(ceiling::measure(bytes, window, length)?);
        }
    }
    print!("{}", ceiling::table(&rows));
    let path = results_directory()?.join(CEILING);
    std::fs::write(&path, serde_json::to_vec_pretty(&rows)?)?;
    println!("written: {}", path.display());
    Ok(())
}
