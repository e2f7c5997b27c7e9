//! One table of what the last runs of the benchmarks wrote.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;

use crate::percentiles::Percentiles;
use crate::{instructions, rate};

/// Files of the benchmarks that measure percentiles.
const PERCENTILES: [&str; 2] =
    ["detection_overhead-percentiles.json", "e2e_latency-percentiles.json"];
/// File of the program that compares packet rates.
const RATES: &str = "dpdk-rate.json";
/// File of the program that counts instructions.
const INSTRUCTIONS: &str = "instructions.json";

/// The tables of all benchmarks whose results lie in `directory`, one after the other; for those without,
/// a line that says so.
///
/// # Errors
/// A file is not what this version writes.
pub fn text(directory: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for file in PERCENTILES {
        text += &section(directory, file, |table: &Percentiles| table.table())?;
    }
    text += &section(directory, RATES, rate::Table::text)?;
    text += &section(directory, INSTRUCTIONS, |counts: &Vec<_>| instructions::table(counts))?;
    Ok(text)
}

fn section<T: DeserializeOwned>(
    directory: &Path,
    file: &str,
    show: impl FnOnce(&T) -> String,
) -> anyhow::Result<String> {
    let path = directory.join(file);
    let Ok(bytes) = fs::read(&path) else { return Ok(format!("{file}: not measured\n\n")) };
    let table = serde_json::from_slice(&bytes).with_context(|| {
        format!("{}: written by another version; measure again", path.display())
    })?;
    Ok(format!("{}\n", show(&table)))
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::percentiles::{Percentiles, Row};

    #[test]
    fn what_is_there_is_shown_and_what_is_not_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = Percentiles::new("e2e_latency", "ns");
        let mut histogram = crate::stopwatch::histogram();
        histogram.saturating_record(77);
        table.add(Row::of_histogram("idle", &histogram));
        let bytes = serde_json::to_vec(&table).unwrap();
        std::fs::write(folder.path().join("e2e_latency-percentiles.json"), bytes).unwrap();
        let text = text(folder.path()).unwrap();
        assert!(text.contains("idle") && text.contains("77"), "{text}");
        assert!(text.contains("dpdk-rate.json: not measured"), "{text}");
    }
}
