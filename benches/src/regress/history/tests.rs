//! Histories that are whole, damaged, absent, hostile.

use proptest::prelude::*;

use super::{Entry, History, LINE_BYTES_MAX, Measured};
use crate::regress::Moment;

fn run(day: i64) -> Entry {
    let measured = Measured::of(&[1.0, 2.0, 4.0], "ns", false).unwrap();
    Entry {
        date: Moment::at(day * 86_400),
        commit: "abc".into(),
        machine: "m".into(),
        metrics: [("bench/case".to_owned(), measured)].into(),
    }
}

#[test]
fn what_is_appended_is_read_by_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("perf/history.jsonl");
    assert_eq!(History::read(&path).unwrap(), History::default());
    for day in [3, 1, 2] {
        History::append(&path, &run(day)).unwrap();
    }
    let history = History::read(&path).unwrap();
    assert_eq!(history.runs, [run(1), run(2), run(3)]);
    assert!(history.damaged.is_empty());
}

#[test]
fn damaged_lines_are_told_and_cost_only_themselves() {
    let good = serde_json::to_string(&run(1)).unwrap();
    let negative = good.replace("\"value\":2.0", "\"value\":-2.0");
    let undated = good.replace("1970-01-02T", "1970-02-30T");
    let text = format!("{good}\nnot JSON\n\n{negative}\n{undated}\n{{}}\n{good}\n{}", &good[..40]);
    let history = History::parse(text.as_bytes()).unwrap();
    assert_eq!(history.runs, [run(1), run(1)]);
    let lines: Vec<_> =
        history.damaged.iter().map(|text| text.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["line 2", "line 4", "line 5", "line 6", "line 8"]);
    assert!(history.damaged[1].contains("bench/case: value -2 is not a positive number"));
}

#[test]
fn a_line_without_end_does_not_swallow_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    std::fs::write(&path, "{\"date\":").unwrap();
    History::append(&path, &run(1)).unwrap();
    let history = History::read(&path).unwrap();
    assert_eq!((history.runs.len(), history.damaged.len()), (1, 1));
}

#[test]
fn a_line_of_any_length_is_bounded() {
    let good = serde_json::to_string(&run(1)).unwrap();
    let long = "x".repeat(3 * LINE_BYTES_MAX as usize);
    let history = History::parse(format!("{long}\n{good}\n").as_bytes()).unwrap();
    assert_eq!(history.runs, [run(1)]);
    assert_eq!(history.damaged, ["line 1 is longer than 1048576 bytes"]);
}

#[test]
fn repetitions_become_median_and_noise() {
    let measured = Measured::of(&[90.0, 100.0, 110.0, f64::NAN, 0.0], "ns", false).unwrap();
    assert_eq!(measured.value, 100.0);
    assert!((measured.noise - 0.148_26).abs() < 1e-9);
    assert_eq!(Measured::of(&[f64::INFINITY, -1.0], "ns", false), None);
    assert!((measured.worse_than(80.0) - 0.25).abs() < 1e-9);
    let rate = Measured { higher_is_better: true, ..measured };
    assert!((rate.worse_than(80.0) + 0.2).abs() < 1e-9);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let history = History::parse(bytes.as_slice()).unwrap();
        prop_assert!(history.runs.iter().all(|run| run.metrics.values().all(|m| m.value > 0.0)));
    }

    #[test]
    fn a_flipped_byte_costs_at_most_its_line(at in 0_usize..400, to in any::<u8>()) {
        let line = serde_json::to_string(&run(1)).unwrap() + "\n";
        let mut bytes = line.repeat(3).into_bytes();
        let at = at % line.len() + line.len();
        bytes[at] = to;
        let history = History::parse(bytes.as_slice()).unwrap();
        // A lost line feed joins two lines, one more makes two of one.
        prop_assert!((1..=3).contains(&history.runs.len()));
        prop_assert!(history.damaged.len() <= 2);
    }
}
