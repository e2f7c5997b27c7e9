//! Alerts for long at a steady rate: every one arrives at a consumer, and memory does not grow.

#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use benches::live::leave_a_cpu_for_the_worker;
use benches::percentiles::results_directory;
use benches::soak::{CPUS, Cage, MEMORY_BYTES, Outcome, STREAM_BYTES};
use clap::Parser;
use control::config::SpoolConfig;

/// Raise alerts at a steady rate, spool, publish and consume them; fail on a loss or on growing memory.
#[derive(Debug, Parser)]
struct Args {
    /// Length of the load, seconds.
    #[arg(long, env = "SOAK_SECONDS", default_value_t = 1_200)]
    seconds: u64,

    /// Alerts a second.
    #[arg(long, env = "SOAK_RATE", default_value_t = 50_000)]
    rate: u64,

    /// Others use the CPUs too: neither a lower rate nor a few alerts that the ring had no room for fail.
    #[arg(long, env = "SOAK_SHARED")]
    shared: bool,
}

/// Bytes that an alert takes in the stream, at most.
const ALERT_BYTES: u64 = 512;

/// Fails where `folder` has no room for what the soak writes.
fn ensure_room(folder: &Path, args: &Args) -> Result<()> {
    let stream = STREAM_BYTES.min(args.rate * args.seconds * ALERT_BYTES);
    let wanted = stream + SpoolConfig::default().bytes_max;
    let disk = nix::sys::statvfs::statvfs(folder)?;
    let free = disk.blocks_available() * disk.fragment_size();
    ensure!(free > wanted, "{} has {free} bytes free, the soak writes {wanted}", folder.display());
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    let cage = Cage::enter();
    match &cage {
        Ok(_) => println!("bounds: {CPUS} CPUs, {} MiB", MEMORY_BYTES >> 20),
        Err(error) => println!("bounds: none, no control group can be made ({error})"),
    }
    // Beside the build, not in a folder that may be memory.
    let folder = tempfile::tempdir_in(results_directory()?)?;
    ensure_room(folder.path(), &args)?;
    ensure_room(&std::env::temp_dir(), &args)?;
    let length = Duration::from_secs(args.seconds);
    let cpu = leave_a_cpu_for_the_worker();
    let outcome = Outcome::measure(args.rate, length, folder.path(), cpu)?;
    print!("{}", outcome.text());
    if let Some(peak) = cage.ok().and_then(|cage| cage.peak()) {
        println!("most memory of all processes, page cache included: {} MiB", peak >> 20);
    }
    outcome.judge(args.shared)?;
    println!("soak: nothing lost, nothing grows");
    Ok(())
}
