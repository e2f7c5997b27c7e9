//! The text of the page.

use std::fmt::{Display, Write as _};

use crate::stats::model::LatencyView;

/// The page as it grows, and the family that is being written.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
    name: &'static str,
}

impl Page {
    /// Begins a family.
    pub(super) fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A value of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.sample_of("", labels, value);
    }

    fn sample_of(&mut self, suffix: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (index, (key, label)) in labels.iter().enumerate() {
            let label = label.to_string().replace('\\', r"\\").replace('"', "\\\"");
            let label = label.replace('\n', r"\n");
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{key}=\"{label}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// A family of one value without labels.
    pub(super) fn one(&mut self, name: &'static str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// A latency as a summary, in seconds as Prometheus wants it. The sum is not known.
    pub(super) fn latency(&mut self, labels: &[(&str, &dyn Display)], latency: &LatencyView) {
        let quantiles = [
            ("0.5", latency.p50),
            ("0.9", latency.p90),
            ("0.95", latency.p95),
            ("0.99", latency.p99),
            ("0.999", latency.p999),
            ("1", latency.max),
        ];
        for (quantile, ns) in quantiles {
            let mut labels = labels.to_vec();
            labels.push(("quantile", &quantile));
            self.sample(&labels, seconds(ns));
        }
        self.sample_of("_count", labels, latency.count);
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
