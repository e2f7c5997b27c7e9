//! What one run says about one case: expected alerts against reported ones.

use std::collections::BTreeMap;

use serde::Serialize;

use super::case::{Case, Counts};

/// How the sensor's process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ended with status 0 and left an output file.
    #[default]
    Ok,
    /// It did not start, or ended with another status or by a signal.
    Crash,
    /// It was ended because it took too long.
    Timeout,
    /// It ended with status 0 and wrote no output file.
    NoOutput,
}

/// Hits, false alarms and misses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Expected and reported.
    pub tp: u64,
    /// Reported, not expected.
    pub fp: u64,
    /// Expected, not reported.
    pub fn_: u64,
}

impl Score {
    /// `tp / (tp + fp)`; none if nothing was reported.
    #[must_use]
    pub fn precision(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// `tp / (tp + fn)`; none if nothing was expected.
    #[must_use]
    pub fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// Adds another score to this one.
    pub fn add(&mut self, other: Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.fn_ += other.fn_;
    }
}

/// `part / whole`; none if there is no whole.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of cases and alerts are far below 2^52")]
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The judgement of one case.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// How the run ended.
    pub outcome: Outcome,
    /// What the sensor last printed, where the run did not end well.
    pub tail: String,
    /// Lines of the output that could not be read as an event.
    pub broken_lines: u64,
    /// Every sid alerted exactly as often as expected.
    pub exact: bool,
    /// The sids that alerted are those expected, whatever the counts.
    pub set: bool,
    /// No alert is expected.
    pub quiet: bool,
    /// Single alerts.
    pub alerts: Score,
    /// Sids of this case, whatever their counts.
    pub sids: Score,
    /// Sids that alerted too seldom: (expected, reported).
    pub missing: BTreeMap<u64, (u64, u64)>,
    /// Sids that alerted too often: (expected, reported).
    pub extra: BTreeMap<u64, (u64, u64)>,
}

impl Verdict {
    /// Compares `got` with what `case` expects; `outcome` is how the run ended.
    #[must_use]
    pub fn new(case: &Case, got: &Counts, outcome: Outcome) -> Self {
        let mut verdict = Self { outcome, quiet: case.is_quiet(), ..Self::default() };
        let unexpected = got.keys().filter(|sid| !case.want.contains_key(sid));
        for sid in case.want.keys().chain(unexpected) {
            if !case.ignored.contains(sid) {
                let count = |counts: &Counts| counts.get(sid).copied().unwrap_or(0);
                verdict.count(*sid, count(&case.want), count(got));
            }
        }
        let fine = outcome == Outcome::Ok;
        verdict.exact = fine && verdict.missing.is_empty() && verdict.extra.is_empty();
        verdict.set = fine && verdict.sids.fp == 0 && verdict.sids.fn_ == 0;
        verdict
    }

    fn count(&mut self, sid: u64, want: u64, got: u64) {
        let tp = want.min(got);
        self.alerts.add(Score { tp, fp: got - tp, fn_: want - tp });
        self.sids.add(Score {
            tp: u64::from(want > 0 && got > 0),
            fp: u64::from(want == 0 && got > 0),
            fn_: u64::from(want > 0 && got == 0),
        });
        if got < want {
            self.missing.insert(sid, (want, got));
        } else if got > want {
            self.extra.insert(sid, (want, got));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Outcome, Score, Verdict};
    use crate::conformance::case::{Case, Counts};

    fn case(want: &[(u64, u64)], ignored: &[u64]) -> Case {
        Case {
            name: "suite/case".into(),
            dir: "case".into(),
            pcap: "case/input.pcap".into(),
            rules: "case/rules".into(),
            want: want.iter().copied().collect(),
            ignored: ignored.iter().copied().collect::<BTreeSet<_>>(),
        }
    }

    #[test]
    fn counts_and_sids_are_judged_apart() {
        let got = Counts::from([(1, 5), (2, 1), (3, 1), (9, 4)]);
        let verdict = Verdict::new(&case(&[(1, 2), (2, 3), (4, 1)], &[9]), &got, Outcome::Ok);
        assert_eq!(verdict.alerts, Score { tp: 3, fp: 4, fn_: 3 });
        assert_eq!(verdict.sids, Score { tp: 2, fp: 1, fn_: 1 });
        assert_eq!(verdict.missing.keys().copied().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(verdict.extra[&1], (2, 5));
        assert!(!verdict.exact && !verdict.set && !verdict.quiet);
    }

    #[test]
    fn a_crash_never_passes() {
        let same = Counts::from([(1, 2)]);
        let case = case(&[(1, 2)], &[]);
        assert!(Verdict::new(&case, &same, Outcome::Ok).exact);
        let crashed = Verdict::new(&case, &same, Outcome::Crash);
        assert!(!crashed.exact && !crashed.set);
        assert_eq!(crashed.alerts.tp, 2);
    }

    #[test]
    fn equal_sids_with_other_counts_pass_as_a_set_only() {
        let verdict = Verdict::new(&case(&[(1, 2)], &[]), &Counts::from([(1, 1)]), Outcome::Ok);
        assert!(verdict.set && !verdict.exact);
    }

    #[test]
    fn no_alert_has_no_precision() {
        assert_eq!(Score { tp: 0, fp: 0, fn_: 3 }.precision(), None);
        assert_eq!(Score { tp: 0, fp: 0, fn_: 3 }.recall(), Some(0.0));
    }
}
