//! Latency percentiles that Criterion does not print: a table for people, JSON for programs.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde_json::json;

/// The percentiles that are reported.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];

/// Histograms of one benchmark, by the name of the case.
pub struct Percentiles {
    bench: &'static str,
    unit: &'static str,
    cases: Vec<(String, Histogram<u64>)>,
}

impl Percentiles {
    /// An empty table. `unit` is that of the values, for the heading.
    #[must_use]
    pub fn new(bench: &'static str, unit: &'static str) -> Self {
        Self { bench, unit, cases: Vec::new() }
    }

    /// Adds a case.
    pub fn add(&mut self, case: impl Into<String>, histogram: Histogram<u64>) {
        self.cases.push((case.into(), histogram));
    }

    /// Prints the table and writes `target/criterion/BENCH-percentiles.json`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn report(&self) -> anyhow::Result<()> {
        println!("\n{} ({})", self.bench, self.unit);
        println!(
            "{:<32} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "case", "samples", "p50", "p90", "p95", "p99", "p99.9", "max"
        );
        for (case, histogram) in &self.cases {
            let values = PERCENTILES.map(|p| format!("{:>9}", histogram.value_at_percentile(p)));
            println!(
                "{case:<32} {:>10} {} {:>9}",
                histogram.len(),
                values.join(" "),
                histogram.max()
            );
        }
        let cases = self.cases.iter().map(|(case, histogram)| {
            let percentiles = PERCENTILES
                .map(|p| (format!("p{p}"), json!(histogram.value_at_percentile(p))));
            let mut row = serde_json::Map::from_iter(percentiles);
            row.insert("samples".into(), json!(histogram.len()));
            row.insert("max".into(), json!(histogram.max()));
            (case.clone(), row.into())
        });
        let report = json!({
            "bench": self.bench,
            "unit": self.unit,
            "cases": serde_json::Map::from_iter(cases),
        });
        let directory = target_directory().join("criterion");
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{}-percentiles.json", self.bench));
        fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| path.display().to_string())?;
        println!("written: {}", path.display());
        Ok(())
    }
}

/// Cargo's target directory, which Criterion uses too.
fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    )
}
