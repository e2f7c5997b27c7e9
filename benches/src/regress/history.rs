//! The history: a file of JSON lines, one a run, which is only ever appended to.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::Moment;

/// Longest line that is read, in bytes; a longer one is damaged.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Runs that are kept in memory: the last ones of a longer file. Nightly runs of 27 years.
const RUNS_MAX: usize = 10_000;

/// What one run measured of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value, positive: of several repetitions the median.
    pub value: f64,
    /// Relative standard deviation of the repetitions; 0 where there was one, or where they are equal.
    #[serde(default)]
    pub noise: f64,
    /// Unit, for people.
    #[serde(default)]
    pub unit: String,
    /// Rates are better when they are higher, everything else when it is lower.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub higher_is_better: bool,
    /// Somebody has looked at the value and takes it: what came before is no measure any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

impl Measured {
    /// Median and noise of several repetitions; `None` if none of them is a positive number.
    #[must_use]
    pub fn of(values: &[f64], unit: &str, higher_is_better: bool) -> Option<Self> {
        let usable: Vec<f64> =
            values.iter().copied().filter(|value| value.is_finite() && *value > 0.0).collect();
        Some(Self {
            value: super::noise::median(usable.iter().copied())?,
            noise: super::noise::spread(&usable),
            unit: unit.to_owned(),
            higher_is_better,
            accepted: false,
        })
    }

    /// How much worse than `anchor` the value is: 0.1 for 10 % longer, or for a rate of 1 / 1.1.
    #[must_use]
    pub fn worse_than(&self, anchor: f64) -> f64 {
        let ratio = if self.higher_is_better { anchor / self.value } else { self.value / anchor };
        ratio - 1.0
    }

    fn check(&self) -> anyhow::Result<()> {
        let positive = self.value.is_finite() && self.value > 0.0;
        ensure!(positive, "value {} is not a positive number", self.value);
        ensure!(self.noise.is_finite() && self.noise >= 0.0, "noise {} is no share", self.noise);
        Ok(())
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub date: Moment,
    /// Of which commit.
    pub commit: String,
    /// On what kind of machine; values of different ones are not compared.
    pub machine: String,
    /// What was measured, by name.
    pub metrics: BTreeMap<String, Measured>,
}

/// All runs of a file, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The runs, by date; of equal dates in the order of the file.
    pub runs: Vec<Entry>,
    /// What could not be read, with its line, in words.
    pub damaged: Vec<String>,
}

impl History {
    /// Reads the file at `path`; one that is not there is empty.
    ///
    /// # Errors
    /// The file cannot be read. A damaged line is no error: it is told in [`History::damaged`].
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        match File::open(path) {
            Ok(file) => Self::parse(BufReader::new(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
        .with_context(|| path.display().to_string())
    }

    /// Reads lines from anywhere.
    ///
    /// # Errors
    /// The source fails.
    pub fn parse(mut source: impl BufRead) -> anyhow::Result<Self> {
        let (mut history, mut bytes) = (Self::default(), Vec::new());
        for number in 1_u64.. {
            bytes.clear();
            let read = source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            if read as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
                source.skip_until(b'\n')?;
                history
                    .damaged
                    .push(format!("line {number} is longer than {LINE_BYTES_MAX} bytes"));
            } else if !bytes.trim_ascii().is_empty() {
                match entry(&bytes) {
                    Ok(entry) => history.runs.push(entry),
                    Err(error) => history.damaged.push(format!("line {number}: {error:#}")),
                }
            }
        }
        history.runs.sort_by_key(|run| run.date);
        let surplus = history.runs.len().saturating_sub(RUNS_MAX);
        history.runs.drain(..surplus);
        Ok(history)
    }

    /// Appends `entry` to the file at `path`, which is made if it is not there. A last line without its
    /// end, as an interrupted run leaves it, is ended first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(path: &Path, entry: &Entry) -> anyhow::Result<()> {
        let of = || path.display().to_string();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(of)?;
        }
        let cut = std::fs::read(path).is_ok_and(|bytes| bytes.last().is_some_and(|b| *b != b'\n'));
        let line = serde_json::to_string(entry)?;
        let mut file = OpenOptions::new().create(true).append(true).open(path).with_context(of)?;
        let begin = if cut { "\n" } else { "" };
        file.write_all(format!("{begin}{line}\n").as_bytes()).with_context(of)
    }
}

fn entry(bytes: &[u8]) -> anyhow::Result<Entry> {
    let entry: Entry = serde_json::from_slice(bytes)?;
    for (name, measured) in &entry.metrics {
        measured.check().with_context(|| name.clone())?;
    }
    Ok(entry)
}

#[cfg(test)]
mod tests;
