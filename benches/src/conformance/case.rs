//! The cases of a corpus: found by their files, described by `expected.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use regex_automata::meta::Regex;
use serde::Deserialize;

/// How often each signature id alerted.
pub type Counts = BTreeMap<u64, u64>;

/// The part of `expected.json` that scoring needs; the rest describes where the case comes from.
#[derive(Debug, Default, Deserialize)]
struct Expected {
    name: Option<String>,
    #[serde(default = "default_rules")]
    rules: PathBuf,
    #[serde(default)]
    alerts: Vec<ExpectedAlert>,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

/// Alerts of one rule that the reference raised.
#[derive(Debug, Deserialize)]
struct ExpectedAlert {
    sid: u64,
    count: u64,
}

/// A rule that the reference could not load.
#[derive(Debug, Deserialize)]
struct Rejected {
    sid: Option<u64>,
}

fn default_rules() -> PathBuf {
    "rules".into()
}

/// One case: what to run, and what must come out.
#[derive(Debug)]
pub struct Case {
    /// `suite/name`; unique within a corpus.
    pub name: String,
    /// The folder of the case.
    pub dir: PathBuf,
    /// The capture to replay.
    pub pcap: PathBuf,
    /// The rules to load.
    pub rules: PathBuf,
    /// Alerts of the reference, by sid.
    pub want: Counts,
    /// Sids whose rules the reference could not load: they say nothing about the sensor.
    pub ignored: BTreeSet<u64>,
}

impl Case {
    /// Reads the case in `dir`; `top` is the folder that its name is relative to if it has none.
    ///
    /// # Errors
    /// If `expected.json` cannot be read or has another shape.
    pub fn read(dir: &Path, top: &Path) -> Result<Self> {
        let path = dir.join("expected.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let expected: Expected = serde_json::from_slice(&text)
            .with_context(|| format!("{} has an unknown shape", path.display()))?;
        let mut want = Counts::new();
        for alert in &expected.alerts {
            *want.entry(alert.sid).or_default() += alert.count;
        }
        let relative = dir.strip_prefix(top).unwrap_or(dir);
        let rejected = expected.rejected.iter().filter_map(|r| r.sid);
        Ok(Self {
            name: expected.name.unwrap_or_else(|| relative.display().to_string()),
            pcap: dir.join("input.pcap"),
            rules: dir.join(&expected.rules),
            // A sid may also name a rule that did load; its alerts then count.
            ignored: rejected.filter(|sid| !want.contains_key(sid)).collect(),
            want,
            dir: dir.to_owned(),
        })
    }

    /// The suite: the name up to the first slash.
    #[must_use]
    pub fn suite(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether no alert is expected.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.want.is_empty()
    }
}

/// Every case below `top`, at any depth, whose name matches `filter`; sorted by name.
///
/// # Errors
/// If a folder or an `expected.json` cannot be read.
pub fn find(top: &Path, filter: Option<&Regex>) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(dir) = folders.pop() {
        if dir.join("expected.json").is_file() && dir.join("input.pcap").is_file() {
            let case = Case::read(&dir, top)?;
            if filter.is_none_or(|regex| regex.is_match(&case.name)) {
                cases.push(case);
            }
        }
        let listing =
            fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in listing {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use regex_automata::meta::Regex;

    use super::find;

    #[test]
    fn cases_are_found_at_any_depth_and_filtered_by_name() {
        let top = tempfile::tempdir().unwrap();
        for (dir, json) in [
            ("b/two", r#"{"alerts": [{"sid": 1, "count": 2}, {"sid": 1, "count": 1}]}"#),
            (
                "a/x/one",
                r#"{"name": "suite/one", "rules": "../rules", "rejected": [{"sid": 7}, {}]}"#,
            ),
            ("b/no-capture", "{}"),
        ] {
            let dir = top.path().join(dir);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("expected.json"), json).unwrap();
            if !dir.ends_with("no-capture") {
                fs::write(dir.join("input.pcap"), b"").unwrap();
            }
        }

        let cases = find(top.path(), None).unwrap();
        let names: Vec<_> = cases.iter().map(|c| (c.name.as_str(), c.suite())).collect();
        assert_eq!(names, [("b/two", "b"), ("suite/one", "suite")]);
        assert_eq!(cases[0].want[&1], 3);
        assert!(cases[1].is_quiet() && cases[1].ignored.contains(&7));
        assert_eq!(cases[1].rules, top.path().join("a/x/one/../rules"));

        let only = find(top.path(), Some(&Regex::new("^suite").unwrap())).unwrap();
        assert_eq!(only.len(), 1);
    }
}
