//! Latency percentiles that Criterion does not print: a table for people, JSON for programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use control::stats::LatencyView;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// One line: a case's percentiles, nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the case.
    pub case: String,
    /// Values.
    pub samples: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest value.
    pub max: u64,
}

impl Row {
    /// The percentiles of a histogram.
    #[must_use]
    pub fn of_histogram(case: impl Into<String>, histogram: &Histogram<u64>) -> Self {
        let at = |percentile| histogram.value_at_percentile(percentile);
        Self {
            case: case.into(),
            samples: histogram.len(),
            p50: at(50.0),
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            p999: at(99.9),
            max: histogram.max(),
        }
    }

    /// Percentiles as the sensor's statistics have them.
    #[must_use]
    pub fn of_view(case: impl Into<String>, view: &LatencyView) -> Self {
        let LatencyView { count, p50, p90, p95, p99, p999, max } = *view;
        Self { case: case.into(), samples: count, p50, p90, p95, p99, p999, max }
    }
}

/// The table of one benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Percentiles {
    /// The benchmark.
    pub bench: String,
    /// What is measured, with its unit, for the heading.
    pub unit: String,
    /// The cases, in the order of their run.
    pub rows: Vec<Row>,
}

impl Percentiles {
    /// An empty table.
    #[must_use]
    pub fn new(bench: &str, unit: &str) -> Self {
        Self { bench: bench.into(), unit: unit.into(), rows: Vec::new() }
    }

    /// Adds a case, unless nothing was recorded for it: it was filtered out.
    pub fn add(&mut self, row: Row) {
        if row.samples > 0 {
            self.rows.push(row);
        }
    }

    /// Prints the table and writes `target/criterion/BENCH-percentiles.json`; nothing without a case.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn report(&self) -> anyhow::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        print!("\n{}", self.table());
        let path = results_directory()?.join(format!("{}-percentiles.json", self.bench));
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| path.display().to_string())?;
        println!("written: {}", path.display());
        Ok(())
    }

    /// The table as text.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{}: {}\n", self.bench, self.unit);
        text += &format!(
            "{:<36} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11}\n",
            "case", "samples", "p50", "p90", "p95", "p99", "p99.9", "max"
        );
        for row in &self.rows {
            let Row { case, samples, p50, p90, p95, p99, p999, max } = row;
            text += &format!(
                "{case:<36} {samples:>9} {p50:>10} {p90:>10} {p95:>10} {p99:>10} {p999:>10} {max:>11}\n"
            );
        }
        text
    }
}

/// Where benchmarks write what is not Criterion's: beside its folders. Made if it is not there.
///
/// # Errors
/// If it cannot be made.
pub fn results_directory() -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("benches/ has a parent")?;
    let directory = target.unwrap_or_else(|| workspace.join("target")).join("criterion");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::{Percentiles, Row};

    #[test]
    fn a_case_without_values_has_no_row() {
        let mut table = Percentiles::new("bench", "ns");
        let mut histogram = crate::stopwatch::histogram();
        table.add(Row::of_histogram("none", &histogram));
        for value in 1..=1_000 {
            histogram.saturating_record(value);
        }
        table.add(Row::of_histogram("some", &histogram));
        assert_eq!(table.rows.len(), 1);
        let row = &table.rows[0];
        assert_eq!((row.samples, row.p50, row.p95, row.max), (1_000, 500, 950, 1_000));
        assert!(table.table().contains("some"));
    }
}
