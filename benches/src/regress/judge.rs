//! The newest run, held against the runs before it.

use serde::Serialize;

use super::history::{Entry, History, Measured};
use super::noise::{from_run_to_run, median, threshold};

/// Days whose median the newest run is held against.
const WEEK_DAYS: i64 = 7;
/// Days from which on a run is part of the older anchor, which finds drifts.
const OLD_FROM_DAYS: i64 = 28;
/// Days until which it is.
const OLD_UNTIL_DAYS: i64 = 56;
/// Earlier runs below which a metric is not judged: the noise is not known.
const RUNS_MIN: usize = 5;
/// Runs of the older anchor below which a drift is not judged.
const OLD_RUNS_MIN: usize = 3;
/// Latest runs that the noise is taken from.
const NOISE_RUNS: usize = 30;

/// What became of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As before, within the noise.
    Same,
    /// Better than before by more than the threshold.
    Improved,
    /// Worse than the last days by more than the threshold.
    Step,
    /// The last days are worse than weeks ago by more than the threshold.
    Drift,
    /// There are too few earlier runs of this machine to judge.
    TooFewRuns,
    /// No run of the last seven days: judged by the latest runs before.
    Stale,
    /// It was measured before, and not in the newest run.
    NotMeasured,
}

impl Verdict {
    /// Whether the guard fails.
    #[must_use]
    pub const fn fails(self) -> bool {
        matches!(self, Self::Step | Self::Drift)
    }
}

/// A metric's verdict, and the figures that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The newest value; absent where it was not measured.
    pub value: Option<f64>,
    /// What it was held against: a median of earlier values.
    pub anchor: Option<f64>,
    /// How much worse than the anchor, as a share; negative is better.
    pub worse: Option<f64>,
    /// The share that would be a regression.
    pub threshold: Option<f64>,
    /// Earlier runs of this metric on this machine.
    pub runs: usize,
}

/// The verdicts on the newest run, and remarks for people on what could not be judged.
#[must_use]
pub fn judge(history: &History) -> (Vec<Judged>, Vec<String>) {
    let Some((newest, before)) = history.runs.split_last() else {
        return (Vec::new(), vec!["the history is empty: nothing to judge".into()]);
    };
    let mut remarks = Vec::new();
    let same: Vec<&Entry> = before.iter().filter(|run| run.machine == newest.machine).collect();
    let others = before.len() - same.len();
    if others > 0 {
        remarks.push(format!("{others} earlier runs were on other machines and are left out"));
    }
    if let Some(latest) = same.last()
        && newest.date.days_since(latest.date) > 1
    {
        let days = newest.date.days_since(latest.date);
        remarks.push(format!("the run before the newest is {days} days older: days are missing"));
    }
    let mut names: Vec<&String> = newest.metrics.keys().collect();
    // What the latest run had and this one lacks has gone missing; what went earlier is history.
    let gone = same.last().into_iter().flat_map(|run| run.metrics.keys());
    names.extend(gone.filter(|name| !newest.metrics.contains_key(*name)));
    (names.into_iter().map(|name| of_metric(name, newest, &same)).collect(), remarks)
}

fn of_metric(name: &str, newest: &Entry, before: &[&Entry]) -> Judged {
    let mut earlier: Vec<(&Entry, &Measured)> =
        before.iter().filter_map(|run| Some((*run, run.metrics.get(name)?))).collect();
    // An accepted value is where the metric begins anew.
    if let Some(accepted) = earlier.iter().rposition(|(_, measured)| measured.accepted) {
        earlier.drain(..accepted);
    }
    let mut judged = Judged {
        metric: name.to_owned(),
        unit: earlier.last().map(|(_, measured)| measured.unit.clone()).unwrap_or_default(),
        verdict: Verdict::NotMeasured,
        value: None,
        anchor: None,
        worse: None,
        threshold: None,
        runs: earlier.len(),
    };
    let Some(measured) = newest.metrics.get(name) else { return judged };
    judged.unit.clone_from(&measured.unit);
    judged.value = Some(measured.value);
    judged.verdict = Verdict::TooFewRuns;
    if measured.accepted {
        judged.verdict = Verdict::Same;
        return judged;
    }
    if earlier.len() < RUNS_MIN {
        return judged;
    }
    let values: Vec<f64> = earlier.iter().map(|(_, measured)| measured.value).collect();
    let latest = &values[values.len().saturating_sub(NOISE_RUNS)..];
    let limit = threshold(from_run_to_run(latest).max(measured.noise));
    judged.threshold = Some(limit);
    judged.against_last_days(newest, measured, &earlier, limit);
    if !judged.verdict.fails() {
        judged.against_weeks_ago(newest, measured, &earlier, limit);
    }
    judged
}

impl Judged {
    /// A step: the newest value beside the median of the last seven days.
    fn against_last_days(
        &mut self,
        newest: &Entry,
        measured: &Measured,
        earlier: &[(&Entry, &Measured)],
        limit: f64,
    ) {
        let begin = newest.date.days_before(WEEK_DAYS);
        let week = earlier.iter().filter(|(run, _)| run.date >= begin).map(|(_, m)| m.value);
        let (anchor, quiet) = match median(week) {
            Some(anchor) => (Some(anchor), Verdict::Same),
            None => {
                let latest = earlier.iter().rev().take(WEEK_DAYS as usize);
                (median(latest.map(|(_, m)| m.value)), Verdict::Stale)
            }
        };
        let Some(anchor) = anchor else { return };
        let worse = measured.worse_than(anchor);
        (self.anchor, self.worse) = (Some(anchor), Some(worse));
        self.verdict = if worse > limit {
            Verdict::Step
        } else if 1.0 / (1.0 + worse) - 1.0 > limit {
            // As much better as a regression would be worse.
            Verdict::Improved
        } else {
            quiet
        };
    }

    /// A drift: the median of the last seven days, the newest included, beside that of weeks ago.
    fn against_weeks_ago(
        &mut self,
        newest: &Entry,
        measured: &Measured,
        earlier: &[(&Entry, &Measured)],
        limit: f64,
    ) {
        let (from, until) =
            (newest.date.days_before(OLD_UNTIL_DAYS), newest.date.days_before(OLD_FROM_DAYS));
        let old: Vec<f64> = earlier
            .iter()
            .filter(|(run, _)| (from..=until).contains(&run.date))
            .map(|(_, m)| m.value)
            .collect();
        let begin = newest.date.days_before(WEEK_DAYS);
        let week = earlier.iter().filter(|(run, _)| run.date >= begin).map(|(_, m)| m.value);
        let recent: Vec<f64> = week.chain([measured.value]).collect();
        if old.len() < OLD_RUNS_MIN || recent.len() < OLD_RUNS_MIN {
            return;
        }
        let (Some(anchor), Some(value)) = (median(old), median(recent)) else { return };
        let worse = Measured { value, ..measured.clone() }.worse_than(anchor);
        if worse > limit {
            self.verdict = Verdict::Drift;
            (self.anchor, self.worse) = (Some(anchor), Some(worse));
        }
    }
}

#[cfg(test)]
mod tests;
