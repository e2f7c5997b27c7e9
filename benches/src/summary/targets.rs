//! The targets of the optimisation guide and our own goals, beside what was measured.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::{PERCENTILES, read};
use crate::alert_rate::{self, Rates};
use crate::percentiles::Percentiles;
use crate::rate::{EVENTS_RESULTS, Events};

const US: f64 = 1e3;
const MS: f64 = 1e6;

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// What is wanted.
    pub target: &'static str,
    /// Whose target it is: the guide's, or a goal of ours.
    pub of: &'static str,
    /// The unit of both figures.
    pub unit: &'static str,
    /// The figure that is wanted.
    pub wanted: f64,
    /// Whether more is better; less is for latencies.
    pub at_least: bool,
    /// What was measured; `None`: it was not, or no rate held.
    pub measured: Option<f64>,
    /// What was measured, in words: the benchmark and its case.
    pub by: &'static str,
}

impl Target {
    /// What was measured by what is wanted. Of a latency, below 1 is good; of a rate, above.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(self.measured? / self.wanted)
    }

    /// Whether it is reached; `None` if it was not measured.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        let measured = self.measured?;
        Some(if self.at_least { measured >= self.wanted } else { measured < self.wanted })
    }
}

/// Every target, with what the results in `directory` say of it.
///
/// # Errors
/// A file is not what this version writes.
pub fn targets(directory: &Path) -> anyhow::Result<Vec<Target>> {
    let mut rows = Vec::new();
    for file in PERCENTILES {
        if let Some(table) = read::<Percentiles>(directory, file)? {
            rows.extend(table.rows);
        }
    }
    let p95 = |case: &str, unit: f64| {
        rows.iter().find(|row| row.case == case).map(|row| row.p95 as f64 / unit)
    };
    let rates: Option<Rates> = read(directory, alert_rate::RESULTS)?;
    let events: Option<Events> = read(directory, EVENTS_RESULTS)?;
    let highest = rates.as_ref().and_then(Rates::highest).map(|step| step.acknowledged_per_s);
    let share = rates.as_ref().and_then(Rates::share_of_ceiling).map(|share| share * 100.0);
    let events = events.filter(|events| events.alerts_dropped + events.packets_dropped == 0);
    let events = events.map(|events| events.acknowledged_per_s);
    let latency = |target, of, unit, wanted, measured, by| Target {
        target,
        of,
        unit,
        wanted,
        at_least: false,
        measured,
        by,
    };
    let rate = |target, of, unit, wanted, measured, by| Target {
        at_least: true,
        ..latency(target, of, unit, wanted, measured, by)
    };
    const GUIDE: &str = "guide";
    const OURS: &str = "ours";
    Ok(vec![
        latency("detection, p95", GUIDE, "µs", 50.0, p95("detect_1000", US), "detect_1000"),
        latency(
            "NATS publish call, p95",
            GUIDE,
            "µs",
            100.0,
            p95("e2e_load_50000: publish call", US),
            "e2e_load_50000: publish call",
        ),
        latency(
            "NATS publish until the acknowledgement, p95",
            GUIDE,
            "µs",
            100.0,
            p95("e2e_load_50000: acknowledgement", US),
            "e2e_load_50000: acknowledgement",
        ),
        latency("end to end, p95", GUIDE, "ms", 200.0, p95("e2e_load_50000", MS), "e2e_load_50000"),
        rate("alerts, none lost", GUIDE, "1/s", 50_000.0, highest, "alert_rate"),
        rate("whole events over DPDK, none lost", OURS, "1/s", 50_000.0, events, "whole_events"),
        rate("alerts, none lost", OURS, "1/s", 250_000.0, highest, "alert_rate"),
        rate("of the NATS server's ceiling", OURS, "%", 80.0, share, "alert_rate, nats_ceiling"),
        latency("end to end idle, p95", OURS, "ms", 1.0, p95("e2e_idle_200", MS), "e2e_idle_200"),
        latency(
            "end to end at 50,000/s, p95",
            OURS,
            "ms",
            5.0,
            p95("e2e_load_50000", MS),
            "e2e_load_50000",
        ),
    ])
}

/// Targets as a Markdown table.
#[must_use]
pub fn table(targets: &[Target]) -> String {
    let mut text = "| target | of | wanted | measured | ratio | holds | by |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for target in targets {
        let Target { target: name, of, unit, wanted, at_least, by, .. } = target;
        let sign = if *at_least { '≥' } else { '<' };
        let measured = target.measured.map_or("not measured".into(), |m| format!("{m:.2} {unit}"));
        let ratio = target.ratio().map_or("–".into(), |ratio| format!("{ratio:.3}"));
        let holds = target.holds().map_or("–", |holds| if holds { "yes" } else { "no" });
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {name} | {of} | {sign} {wanted} {unit} | {measured} | {ratio} | {holds} | `{by}` |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{table, targets};
    use crate::percentiles::{Percentiles, Row};
    use crate::rate::{EVENTS_RESULTS, Events};

    #[test]
    fn targets_are_held_against_what_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let mut percentiles = Percentiles::new("detection_overhead", "ns");
        let mut histogram = crate::stopwatch::histogram();
        histogram.saturating_record(25_000);
        percentiles.add(Row::of_histogram("detect_1000", &histogram));
        let write = |file: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(file), bytes);
        write("detection_overhead-percentiles.json", serde_json::to_vec(&percentiles).unwrap())
            .unwrap();
        let events = |alerts_dropped| Events {
            rules: 1,
            one_in: 2,
            packets_per_s: 1e6,
            packets_dropped: 0,
            raised_per_s: 60_000.0,
            acknowledged_per_s: 60_000.0,
            alerts_dropped,
        };
        write(EVENTS_RESULTS, serde_json::to_vec(&events(0)).unwrap()).unwrap();
        let found = targets(folder.path()).unwrap();
        let of = |name: &str| found.iter().find(|t| t.target.starts_with(name)).unwrap();
        assert!((of("detection").ratio().unwrap() - 0.5).abs() < 0.01);
        assert_eq!(of("detection").holds(), Some(true));
        assert_eq!((of("whole").holds(), of("whole").ratio()), (Some(true), Some(1.2)));
        assert_eq!(of("end to end").holds(), None);
        let text = table(&found);
        assert!(text.contains("not measured") && text.contains("< 50 µs"), "{text}");
        // A rate with losses is none.
        write(EVENTS_RESULTS, serde_json::to_vec(&events(1)).unwrap()).unwrap();
        let found = targets(folder.path()).unwrap();
        assert_eq!(found.iter().find(|t| t.target.starts_with("whole")).unwrap().measured, None);
    }
}
