//! The highest rate of alerts that JetStream acknowledges without a loss, beside what the same server
//! takes without the sensor.

use std::time::Duration;

use anyhow::Context;
use core_affinity::CoreId;
use pipeline::clock::TscClock;
use serde::{Deserialize, Serialize};
use testkit::NatsServer;

use crate::ceiling;
use crate::live::{Sensor, Subscriber};
use crate::percentiles::{self, Percentiles};

/// File of the rates, among the results of the benchmarks.
pub const RESULTS: &str = "alert-rate.json";
/// Rates that are tried one after the other until one does not hold, alerts a second.
pub const LADDER: [u64; 8] = [25_000, 50_000, 100_000, 150_000, 200_000, 250_000, 350_000, 500_000];
/// Halvings between the last rate that held and the first that did not.
const HALVINGS: usize = 2;
/// Share of the asked rate that must be raised, and acknowledged by the end of the load. The worker
/// raises less where it cannot keep up; what is in flight at the end is a batch or two of each lane.
pub(crate) const HELD_SHARE: f64 = 0.97;
/// What is not measured after the start: memory is touched, connections warm up. Losses count.
const SETTLING: Duration = Duration::from_millis(500);

/// One rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Alerts a second that the source offers.
    pub asked_per_s: u64,
    /// Alerts raised in a second.
    pub raised_per_s: f64,
    /// Alerts acknowledged in a second, while the load lasted.
    pub acknowledged_per_s: f64,
    /// Alerts that were lost, of whatever cause.
    pub dropped: u64,
    /// Alerts in a message, on average.
    pub alerts_per_message: f64,
    /// Bytes of a message, on average.
    pub bytes_per_message: f64,
    /// Reception to subscriber, publish call, acknowledgement, and what the sensor's statistics have of
    /// latencies beside these, ns.
    pub latencies: Vec<percentiles::Row>,
}

impl Step {
    /// Raises `per_second` alerts for `length`, on a server of its own.
    ///
    /// # Errors
    /// nats-server is missing, or the sensor does not work.
    pub fn measure(per_second: u64, length: Duration, cpu: Option<CoreId>) -> anyhow::Result<Self> {
        let server = NatsServer::started().context("nats-server, which `make setup` installs")?;
        let clock = TscClock::new();
        let subscriber = Subscriber::start(&server.url(), clock.clone())?;
        let mut sensor = Sensor::start(&server.url(), per_second, clock, cpu, None)?;
        std::thread::sleep(SETTLING);
        sensor.mark();
        std::thread::sleep(length);
        let done = sensor.finish()?;
        let ages = subscriber.finish()?;
        let mut latencies = vec![
            percentiles::Row::of_histogram("reception to subscriber", &ages),
            percentiles::Row::of_view("publish call", &done.publish_ns),
            percentiles::Row::of_view("acknowledgement", &done.acknowledge_ns),
        ];
        latencies.extend(done.stages);
        let messages = done.messages.max(1) as f64;
        Ok(Self {
            asked_per_s: per_second,
            raised_per_s: done.raised_per_s,
            acknowledged_per_s: done.acknowledged_per_s,
            dropped: done.ledger.drops.values().sum(),
            alerts_per_message: done.ledger.acknowledged as f64 / messages,
            bytes_per_message: done.bytes as f64 / messages,
            latencies,
        })
    }

    /// Whether nothing was lost and the rate was kept.
    #[must_use]
    pub fn held(&self) -> bool {
        let least = self.asked_per_s as f64 * HELD_SHARE;
        self.dropped == 0 && self.raised_per_s >= least && self.acknowledged_per_s >= least
    }

    fn bytes_per_s(&self) -> f64 {
        self.acknowledged_per_s / self.alerts_per_message.max(1.0) * self.bytes_per_message
    }
}

/// A search.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rates {
    /// The rates that were tried, in the order of their rate.
    pub steps: Vec<Step>,
    /// The server without the sensor: messages as large as those of the highest rate that held.
    pub ceiling: Vec<ceiling::Row>,
}

impl Rates {
    /// Climbs [`LADDER`], but for what is above `most`, then halves the gap; each rate for `length`.
    /// Then measures the ceiling.
    ///
    /// # Errors
    /// As [`Step::measure`].
    pub fn search(most: u64, length: Duration, cpu: Option<CoreId>) -> anyhow::Result<Self> {
        let measure = |per_second| -> anyhow::Result<Step> {
            let step = Step::measure(per_second, length, cpu)?;
            eprintln!("{}", step.line());
            Ok(step)
        };
        let mut rates = Self { steps: climb(most, measure)?, ceiling: Vec::new() };
        if let Some(highest) = rates.highest() {
            let bytes = highest.bytes_per_message as usize;
            for window in ceiling::WINDOWS {
                rates.ceiling.push(ceiling::measure(bytes.max(1), window, length)?);
            }
        }
        Ok(rates)
    }

    /// The highest rate that held.
    #[must_use]
    pub fn highest(&self) -> Option<&Step> {
        self.steps.iter().rfind(|step| step.held())
    }

