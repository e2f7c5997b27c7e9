//! Criterion's profiling hook: `cargo bench --bench NAME -- --profile-time=10` writes
//! `target/criterion/*/profile/flamegraph.svg`.
//!
//! pprof's own hook is tied to an older Criterion. The sampler is that of the running sensor.

use std::path::Path;

use control::profiling::CpuProfile;
use criterion::profiler::Profiler;

/// Samples of a second: a prime, so as not to beat with anything periodic. The kernel's tick may allow less.
const SAMPLES_PER_SECOND: u32 = 997;

/// Whether the command line asks for profiles: sampling disturbs what is measured meanwhile.
#[must_use]
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument.starts_with("--profile-time"))
}

/// Samples the process by SIGPROF while a benchmark is profiled.
#[derive(Default)]
pub struct FlameGraph(Option<CpuProfile>);

impl Profiler for FlameGraph {
    fn start_profiling(&mut self, benchmark_id: &str, _benchmark_dir: &Path) {
        match CpuProfile::start(SAMPLES_PER_SECOND) {
            Ok(profile) => self.0 = Some(profile),
            Err(error) => eprintln!("{benchmark_id}: cannot profile: {error}"),
        }
    }

    fn stop_profiling(&mut self, benchmark_id: &str, benchmark_dir: &Path) {
        let Some(profile) = self.0.take() else { return };
        if let Err(error) = write(&profile, benchmark_dir) {
            eprintln!("{benchmark_id}: cannot write the flame graph: {error}");
        }
    }
}

fn write(profile: &CpuProfile, directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join("flamegraph.svg");
    std::fs::write(&path, profile.flamegraph()?)?;
    println!("flame graph: {}", path.display());
    Ok(())
}
