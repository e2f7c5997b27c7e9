//! Sums over cases: all of them, one suite, one keyword.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::case::Case;
use super::compare::{Outcome, Score, Verdict, ratio};
use super::keywords::{self, Keywords};

/// What a set of cases came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Cases run.
    pub cases: u64,
    /// Cases where every sid alerted as often as expected.
    pub exact: u64,
    /// Cases where the right sids alerted.
    pub set: u64,
    /// Cases that expect alerts.
    pub alerting: u64,
    /// Of these, exact.
    pub alerting_exact: u64,
    /// Of these, with the right sids.
    pub alerting_set: u64,
    /// Cases that expect no alert: a sensor that never alerts passes these.
    pub quiet: u64,
    /// Of these, exact.
    pub quiet_exact: u64,
    /// Runs that crashed.
    pub crashes: u64,
    /// Runs that took too long.
    pub timeouts: u64,
    /// Runs without an output file.
    pub no_output: u64,
    /// Single alerts; a few floods rule it.
    pub alerts: Score,
    /// Pairs of case and sid.
    pub sids: Score,
}

impl Tally {
    /// Sums up `verdicts`.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            tally.add(verdict);
        }
        tally
    }

    /// Adds one case.
    pub fn add(&mut self, verdict: &Verdict) {
        let one = u64::from;
        self.cases += 1;
        self.exact += one(verdict.exact);
        self.set += one(verdict.set);
        self.alerting += one(!verdict.quiet);
        self.alerting_exact += one(!verdict.quiet && verdict.exact);
        self.alerting_set += one(!verdict.quiet && verdict.set);
        self.quiet += one(verdict.quiet);
        self.quiet_exact += one(verdict.quiet && verdict.exact);
        self.crashes += one(verdict.outcome == Outcome::Crash);
        self.timeouts += one(verdict.outcome == Outcome::Timeout);
        self.no_output += one(verdict.outcome == Outcome::NoOutput);
        self.alerts.add(verdict.alerts);
        self.sids.add(verdict.sids);
    }

    /// Runs that did not end well.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.crashes + self.timeouts + self.no_output
    }
}

/// One tally per suite.
#[must_use]
pub fn by_suite(cases: &[Case], verdicts: &[Verdict]) -> BTreeMap<String, Tally> {
    let mut suites = BTreeMap::<String, Tally>::new();
    for (case, verdict) in cases.iter().zip(verdicts) {
        suites.entry(case.suite().to_owned()).or_default().add(verdict);
    }
    suites
}

/// The mean of a share over suites, each counted once.
pub fn mean_over<'a>(
    suites: impl IntoIterator<Item = &'a Tally>,
    part: impl Fn(&Tally) -> u64,
) -> Option<f64> {
    let shares: Vec<f64> =
        suites.into_iter().filter_map(|suite| ratio(part(suite), suite.cases)).collect();
    let count = u32::try_from(shares.len()).ok().filter(|n| *n > 0)?;
    Some(shares.iter().sum::<f64>() / f64::from(count))
}

/// How the rules that use one keyword fared; one rule per case and sid.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KeywordTally {
    /// Rules that were expected to alert, or did.
    pub rules: u64,
    /// Of these, those that alerted too seldom.
    pub missing: u64,
    /// Of these, those that alerted too often.
    pub extra: u64,
    /// Cases with a rule that came out wrong.
    pub failing_cases: u64,
}

/// One tally per keyword of the rules that alerted or should have.
#[must_use]
pub fn by_keyword(cases: &[Case], verdicts: &[Verdict]) -> BTreeMap<String, KeywordTally> {
    let unknown = BTreeSet::from(["(sid not in the rules file)".to_owned()]);
    // The full-ruleset cases share one large file: read each file once.
    let mut files = BTreeMap::<&Path, Keywords>::new();
    let mut table = BTreeMap::<String, KeywordTally>::new();
    for (case, verdict) in cases.iter().zip(verdicts) {
        let known = files.entry(&case.rules).or_insert_with(|| keywords::of_file(&case.rules));
        let mut failing = BTreeSet::new();
        let reported = verdict.missing.keys().chain(verdict.extra.keys());
        for sid in case.want.keys().chain(reported).collect::<BTreeSet<_>>() {
            let (missing, extra) =
                (verdict.missing.contains_key(sid), verdict.extra.contains_key(sid));
            for word in known.get(sid).unwrap_or(&unknown) {
                let row = table.entry(word.clone()).or_default();
                row.rules += 1;
                row.missing += u64::from(missing);
                row.extra += u64::from(extra);
                if missing || extra {
                    failing.insert(word);
                }
            }
        }
        for word in failing {
            table.entry(word.clone()).or_default().failing_cases += 1;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Tally, by_keyword, by_suite, mean_over};
    use crate::conformance::case::{Case, Counts};
    use crate::conformance::compare::{Outcome, Verdict};

    #[test]
    fn suites_and_keywords_are_summed_apart() {
        let dir = tempfile::tempdir().unwrap();
        let rules = dir.path().join("rules");
        fs::write(&rules, "alert tcp any any -> any any (content:\"a\"; sid:1;)\n").unwrap();
        let case = |name: &str, want: &[(u64, u64)]| Case {
            name: name.into(),
            dir: dir.path().into(),
            pcap: dir.path().join("input.pcap"),
            rules: rules.clone(),
            want: want.iter().copied().collect(),
            ignored: Default::default(),
        };
        let cases = [case("a/hit", &[(1, 1)]), case("a/miss", &[(1, 1)]), case("b/quiet", &[])];
        let got = [Counts::from([(1, 1)]), Counts::new(), Counts::from([(5, 1)])];
        let verdicts: Vec<_> =
            cases.iter().zip(&got).map(|(c, g)| Verdict::new(c, g, Outcome::Ok)).collect();

        let total = Tally::of(&verdicts);
        assert_eq!(
            (total.cases, total.exact, total.alerting_exact, total.quiet_exact),
            (3, 1, 1, 0)
        );
        let suites = by_suite(&cases, &verdicts);
        assert_eq!((suites["a"].cases, suites["b"].sids.fp), (2, 1));
        assert_eq!(mean_over(suites.values(), |s| s.exact), Some(0.25));

        let words = by_keyword(&cases, &verdicts);
        let content = &words["content"];
        assert_eq!((content.rules, content.missing, content.failing_cases), (2, 1, 1));
        assert_eq!(words["(sid not in the rules file)"].extra, 1);
    }
}