    /// Bytes a second that the sensor had acknowledged at that rate, by those that the server takes from
    /// a bare client with the best window.
    #[must_use]
    pub fn share_of_ceiling(&self) -> Option<f64> {
        let ceiling = self.ceiling.iter().map(ceiling::Row::bytes_per_s).max_by(f64::total_cmp)?;
        Some(self.highest()?.bytes_per_s() / ceiling)
    }

    /// The search as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "alert_rate: alerts a second, acknowledged by JetStream\n".to_owned();
        for step in &self.steps {
            text += &step.line();
            text.push('\n');
        }
        if let Some(highest) = self.highest() {
            let mut latencies = Percentiles::new("latencies at the highest rate that held", "ns");
            highest.latencies.iter().cloned().for_each(|row| latencies.add(row));
            text += &latencies.table();
        }
        if let Some(share) = self.share_of_ceiling() {
            text += &ceiling::table(&self.ceiling);
            text += &format!("sensor by ceiling, bytes acknowledged: {share:.2}\n");
        }
        text
    }
}

/// Measures rates until one does not hold, and then in between. Sorted by rate.
fn climb(
    most: u64,
    mut measure: impl FnMut(u64) -> anyhow::Result<Step>,
) -> anyhow::Result<Vec<Step>> {
    let (mut steps, mut low, mut high) = (Vec::new(), 0, None);
    for per_second in LADDER.into_iter().filter(|rate| *rate <= most) {
        let step = measure(per_second)?;
        let held = step.held();
        steps.push(step);
        if !held {
            high = Some(per_second);
            break;
        }
        low = per_second;
    }
    if let Some(mut high) = high {
        for _ in 0..HALVINGS {
            let step = measure(u64::midpoint(low, high))?;
            if step.held() {
                low = step.asked_per_s;
            } else {
                high = step.asked_per_s;
            }
            steps.push(step);
        }
    }
    steps.sort_by_key(|step| step.asked_per_s);
    Ok(steps)
}

impl Step {
    fn line(&self) -> String {
        format!(
            "{:>8}/s asked: raised {:.0}/s, acknowledged {:.0}/s, dropped {}, {:.0} alerts and {:.0} \
             bytes a message: {}",
            self.asked_per_s,
            self.raised_per_s,
            self.acknowledged_per_s,
            self.dropped,
            self.alerts_per_message,
            self.bytes_per_message,
            if self.held() { "held" } else { "not held" },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{LADDER, Rates, Step, climb};
    use crate::ceiling;

    /// A sensor that can do `limit` alerts a second.
    fn step(per_second: u64, limit: u64) -> Step {
        Step {
            asked_per_s: per_second,
            raised_per_s: per_second as f64,
            acknowledged_per_s: per_second.min(limit) as f64,
            dropped: per_second.saturating_sub(limit),
            alerts_per_message: 100.0,
            bytes_per_message: 40_000.0,
            latencies: Vec::new(),
        }
    }

    #[test]
    fn the_search_narrows_the_highest_rate_down() {
        let steps = climb(u64::MAX, |rate| Ok(step(rate, 180_000))).unwrap();
        let asked: Vec<_> = steps.iter().map(|step| step.asked_per_s).collect();
        assert_eq!(asked, [25_000, 50_000, 100_000, 150_000, 175_000, 187_500, 200_000]);
        let rates = Rates { steps, ceiling: Vec::new() };
        assert_eq!(rates.highest().unwrap().asked_per_s, 175_000);
        assert_eq!(rates.share_of_ceiling(), None);
        // All hold: the top of the ladder, or of what is allowed.
        assert_eq!(climb(u64::MAX, |rate| Ok(step(rate, rate))).unwrap().len(), LADDER.len());
        assert_eq!(climb(60_000, |rate| Ok(step(rate, rate))).unwrap().len(), 2);
        // None holds.
        let none = climb(u64::MAX, |rate| Ok(step(rate, 1))).unwrap();
        assert!(Rates { steps: none, ceiling: Vec::new() }.highest().is_none());
    }

    #[test]
    fn a_rate_holds_without_loss_and_backlog_only() {
        let whole = step(100_000, 100_000);
        assert!(whole.held());
        assert!(!Step { dropped: 1, ..whole.clone() }.held());
        assert!(!Step { raised_per_s: 90_000.0, ..whole.clone() }.held());
        assert!(!Step { acknowledged_per_s: 90_000.0, ..whole }.held());
    }

    #[test]
    fn the_share_is_of_the_best_window() {
        let row = |messages_per_s| ceiling::Row {
            bytes: 40_000,
            window: 1,
            messages_per_s,
            delivered: 1.0,
            acknowledge_ns: crate::percentiles::Row::of_histogram(
                "a",
                &crate::stopwatch::histogram(),
            ),
        };
        let ceiling = vec![row(500.0), row(1_250.0)];
        let rates = Rates { steps: vec![step(100_000, 100_000)], ceiling };
        assert!((rates.share_of_ceiling().unwrap() - 0.8).abs() < 1e-9);
        assert!(rates.text().contains("0.80"));
    }
}
