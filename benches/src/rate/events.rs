//! Whole events per second: a packet through a DPDK poll-mode driver, inspected, its alert acknowledged by
//! JetStream.
//!
//! The device repeats a capture as fast as the worker takes it, so that the rate of alerts is set by how
//! many of its packets raise one. That is found by trying: first a guess, then what the rate of packets
//! says.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use testkit::NatsServer;

use super::{Conditions, Device, SensorBinary};

/// File of the result, among the results of the benchmarks.
pub const EVENTS_RESULTS: &str = "whole-events.json";
/// Tries until the rate of alerts is as wanted.
const TRIES: usize = 5;
/// Rate that is aimed at, by the rate that is wanted: the device is not exact.
const AIM: f64 = 1.1;
/// Largest rate that counts as the one wanted.
const SURPLUS: f64 = 1.5;
/// Packets of which one alerts, at first.
const ONE_IN: usize = 200;

/// What a sensor did with alerts among packets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// Rules of the sensor.
    pub rules: usize,
    /// Packets of which one raises an alert.
    pub one_in: usize,
    /// Packets received in a second.
    pub packets_per_s: f64,
    /// Packets that were not inspected.
    pub packets_dropped: u64,
    /// Alerts raised in a second.
    pub raised_per_s: f64,
    /// Alerts acknowledged by JetStream in a second.
    pub acknowledged_per_s: f64,
    /// Alerts that were lost.
    pub alerts_dropped: u64,
}

impl Events {
    /// Tries to raise at least `wanted_per_s` alerts a second, and little more, each time on a NATS server
    /// of its own. The first try that had them acknowledged without a loss and is not far above; else
    /// the best one.
    ///
    /// # Errors
    /// nats-server or the sensor does not work.
    pub fn measure(
        sensor: &SensorBinary,
        rules: usize,
        folder: &Path,
        wanted_per_s: f64,
        conditions: Conditions,
    ) -> anyhow::Result<Self> {
        let (mut one_in, mut tried) = (ONE_IN, Vec::new());
        for _ in 0..TRIES {
            let events = Self::of(sensor, rules, folder, one_in, conditions)?;
            eprintln!("{}", events.line());
            let ratio = events.raised_per_s / wanted_per_s;
            one_in = (one_in as f64 * ratio / AIM).round().max(1.0) as usize;
            let done = events.is_whole(wanted_per_s) && ratio <= SURPLUS;
            tried.push(events);
            if done {
                break;
            }
        }
        best(tried, wanted_per_s).context("no try was made")
    }

    /// Whether so many alerts a second were acknowledged and nothing was lost.
    #[must_use]
    pub fn is_whole(&self, wanted_per_s: f64) -> bool {
        self.acknowledged_per_s >= wanted_per_s && self.alerts_dropped + self.packets_dropped == 0
    }

    fn of(
        sensor: &SensorBinary,
        rules: usize,
        folder: &Path,
        one_in: usize,
        conditions: Conditions,
    ) -> anyhow::Result<Self> {
        let server = beside(conditions.cpu)?;
        let device = Device::alerting(folder, one_in);
        let watched = sensor.watch(&device, conditions, Some(&server.url()))?;
        let per_s = |count: u64| count as f64 / watched.seconds();
        let raised = watched.alerts("raised")?;
        ensure!(raised > 0, "no alert was raised: the generated capture did not alert");
        Ok(Self {
            rules,
            one_in,
            packets_per_s: per_s(watched.packets("rx")?),
            packets_dropped: watched.packets("drops")?,
            raised_per_s: per_s(raised),
            acknowledged_per_s: per_s(watched.alerts("acknowledged")?),
            alerts_dropped: watched.alerts("drops")?,
        })
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { rules, one_in, packets_dropped, alerts_dropped, .. } = self;
        format!(
            "whole events: {:.2} million packets/s through net_pcap ({packets_dropped} dropped), {rules} \
             rules, one in {one_in} alerts: raised {:.0}/s, acknowledged {:.0}/s, dropped {alerts_dropped}",
            self.packets_per_s / 1e6,
            self.raised_per_s,
            self.acknowledged_per_s,
        )
    }
}

/// The last try that was whole; else the one with most acknowledged among those without a loss; else the
/// last.
fn best(tried: Vec<Events>, wanted_per_s: f64) -> Option<Events> {
    let rank = |events: &Events| {
        let lost = events.alerts_dropped + events.packets_dropped > 0;
        match (events.is_whole(wanted_per_s), lost) {
            (true, _) => (2, 0),
            (false, false) => (1, events.acknowledged_per_s as u64),
            (false, true) => (0, 0),
        }
    };
    tried.into_iter().max_by_key(rank)
}

/// A server on a CPU that is not the worker's, where there is one. A process inherits the CPUs of the
/// thread that starts it, and so that thread is one of its own.
fn beside(cpu: usize) -> anyhow::Result<NatsServer> {
    let start = move || {
        let cpus = core_affinity::get_core_ids().unwrap_or_default();
        if let Some(other) = cpus.into_iter().find(|other| other.id != cpu) {
            // Without it the system decides, and the figures are noisier.
            let _ = core_affinity::set_for_current(other);
        }
        NatsServer::started()
    };
    let started = std::thread::Builder::new().name("nats-starter".into()).spawn(start)?.join();
    started.ok().flatten().context("nats-server, which `make setup` installs")
}

#[cfg(test)]
mod tests {
    use super::{Events, best};

    #[test]
    fn the_best_try_is_whole_or_at_least_without_loss() {
        let events = |acknowledged_per_s, alerts_dropped| Events {
            rules: 1,
            one_in: 1,
            packets_per_s: 1e6,
            packets_dropped: 0,
            raised_per_s: acknowledged_per_s,
            acknowledged_per_s,
            alerts_dropped,
        };
        let of = |tried: &[(f64, u64)]| {
            let tried = tried.iter().map(|(rate, dropped)| events(*rate, *dropped));
            best(tried.collect(), 50.0).map(|best| (best.acknowledged_per_s, best.alerts_dropped))
        };
        assert_eq!(of(&[(2.0, 0), (60.0, 0), (90.0, 7), (40.0, 0)]), Some((60.0, 0)));
        assert_eq!(of(&[(40.0, 0), (30.0, 0), (90.0, 7)]), Some((40.0, 0)));
        assert_eq!(of(&[(90.0, 7), (80.0, 9)]), Some((80.0, 9)));
        assert_eq!(of(&[]), None);
    }
}
