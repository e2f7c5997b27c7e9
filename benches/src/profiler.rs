//! Criterion's profiling hook: `cargo bench --bench NAME -- --profile-time=10` writes
//! `target/criterion/*/profile/flamegraph.svg`.
//!
//! pprof's own hook is tied to an older Criterion. Stacks are walked by frame pointers, which
//! `.cargo/config.toml` turns on.

use std::fs::File;
use std::path::Path;

use criterion::profiler::Profiler;
use pprof::ProfilerGuard;

/// Samples of a second: a prime, so as not to beat with anything periodic.
const SAMPLES_PER_SECOND: i32 = 997;

/// Whether the command line asks for profiles: sampling disturbs what is measured meanwhile.
#[must_use]
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument.starts_with("--profile-time"))
}

/// Samples the process by SIGPROF while a benchmark is profiled.
#[derive(Default)]
pub struct FlameGraph(Option<ProfilerGuard<'static>>);

impl Profiler for FlameGraph {
    fn start_profiling(&mut self, benchmark_id: &str, _benchmark_dir: &Path) {
        match ProfilerGuard::new(SAMPLES_PER_SECOND) {
            Ok(guard) => self.0 = Some(guard),
            Err(error) => eprintln!("{benchmark_id}: cannot profile: {error}"),
        }
    }

    fn stop_profiling(&mut self, benchmark_id: &str, benchmark_dir: &Path) {
        let Some(guard) = self.0.take() else { return };
        if let Err(error) = write(&guard, benchmark_dir) {
            eprintln!("{benchmark_id}: cannot write the flame graph: {error}");
        }
    }
}

fn write(guard: &ProfilerGuard<'_>, directory: &Path) -> anyhow::Result<()> {
    let report = guard.report().build()?;
    std::fs::create_dir_all(directory)?;
    let path = directory.join("flamegraph.svg");
    report.flamegraph(File::create(&path)?)?;
    println!("flame graph: {}", path.display());
    Ok(())
}
