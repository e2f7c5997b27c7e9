//! The committed score: it may rise, never fall.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::case::Case;
use super::compare::{Score, Verdict};
use super::tally::Tally;

/// A score as committed, with the names behind it, so that a fall can be told by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Cases run; a score over other cases cannot be compared.
    pub cases: u64,
    /// Cases that expect alerts.
    pub alerting: u64,
    /// Cases exactly equal, quiet ones included.
    pub exact: u64,
    /// Pairs of (case, sid) that alerted as they should.
    pub sid_tp: u64,
    /// Pairs of (case, sid) that alerted and should not have.
    pub sid_fp: u64,
    /// Pairs of (case, sid) that did not alert and should have.
    pub sid_fn: u64,
    /// Names of the cases that expect alerts and are exactly equal; their number is the score.
    pub alerting_exact: BTreeSet<String>,
}

/// How a run compares with a [`Baseline`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// One sentence for each figure that fell; none may.
    pub falls: Vec<String>,
    /// One sentence for each figure that rose.
    pub rises: Vec<String>,
    /// Cases that were exact and are not any more.
    pub lost: Vec<String>,
}

impl Baseline {
    /// The score of a run.
    #[must_use]
    pub fn of(cases: &[Case], verdicts: &[Verdict]) -> Self {
        let total = Tally::of(verdicts);
        let passed = cases.iter().zip(verdicts).filter(|(_, v)| v.exact && !v.quiet);
        Self {
            cases: total.cases,
            alerting: total.alerting,
            exact: total.exact,
            sid_tp: total.sids.tp,
            sid_fp: total.sids.fp,
            sid_fn: total.sids.fn_,
            alerting_exact: passed.map(|(case, _)| case.name.clone()).collect(),
        }
    }

    /// Reads a committed score.
    ///
    /// # Errors
    /// If the file cannot be read or has another shape.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path)
            .with_context(|| format!("cannot read {}; --update makes it", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Writes the score, to be committed.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn sids(&self) -> Score {
        Score { tp: self.sid_tp, fp: self.sid_fp, fn_: self.sid_fn }
    }

    /// Compares `now` with this committed score.
    #[must_use]
    pub fn compare(&self, now: &Self) -> Change {
        let mut change = Change::default();
        if (self.cases, self.alerting) != (now.cases, now.alerting) {
            change.falls.push(format!(
                "the committed score is over {} cases ({} with alerts), this run over {} ({})",
                self.cases, self.alerting, now.cases, now.alerting
            ));
            return change;
        }
        let count = |n: usize| Fraction(u64::try_from(n).unwrap_or(u64::MAX), 1);
        change.figure(
            "alerting cases exact",
            count(self.alerting_exact.len()),
            count(now.alerting_exact.len()),
        );
        change.figure("cases exact", Fraction(self.exact, 1), Fraction(now.exact, 1));
        let (before, after) = (self.sids(), now.sids());
        change.figure(
            "precision by (case, sid)",
            Fraction(before.tp, before.tp + before.fp),
            Fraction(after.tp, after.tp + after.fp),
        );
        change.figure(
            "recall by (case, sid)",
            Fraction(before.tp, before.tp + before.fn_),
            Fraction(after.tp, after.tp + after.fn_),
        );
        change.lost = self.alerting_exact.difference(&now.alerting_exact).cloned().collect();
        change
    }
}

/// A figure, compared without rounding. Nothing of nothing counts as nought.
#[derive(Clone, Copy)]
struct Fraction(u64, u64);

impl Fraction {
    fn is_below(self, other: Self) -> bool {
        let (a, b) = (u128::from(self.0), u128::from(self.1.max(1)));
        let (c, d) = (u128::from(other.0), u128::from(other.1.max(1)));
        a * d < c * b
    }
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match super::compare::ratio(self.0, self.1) {
            Some(share) if self.1 > 1 => write!(f, "{}/{} ({:.2}%)", self.0, self.1, 100.0 * share),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl Change {
    fn figure(&mut self, name: &str, before: Fraction, after: Fraction) {
        if after.is_below(before) {
            self.falls.push(format!("{name} fell from {before} to {after}"));
        } else if before.is_below(after) {
            self.rises.push(format!("{name} rose from {before} to {after}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Baseline;

    fn score(exact: &[&str], tp: u64, fp: u64, fn_: u64) -> Baseline {
        Baseline {
            cases: 10,
            alerting: 8,
            exact: 2 + exact.len() as u64,
            sid_tp: tp,
            sid_fp: fp,
            sid_fn: fn_,
            alerting_exact: exact.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_same_score_is_neither_rise_nor_fall() {
        let same = score(&["a", "b"], 10, 1, 5);
        assert_eq!(same.compare(&same.clone()), Default::default());
    }

    #[test]
    fn a_swap_of_cases_is_told_but_is_no_fall() {
        let change = score(&["a", "b"], 10, 1, 5).compare(&score(&["a", "c"], 10, 1, 5));
        assert!(change.falls.is_empty() && change.rises.is_empty());
        assert_eq!(change.lost, ["b"]);
    }

    #[test]
    fn precision_is_compared_without_rounding() {
        let before = score(&["a"], 100_000, 1, 0);
        let change = before.compare(&score(&["a", "b"], 100_000, 2, 0));
        assert_eq!((change.falls.len(), change.rises.len()), (1, 2));
        assert!(change.falls[0].starts_with("precision"), "{change:?}");
    }

    #[test]
    fn a_sensor_that_stops_alerting_falls() {
        let change = score(&["a"], 1, 0, 3).compare(&score(&[], 0, 0, 4));
        assert_eq!(change.falls.len(), 4);
    }

    #[test]
    fn other_cases_cannot_be_compared() {
        let before = score(&["a"], 1, 0, 0);
        let now = Baseline { cases: 9, ..before.clone() };
        assert_eq!(before.compare(&now).falls.len(), 1);
    }
}
