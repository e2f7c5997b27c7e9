//! One table of what the last runs of the benchmarks wrote, and the guide's targets beside it.

mod targets;

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;

pub use targets::{Target, table, targets};

use crate::alert_rate::{self, Rates};
use crate::hotpath::{self, Counts};
use crate::percentiles::Percentiles;
use crate::rate::{self, EVENTS_RESULTS, Events};
use crate::{ceiling, instructions};

/// Files of the benchmarks that measure percentiles.
pub(crate) const PERCENTILES: [&str; 2] =
    ["detection_overhead-percentiles.json", "e2e_latency-percentiles.json"];
/// File of the program that measures the NATS server alone.
pub const CEILING: &str = "nats-ceiling.json";
/// File of the program that counts instructions over corpora.
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
    text += &section(directory, rate::RESULTS, rate::Table::text)?;
    text += &section(directory, EVENTS_RESULTS, |events: &Events| events.line() + "\n")?;
    text += &section(directory, alert_rate::RESULTS, Rates::text)?;
    text += &section(directory, CEILING, |rows: &Vec<_>| ceiling::table(rows))?;
    text += &section(directory, hotpath::RESULTS, |counts: &Counts| {
        counts.beside(&Counts { compiler: counts.compiler.clone(), ..Counts::default() }).0
    })?;
    text += &section(directory, INSTRUCTIONS, |counts: &Vec<_>| instructions::table(counts))?;
    Ok(text)
}

fn section<T: DeserializeOwned>(
    directory: &Path,
    file: &str,
    show: impl FnOnce(&T) -> String,
) -> anyhow::Result<String> {
    Ok(match read(directory, file)? {
        Some(table) => format!("{}\n", show(&table)),
        None => format!("{file}: not measured\n\n"),
    })
}

/// What a benchmark has left in `directory`; `None` if it did not run.
///
/// # Errors
/// The file is not what this version writes.
pub(crate) fn read<T: DeserializeOwned>(directory: &Path, file: &str) -> anyhow::Result<Option<T>> {
    let path = directory.join(file);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
            format!("{}: written by another version; measure again", path.display())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
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
