//! The report that a person reads, and the one that a program reads.

use std::fmt::{self, Display, Write};

use serde_json::{Value, json};

use super::case::Case;
use super::compare::{Outcome, Score, Verdict, ratio};
use super::tally::{self, Tally};

/// What a run came to, ready to print.
#[derive(Debug)]
pub struct Report<'a> {
    /// The cases, in order.
    pub cases: &'a [Case],
    /// Their verdicts, in the same order.
    pub verdicts: &'a [Verdict],
    /// Wall time of the run, in seconds.
    pub seconds: f64,
    /// How many keywords to list.
    pub keywords_max: usize,
    /// How many failing cases to list.
    pub failures_max: usize,
}

/// `part / whole (percent)`.
fn share(part: u64, whole: u64) -> String {
    match ratio(part, whole) {
        Some(value) => format!("{part} / {whole} ({:.1}%)", 100.0 * value),
        None => format!("{part} / {whole} (-%)"),
    }
}

/// A share in percent, right-aligned in five columns.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "    -".to_owned(), |value| format!("{:5.1}", 100.0 * value))
}

fn scores(score: Score) -> String {
    format!(
        "precision {}%  recall {}%  (tp {}, fp {}, fn {})",
        percent(score.precision()),
        percent(score.recall()),
        score.tp,
        score.fp,
        score.fn_
    )
}

impl Report<'_> {
    /// The whole result as JSON: totals, suites, keywords and every case.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let cases: serde_json::Map<_, _> = self
            .cases
            .iter()
            .zip(self.verdicts)
            .map(|(case, verdict)| (case.name.clone(), json!(verdict)))
            .collect();
        json!({
            "total": Tally::of(self.verdicts),
            "seconds": self.seconds,
            "suites": tally::by_suite(self.cases, self.verdicts),
            "keywords": tally::by_keyword(self.cases, self.verdicts),
            "cases": cases,
        })
    }

    fn totals(&self, f: &mut impl Write) -> fmt::Result {
        let total = Tally::of(self.verdicts);
        let suites = tally::by_suite(self.cases, self.verdicts);
        writeln!(f, "cases exactly equal       {}", share(total.exact, total.cases))?;
        writeln!(f, "  of those with alerts    {}", share(total.alerting_exact, total.alerting))?;
        writeln!(f, "  of those without        {}", share(total.quiet_exact, total.quiet))?;
        writeln!(f, "cases with equal sid set  {}", share(total.set, total.cases))?;
        writeln!(f, "  of those with alerts    {}", share(total.alerting_set, total.alerting))?;
        writeln!(f, "alerts (with counts)      {}", scores(total.alerts))?;
        writeln!(f, "alerts (case, sid)        {}", scores(total.sids))?;
        writeln!(
            f,
            "mean over suites          exact {}%  set {}%",
            percent(tally::mean_over(suites.values(), |s| s.exact)),
            percent(tally::mean_over(suites.values(), |s| s.set))
        )?;
        writeln!(
            f,
            "a sensor that never alerts: exact {}, of those with alerts {}, recall {}%",
            share(total.quiet, total.cases),
            share(0, total.alerting),
            percent(Score { fn_: total.sids.tp + total.sids.fn_, ..Score::default() }.recall())
        )?;
        writeln!(
            f,
            "crashes {}, timeouts {}, no output {}; {:.1} s in all",
            total.crashes, total.timeouts, total.no_output, self.seconds
        )
    }

    fn suites(&self, f: &mut impl Write) -> fmt::Result {
        writeln!(
            f,
            "\n{:<20} {:>6} {:>6} {:>6} {:>7} {:>7} {:>6}",
            "suite", "cases", "exact", "set", "prec.%", "recall%", "broken"
        )?;
        for (name, suite) in tally::by_suite(self.cases, self.verdicts) {
            writeln!(
                f,
                "{:<20.20} {:>6} {:>6} {:>6} {:>7} {:>7} {:>6}",
                name,
                suite.cases,
                suite.exact,
                suite.set,
                percent(suite.alerts.precision()),
                percent(suite.alerts.recall()),
                suite.broken()
            )?;
        }
        Ok(())
    }

    fn keywords(&self, f: &mut impl Write) -> fmt::Result {
        let mut wrong: Vec<_> = tally::by_keyword(self.cases, self.verdicts)
            .into_iter()
            .filter(|(_, row)| row.failing_cases > 0)
            .collect();
        if wrong.is_empty() || self.keywords_max == 0 {
            return Ok(());
        }
        // The sort is stable, so that equal rows stay in the order of their names.
        wrong.sort_by_key(|(_, row)| {
            std::cmp::Reverse((row.failing_cases, row.missing + row.extra))
        });
        writeln!(f, "\nkeywords of the rules that came out wrong (one rule per case and sid)")?;
        writeln!(
            f,
            "{:<30} {:>8} {:>8} {:>8} {:>8} {:>7}",
            "keyword", "in cases", "missing", "extra", "of rules", "wrong%"
        )?;
        for (word, row) in wrong.iter().take(self.keywords_max) {
            writeln!(
                f,
                "{:<30.30} {:>8} {:>8} {:>8} {:>8} {:>7}",
                word,
                row.failing_cases,
                row.missing,
                row.extra,
                row.rules,
                percent(ratio((row.missing + row.extra).min(row.rules), row.rules))
            )?;
        }
        Ok(())
    }

    fn failures(&self, f: &mut impl Write) -> fmt::Result {
        let failed: Vec<_> =
            self.cases.iter().zip(self.verdicts).filter(|(_, v)| !v.exact).collect();
        if failed.is_empty() || self.failures_max == 0 {
            return Ok(());
        }
        writeln!(f, "\nfailing cases, {} in all; {{sid: (expected, reported)}}", failed.len())?;
        for (case, verdict) in failed.iter().take(self.failures_max) {
            let how = match verdict.outcome {
                Outcome::Ok => String::new(),
                other => format!(" [{other:?}] {}", verdict.tail.lines().last().unwrap_or("")),
            };
            let (missing, extra) =
                (json!(verdict.missing).to_string(), json!(verdict.extra).to_string());
            writeln!(f, "  {}{how}  missing {missing:.100}  extra {extra:.100}", case.name)?;
        }
        Ok(())
    }
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.totals(f)?;
        self.suites(f)?;
        self.keywords(f)?;
        self.failures(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{percent, share};

    #[test]
    fn shares_without_a_whole_have_no_percentage() {
        assert_eq!(share(1, 3), "1 / 3 (33.3%)");
        assert_eq!(share(0, 0), "0 / 0 (-%)");
        assert_eq!(percent(Some(1.0)), "100.0");
        assert_eq!(percent(None), "    -");
    }
}
