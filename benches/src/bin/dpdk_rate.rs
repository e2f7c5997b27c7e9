//! Packets per second through the whole sensor from DPDK's test devices, beside `dpdk-testpmd rxonly` on
//! the same device: ratio, and nanoseconds per packet above the bare receive.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use benches::percentiles::results_directory;
use benches::rate::{Conditions, Device, DeviceRow, RESULTS, SensorBinary, Table, Testpmd};
use clap::Parser;

/// Compare the sensor's packet rate with that of a bare DPDK receiver. Needs neither hugepages nor
/// privileges.
#[derive(Debug, Parser)]
struct Args {
    /// The sensor-gateway binary. Default: the one beside this program.
    #[arg(long)]
    sensor: Option<PathBuf>,

    /// Seconds of each measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,

    /// Pairs of measurements for each device.
    #[arg(long, default_value_t = 3)]
    repetitions: usize,

    /// Generated content rules that the sensor loads.
    #[arg(long, default_value_t = 1_000)]
    rules: usize,

    /// CPU on which both poll.
    #[arg(long, default_value_t = 1)]
    cpu: usize,

    /// Measure only devices whose name contains this.
    #[arg(long, default_value = "")]
    device: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let beside = std::env::current_exe()?.with_file_name("sensor-gateway");
    let folder = tempfile::tempdir()?;
    let program = args.sensor.unwrap_or(beside);
    let sensor = SensorBinary::new(program, args.rules, folder.path())?;
    let length = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let conditions = Conditions { cpu: args.cpu, length };
    let mut table = Table { rules: args.rules, rows: Vec::new() };
    for device in Device::all(folder.path()) {
        if !device.name.contains(&args.device) {
            continue;
        }
        let mut pairs = Vec::new();
        for repetition in 1..=args.repetitions {
            let testpmd = Testpmd::measure(&device, conditions)?;
            let inspected = sensor.measure(&device, conditions)?;
            eprintln!(
                "{} {repetition}: testpmd {:.1} Mpps, sensor {:.2} Mpps",
                device.name,
                testpmd.mpps(),
                inspected.rate.mpps()
            );
            pairs.push((testpmd, inspected));
        }
        table.rows.extend(DeviceRow::of(&device, &pairs));
    }
    print!("{}", table.text());
    let path = results_directory()?.join(RESULTS);
    std::fs::write(&path, serde_json::to_vec_pretty(&table)?)?;
    println!("written: {}", path.display());
    Ok(())
}
