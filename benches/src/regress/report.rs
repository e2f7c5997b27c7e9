//! Verdicts as a table for people and as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::{Checked, Judged, Verdict};

/// All that the guard has to say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was judged: a commit, or two.
    pub subject: String,
    /// The metrics.
    pub metrics: Vec<Judged>,
    /// The budgets; none where two commits are compared.
    pub budgets: Vec<Checked>,
    /// What could not be judged, and why.
    pub remarks: Vec<String>,
    /// Whether a metric is a regression or a budget is not kept.
    pub failed: bool,
}

impl Report {
    /// A report of verdicts on `subject`.
    #[must_use]
    pub fn new(
        subject: String,
        metrics: Vec<Judged>,
        budgets: Vec<Checked>,
        remarks: Vec<String>,
    ) -> Self {
        let failed = metrics.iter().any(|judged| judged.verdict.fails())
            || budgets.iter().any(|checked| !checked.kept);
        Self { subject, metrics, budgets, remarks, failed }
    }

    /// The table. What fails comes last, where it is read.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.subject);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<46} {:>12} {:>12} {:>8} {:>9} {:>5}  verdict",
            "metric", "value", "before", "worse", "threshold", "runs"
        );
        let (failing, passing): (Vec<_>, Vec<_>) =
            self.metrics.iter().partition(|judged| judged.verdict.fails());
        for judged in passing.into_iter().chain(failing) {
            text += &row(judged);
        }
        for checked in &self.budgets {
            text += &match &checked.worst {
                Some((metric, ns)) => format!(
                    "budget {}: {} ({metric}: {} ns)\n",
                    checked.budget,
                    if checked.kept { "kept" } else { "NOT KEPT" },
                    number(Some(*ns)),
                ),
                None => format!("budget {}: NOT MEASURED\n", checked.budget),
            };
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "note: {remark}");
        }
        text += if self.failed { "perf: REGRESSION\n" } else { "perf: no regression\n" };
        text
    }
}

fn row(judged: &Judged) -> String {
    let percent = |share: Option<f64>, sign: bool| match share {
        None => "-".to_owned(),
        Some(share) if sign => format!("{:+.1} %", share * 100.0),
        Some(share) => format!("{:.1} %", share * 100.0),
    };
    format!(
        "{:<46} {:>12} {:>12} {:>8} {:>9} {:>5}  {}\n",
        format!("{} [{}]", judged.metric, judged.unit),
        number(judged.value),
        number(judged.anchor),
        percent(judged.worse, true),
        percent(judged.threshold, false),
        judged.runs,
        word(judged.verdict),
    )
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value < 100.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.0}"),
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Improved => "improved",
        Verdict::Step => "REGRESSION: a step",
        Verdict::Drift => "REGRESSION: a drift over weeks",
        Verdict::TooFewRuns => "not judged: too few runs of this machine",
        Verdict::Stale => "same as the latest runs, older than a week",
        Verdict::NotMeasured => "not measured on both sides",
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::regress::{Checked, Judged, Verdict};

    fn judged(metric: &str, verdict: Verdict) -> Judged {
        Judged {
            metric: metric.into(),
            unit: "ns".into(),
            verdict,
            value: Some(1_234.0),
            anchor: Some(99.5),
            worse: Some(0.125),
            threshold: Some(0.1),
            runs: 9,
        }
    }

    #[test]
    fn a_regression_or_a_budget_fails_and_is_read_last() {
        let report = |verdict, kept| {
            let budget = Checked { budget: "b", worst: Some(("m".into(), 5.0)), kept };
            let metrics = vec![judged("first", verdict), judged("second", Verdict::Same)];
            Report::new("subject".into(), metrics, vec![budget], vec!["remark".into()])
        };
        assert!(!report(Verdict::Improved, true).failed);
        assert!(report(Verdict::Same, false).failed);
        let failed = report(Verdict::Step, true);
        let text = failed.text();
        assert!(failed.failed && text.ends_with("perf: REGRESSION\n"));
        assert!(text.find("second").unwrap() < text.find("first").unwrap(), "{text}");
        for part in ["1234", "99.50", "+12.5 %", "note: remark", "budget b: kept"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let json = serde_json::to_value(&failed).unwrap();
        assert_eq!(
            (&json["failed"], &json["metrics"][0]["verdict"]),
            (&true.into(), &"step".into())
        );
    }
}
