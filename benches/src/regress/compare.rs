//! Two commits, measured in turn on one machine: the head beside its base.

use std::collections::BTreeMap;

use super::history::Measured;
use super::judge::{Judged, Verdict};
use super::noise::threshold;

/// What several runs of one commit measured, run by run.
type Runs = [BTreeMap<String, Measured>];

/// The verdicts on a head, metric by metric.
pub type Compared = Vec<Judged>;

/// Holds the runs of `head` against those of `base`. The noise is that of the runs of each side.
#[must_use]
pub fn compare(base: &Runs, head: &Runs) -> Compared {
    let mut names: Vec<&String> = base.iter().chain(head).flat_map(BTreeMap::keys).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter_map(|name| of_metric(name, base, head)).collect()
}

fn of_metric(name: &str, base: &Runs, head: &Runs) -> Option<Judged> {
    let side = |runs: &Runs| -> Option<Measured> {
        let measured: Vec<&Measured> = runs.iter().filter_map(|run| run.get(name)).collect();
        let first = measured.first()?;
        let values: Vec<f64> = measured.iter().map(|m| m.value).collect();
        Measured::of(&values, &first.unit, first.higher_is_better)
    };
    let (base, head) = (side(base), side(head));
    let unit = head.as_ref().or(base.as_ref())?.unit.clone();
    let mut judged = Judged {
        metric: name.to_owned(),
        unit,
        verdict: Verdict::NotMeasured,
        value: head.as_ref().map(|head| head.value),
        anchor: base.as_ref().map(|base| base.value),
        worse: None,
        threshold: None,
        runs: 0,
    };
    let (Some(base), Some(head)) = (base, head) else { return Some(judged) };
    let (worse, limit) = (head.worse_than(base.value), threshold(base.noise.max(head.noise)));
    judged.verdict = if worse > limit {
        Verdict::Step
    } else if 1.0 / (1.0 + worse) - 1.0 > limit {
        Verdict::Improved
    } else {
        Verdict::Same
    };
    (judged.worse, judged.threshold) = (Some(worse), Some(limit));
    Some(judged)
}

#[cfg(test)]
mod tests {
    use super::{Judged, compare};
    use crate::regress::{Measured, Verdict};

    fn verdicts(base: &[f64], head: &[f64]) -> Vec<Judged> {
        let runs = |values: &[f64]| -> Vec<_> {
            let run = |value: &f64| {
                [("m".to_owned(), Measured::of(&[*value], "ns", false).unwrap())].into()
            };
            values.iter().map(run).collect()
        };
        compare(&runs(base), &runs(head))
    }

    #[test]
    fn a_head_is_slower_faster_or_the_same() {
        let of = |head: &[f64]| verdicts(&[100.0, 101.0, 99.0, 100.0], head)[0].verdict;
        assert_eq!(of(&[113.0, 112.0, 114.0, 113.0]), Verdict::Step);
        assert_eq!(of(&[88.0, 87.0, 89.0, 88.0]), Verdict::Improved);
        assert_eq!(of(&[105.0, 104.0, 108.0, 109.0]), Verdict::Same);
        // Beyond 10 %, within the noise of its own runs.
        assert_eq!(of(&[90.0, 120.0, 150.0, 80.0]), Verdict::Same);
    }

    #[test]
    fn what_only_one_side_measured_is_said() {
        let only_head = &verdicts(&[], &[1.0])[0];
        assert_eq!((only_head.verdict, only_head.anchor), (Verdict::NotMeasured, None));
        let only_base = &verdicts(&[1.0], &[])[0];
        assert_eq!((only_base.verdict, only_base.value), (Verdict::NotMeasured, None));
        assert!(compare(&[], &[]).is_empty());
    }
}
