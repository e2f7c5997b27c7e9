//! Made histories: a step, a drift, noise only, missing days, other machines, improvements.

use testkit::Rng;

use super::{Judged, Verdict, judge};
use crate::regress::{Entry, History, Measured, Moment};

/// A history of one metric: a value for each of the days given.
fn history(values: impl IntoIterator<Item = (i64, f64)>) -> History {
    let runs = values.into_iter().map(|(day, value)| Entry {
        date: Moment::at(1_790_000_000 + day * 86_400),
        commit: format!("{day:x}"),
        machine: "this".into(),
        metrics: [("m".to_owned(), Measured::of(&[value], "ns", false).unwrap())].into(),
    });
    History { runs: runs.collect(), damaged: Vec::new() }
}

fn nightly(values: impl IntoIterator<Item = f64>) -> History {
    history((0..).zip(values))
}

fn only(history: &History) -> Judged {
    let (mut judged, _) = judge(history);
    assert_eq!(judged.len(), 1);
    judged.remove(0)
}

/// Noise that is nearly normal (a sum of uniform values), of the relative standard deviation given.
fn noise(rng: &mut Rng, deviation: f64) -> f64 {
    let uniform = |rng: &mut Rng| rng.below(1 << 20) as f64 / f64::from(1 << 20) - 0.5;
    // Twelve of variance 1/12 make 1.
    1.0 + deviation * (0..12).map(|_| uniform(rng)).sum::<f64>()
}

#[test]
fn a_step_beyond_the_threshold_fails_and_one_below_does_not() {
    let after = |value: f64| only(&nightly([100.0; 10].into_iter().chain([value])));
    let step = after(111.0);
    assert_eq!((step.verdict, step.anchor, step.runs), (Verdict::Step, Some(100.0), 10));
    assert!((step.worse.unwrap() - 0.11).abs() < 1e-9 && step.threshold == Some(0.10));
    assert!(step.verdict.fails());
    assert_eq!(after(109.0).verdict, Verdict::Same);
    assert_eq!(after(92.0).verdict, Verdict::Same);
}

#[test]
fn an_improvement_is_said_and_passes() {
    let judged = only(&nightly([100.0; 10].into_iter().chain([60.0])));
    assert_eq!(judged.verdict, Verdict::Improved);
    assert!(!judged.verdict.fails());
}

#[test]
fn a_rate_that_falls_is_a_step_and_one_that_rises_an_improvement() {
    let of = |value| {
        let mut history = nightly([50_000.0; 8].into_iter().chain([value]));
        for run in &mut history.runs {
            run.metrics.get_mut("m").unwrap().higher_is_better = true;
        }
        only(&history).verdict
    };
    assert_eq!(
        [of(40_000.0), of(60_000.0), of(49_000.0)],
        [Verdict::Step, Verdict::Improved, Verdict::Same]
    );
}

#[test]
fn a_drift_that_the_week_hides_is_found_by_the_older_anchor() {
    // 0.4 % a night: 1.6 % in a week's median, 17 % in six weeks.
    let drift = (0..60).map(|day| 100.0 * 1.004_f64.powi(day));
    let judged = only(&nightly(drift));
    assert_eq!(judged.verdict, Verdict::Drift);
    assert!(judged.worse.unwrap() > 0.10 && judged.anchor.unwrap() < 115.0, "{judged:?}");
    // In noise as well.
    let mut rng = Rng::new(11);
    let noisy = (0..60).map(|day| 100.0 * 1.006_f64.powi(day) * noise(&mut rng, 0.01));
    assert_eq!(only(&nightly(noisy.collect::<Vec<_>>())).verdict, Verdict::Drift);
    // Younger than the older anchor: not known yet, and no step.
    let young = (0..20).map(|day| 100.0 * 1.004_f64.powi(day));
    assert_eq!(only(&nightly(young)).verdict, Verdict::Same);
}

