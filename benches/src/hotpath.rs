//! Instructions of the hot paths, counted by callgrind and held against a committed baseline.
//!
//! Counts are the same on a busy machine, and so they give a verdict where times cannot. They depend on
//! the compiler; a baseline of another version of it is said and judges nothing.

pub mod cases;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::instructions::collected;

/// File of the counts, among the results of the benchmarks.
pub const RESULTS: &str = "hot-paths.json";
/// Share by which a count may differ from the baseline's: 2 %. Above it is a regression, below it an
/// improvement that the baseline should keep.
pub const TOLERANCE: f64 = 0.02;

/// Instructions per item of each hot path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The compiler, as `rustc --version` says it.
    pub compiler: String,
    /// Instructions per item (packet, alert, payload), by path.
    pub instructions: BTreeMap<String, f64>,
}

impl Counts {
    /// Counts the paths whose names contain `filter`; `program` runs one by its name, as the binary
    /// `hot_paths` does.
    ///
    /// # Errors
    /// valgrind or the program is missing or fails.
    pub fn measure(program: &Path, filter: &str) -> anyhow::Result<Self> {
        let compiler = Command::new("rustc").arg("--version").output().context("rustc")?.stdout;
        let compiler = String::from_utf8_lossy(&compiler).trim().to_owned();
        let mut counts = Self { compiler, instructions: BTreeMap::new() };
        for case in cases::ALL.iter().filter(|case| case.name.contains(filter)) {
            let count = count(program, case.name)?;
            eprintln!("{}: {count:.0}", case.name);
            counts.instructions.insert(case.name.to_owned(), count);
        }
        Ok(counts)
    }

    /// Reads counts.
    ///
    /// # Errors
    /// The file cannot be read or has another shape.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read {}; --update makes it", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Writes counts, a tenth of an instruction exactly, so that a diff shows what has changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut rounded = self.clone();
        for count in rounded.instructions.values_mut() {
            *count = (*count * 10.0).round() / 10.0;
        }
        let text = serde_json::to_string_pretty(&rounded)? + "\n";
        std::fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// These counts beside `baseline`: a table, and whether a path has become dearer.
    #[must_use]
    pub fn beside(&self, baseline: &Self) -> (String, bool) {
        let comparable = self.compiler == baseline.compiler;
        let mut text = format!(
            "instructions per item (callgrind)\n{:<24} {:>12} {:>12} {:>8}\n",
            "path", "now", "baseline", "change"
        );
        let mut dearer = false;
        for (path, now) in &self.instructions {
            let Some(before) = baseline.instructions.get(path) else {
                text += &format!("{path:<24} {now:>12.1} {:>12} {:>8}  new\n", "-", "-");
                continue;
            };
            let change = now / before - 1.0;
            let verdict = if change > TOLERANCE {
                dearer |= comparable;
                "  DEARER"
            } else if change < -TOLERANCE {
                "  cheaper: UPDATE=1 keeps it"
            } else {
                ""
            };
            let percent = change * 100.0;
            text += &format!("{path:<24} {now:>12.1} {before:>12.1} {percent:>+6.1} %{verdict}\n");
        }
        if !comparable {
            text += &format!(
                "note: the baseline was made by {}, this is {}: not judged; UPDATE=1 makes it anew\n",
                baseline.compiler, self.compiler
            );
        }
        (text, dearer)
    }
}

/// Instructions per item of one path.
fn count(program: &Path, name: &str) -> anyhow::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect=*counted_{name}*"))
        .arg(program)
        .args(["--run", name])
        .output()
        .context("valgrind does not start: apt-get install valgrind, or `make setup`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} under callgrind: {said}");
    let items: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().with_context(|| {
        format!("{} --run {name} did not print a number of items", program.display())
    })?;
    let instructions = collected(&said).with_context(|| format!("not callgrind's: {said}"))?;
    // A function that callgrind does not find by its name counts nothing.
    ensure!(instructions > items && items > 0.0, "{name}: {instructions} for {items} items");
    Ok(instructions / items)
}

#[cfg(test)]
mod tests {
    use super::{Counts, cases};

    fn counts(compiler: &str, decode: f64) -> Counts {
        let instructions = [("decode".to_owned(), decode)].into();
        Counts { compiler: compiler.into(), instructions }
    }

    #[test]
    fn a_path_is_dearer_beyond_the_tolerance_only() {
        let baseline = counts("rustc 1", 100.0);
        let dearer = |now| counts("rustc 1", now).beside(&baseline).1;
        assert!(dearer(102.1) && !dearer(101.9) && !dearer(50.0));
        assert!(counts("rustc 1", 50.0).beside(&baseline).0.contains("cheaper"));
        // Another compiler judges nothing, and says so.
        let (text, failed) = counts("rustc 2", 200.0).beside(&baseline);
        assert!(!failed && text.contains("not judged"), "{text}");
        let (text, failed) = counts("rustc 1", 1.0).beside(&Counts::default());
        assert!(!failed && text.contains("new"));
    }

    #[test]
    fn counts_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instructions.json");
        counts("rustc 1", 1.26).write(&path).unwrap();
        assert_eq!(Counts::read(&path).unwrap(), counts("rustc 1", 1.3));
        std::fs::write(&path, "{}").unwrap();
        assert!(Counts::read(&path).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn every_case_does_what_it_is_named_for() {
        for case in &cases::ALL {
            assert!((case.run)(300) >= 300, "{}", case.name);
        }
    }

    #[test]
    fn the_committed_baseline_has_every_case() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json");
        let baseline = Counts::read(path.as_ref()).unwrap();
        let mut names: Vec<_> = cases::ALL.iter().map(|case| case.name).collect();
        names.sort_unstable();
        assert!(names.iter().eq(baseline.instructions.keys()), "{names:?}");
    }
}
