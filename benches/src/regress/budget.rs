//! Budgets: limits that hold on any machine, whatever the history says.

use serde::Serialize;

use super::history::Entry;

/// A limit for all metrics whose name begins alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// What it is about.
    pub name: &'static str,
    /// Beginning of the metrics' names.
    pub metrics: &'static str,
    /// Every one of them must be below this, in nanoseconds.
    pub below_ns: f64,
}

/// What the optimisation guide allows.
pub const BUDGETS: [Budget; 2] = [
    Budget { name: "detection p95 < 100 µs", metrics: "detection_overhead/", below_ns: 100_000.0 },
    Budget { name: "end to end p95 < 400 ms", metrics: "e2e_latency/", below_ns: 400_000_000.0 },
];

/// A budget, checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The budget.
    pub budget: &'static str,
    /// The largest metric of it, and its value in nanoseconds; `None`: nothing was measured.
    pub worst: Option<(String, f64)>,
    /// Whether it is kept. One that was not measured is not.
    pub kept: bool,
}

impl Budget {
    /// Holds what a run measured against the budget.
    #[must_use]
    pub fn check(&self, run: &Entry) -> Checked {
        let of_budget = run.metrics.iter().filter(|(name, _)| name.starts_with(self.metrics));
        let worst = of_budget
            .map(|(name, measured)| (name.clone(), measured.value))
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let kept = worst.as_ref().is_some_and(|(_, value)| *value < self.below_ns);
        Checked { budget: self.name, worst, kept }
    }
}

#[cfg(test)]
mod tests {
    use super::BUDGETS;
    use crate::regress::{Entry, Measured, Moment};

    #[test]
    fn the_worst_case_decides_and_none_is_not_enough() {
        let mut run = Entry {
            date: Moment::at(0),
            commit: String::new(),
            machine: String::new(),
            metrics: Default::default(),
        };
        assert!(BUDGETS.iter().all(|budget| !budget.check(&run).kept));
        let mut set = |name: &str, value| {
            run.metrics.insert(name.into(), Measured::of(&[value], "ns", false).unwrap());
        };
        set("detection_overhead/detect_100", 99_999.0);
        set("e2e_latency/e2e_idle_200", 400_000_000.0);
        assert!(BUDGETS[0].check(&run).kept && !BUDGETS[1].check(&run).kept);
        run.metrics.insert(
            "detection_overhead/detect_1000".into(),
            Measured::of(&[100_000.0], "ns", false).unwrap(),
        );
        let checked = BUDGETS[0].check(&run);
        assert!(!checked.kept);
        assert_eq!(checked.worst, Some(("detection_overhead/detect_1000".into(), 100_000.0)));
    }
}