#[test]
fn noise_alone_hardly_ever_alarms() {
    for deviation in [0.01, 0.03, 0.06, 0.12] {
        let (mut alarms, seeds) = (0, 2_000);
        for seed in 0..seeds {
            let mut rng = Rng::new(seed);
            let nights = 7 + rng.below(60);
            let values: Vec<f64> =
                (0..nights).map(|_| 100.0 * noise(&mut rng, deviation)).collect();
            alarms += u32::from(only(&nightly(values)).verdict.fails());
        }
        assert!(alarms <= 6, "{alarms} of {seeds} at {deviation}");
    }
}

#[test]
fn a_step_of_twice_is_found_in_any_such_noise() {
    for seed in 0..500 {
        let mut rng = Rng::new(seed);
        let mut values: Vec<f64> = (0..30).map(|_| 100.0 * noise(&mut rng, 0.06)).collect();
        values.push(200.0 * noise(&mut rng, 0.06));
        assert_eq!(only(&nightly(values)).verdict, Verdict::Step, "seed {seed}");
    }
}

#[test]
fn repetitions_that_differ_widen_the_threshold() {
    let mut history = nightly([100.0; 10].into_iter().chain([120.0]));
    history.runs.last_mut().unwrap().metrics.get_mut("m").unwrap().noise = 0.05;
    let judged = only(&history);
    assert_eq!((judged.verdict, judged.threshold), (Verdict::Same, Some(0.25)));
}

#[test]
fn missing_days_are_said_and_judged_by_what_there_is() {
    // Two of the last seven days.
    let gaps = [0, 1, 2, 20, 22, 25].map(|day| (day, 100.0));
    let judged = |newest: (i64, f64)| {
        let history = history(gaps.into_iter().chain([newest]));
        let (_, remarks) = judge(&history);
        (only(&history).verdict, remarks)
    };
    let (verdict, remarks) = judged((28, 100.0));
    assert_eq!(verdict, Verdict::Same);
    assert!(remarks[0].contains("3 days older"), "{remarks:?}");
    // None of them: the latest runs before are what there is, and a step is one all the same.
    assert_eq!(judged((60, 101.0)).0, Verdict::Stale);
    assert_eq!(judged((60, 150.0)).0, Verdict::Step);
}

#[test]
fn too_little_history_and_other_machines_are_said_and_pass() {
    assert_eq!(only(&nightly([100.0; 4].into_iter().chain([900.0]))).verdict, Verdict::TooFewRuns);
    assert_eq!(only(&nightly([100.0])).verdict, Verdict::TooFewRuns);
    let mut moved = nightly([100.0; 10].into_iter().chain([900.0]));
    moved.runs.last_mut().unwrap().machine = "another".into();
    let (judged, remarks) = judge(&moved);
    assert_eq!((judged[0].verdict, judged[0].runs), (Verdict::TooFewRuns, 0));
    assert!(remarks[0].contains("10 earlier runs were on other machines"), "{remarks:?}");
    let (judged, remarks) = judge(&History::default());
    assert!(judged.is_empty() && remarks[0].contains("empty"));
}

#[test]
fn a_metric_that_is_not_measured_any_more_is_said() {
    let mut history = nightly([100.0; 10]);
    history.runs.last_mut().unwrap().metrics.clear();
    let judged = only(&history);
    assert_eq!((judged.verdict, judged.value), (Verdict::NotMeasured, None));
}

#[test]
fn an_accepted_value_is_where_a_metric_begins_anew() {
    let mut history = nightly([100.0; 10].into_iter().chain([150.0; 6]));
    let on_day = |history: &History, day: usize| {
        only(&History { runs: history.runs[..=day].to_vec(), damaged: Vec::new() })
    };
    assert!([10, 11, 12].map(|day| on_day(&history, day).verdict).iter().all(|v| v.fails()));
    history.runs[10].metrics.get_mut("m").unwrap().accepted = true;
    // The accepted run itself passes, the next ones begin anew.
    assert_eq!(on_day(&history, 10).verdict, Verdict::Same);
    assert_eq!(on_day(&history, 12).verdict, Verdict::TooFewRuns);
    let judged = on_day(&history, 15);
    assert_eq!((judged.verdict, judged.runs, judged.anchor), (Verdict::Same, 5, Some(150.0)));
}
