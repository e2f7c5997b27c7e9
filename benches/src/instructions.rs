//! Instructions per packet, counted by callgrind over detect's program `instructions`.
//!
//! Unlike times, counts are the same on a busy machine. Only `RuleSet::inspect` is counted: the program's
//! start, the reading of the capture and the compiling of rules are not.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// One rule set over one corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Name of the corpus.
    pub corpus: String,
    /// Rules.
    pub rules: usize,
    /// Packets inspected.
    pub packets: u64,
    /// Instructions of detection for a packet.
    pub instructions_per_packet: f64,
    /// Rules that the prefilters named for a packet.
    pub candidates_per_packet: f64,
    /// Alerts of a packet.
    pub alerts_per_packet: f64,
}

/// Detect's program under callgrind.
#[derive(Clone, Debug)]
pub struct Callgrind {
    /// The program.
    pub program: PathBuf,
    /// Packets of a run.
    pub packets: usize,
}

impl Callgrind {
    /// Counts `rules` generated rules over the first packets of `capture`.
    ///
    /// # Errors
    /// valgrind or the program is missing or fails.
    pub fn count(&self, corpus: &str, capture: &Path, rules: usize) -> anyhow::Result<Count> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg("--toggle-collect=*inspect_all*")
            .arg(&self.program)
            .arg(rules.to_string())
            .arg(capture)
            .arg(self.packets.to_string())
            .output()
            .context("valgrind does not start: apt-get install valgrind, or `make setup`")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} under callgrind: {said}", self.program.display());
        let printed = String::from_utf8_lossy(&output.stdout);
        count(corpus, rules, &said, &printed)
            .with_context(|| format!("not the output of callgrind and detect's program: {said}"))
    }
}

/// The instructions that callgrind says it has counted.
pub(crate) fn collected(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Reads what callgrind said and what the program printed.
fn count(corpus: &str, rules: usize, said: &str, printed: &str) -> Option<Count> {
    let instructions = collected(said)?;
    let value = |name: &str| -> Option<f64> {
        printed.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    let packets: u64 = printed
        .lines()
        .find_map(|line| line.strip_suffix(" packets")?.rsplit(' ').next()?.parse().ok())?;
    Some(Count {
        corpus: corpus.to_owned(),
        rules,
        packets,
        instructions_per_packet: instructions / packets.max(1) as f64,
        candidates_per_packet: value("candidates_per_packet ")?,
        alerts_per_packet: value("alerts_per_packet ")?,
    })
}

/// The counts as a table, with the factor over the row before it of the same corpus.
#[must_use]
pub fn table(counts: &[Count]) -> String {
    let mut text = format!(
        "instructions per packet, detection alone (callgrind)\n{:<10} {:>7} {:>9} {:>14} {:>8} {:>12} {:>9}\n",
        "corpus", "rules", "packets", "instructions", "factor", "candidates", "alerts"
    );
    let mut before: Option<&Count> = None;
    for count in counts {
        let factor = before
            .filter(|before| before.corpus == count.corpus)
            .map(|before| count.instructions_per_packet / before.instructions_per_packet)
            .map_or_else(|| "-".to_owned(), |factor| format!("{factor:.2}"));
        text += &format!(
            "{:<10} {:>7} {:>9} {:>14.0} {:>8} {:>12.3} {:>9.3}\n",
            count.corpus,
            count.rules,
            count.packets,
            count.instructions_per_packet,
            factor,
            count.candidates_per_packet,
            count.alerts_per_packet,
        );
        before = Some(count);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{count, table};

    #[test]
    fn outputs_are_read_and_rows_compared() {
        let said = "==1== Events    : Ir\n==1== Collected : 3000000\n==1== \n";
        let printed = "CompileReport {\n}\neverything took 3.2ms, 2000 packets\n\
                       candidates_per_packet 0.250\nalerts_per_packet 0.125\nns_per_packet 700\n";
        let first = count("small", 100, said, printed).unwrap();
        assert_eq!((first.packets, first.instructions_per_packet), (2_000, 1_500.0));
        assert_eq!((first.candidates_per_packet, first.alerts_per_packet), (0.25, 0.125));
        let mut second = first.clone();
        second.instructions_per_packet = 2_250.0;
        assert!(table(&[first, second]).contains("1.50"));
        assert_eq!(count("small", 100, "", printed), None);
    }
}
