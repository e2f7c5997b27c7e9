//! A load for long: nothing is lost, and memory does not grow.
//!
//! A worker raises alerts at a steady rate; they go over the spool, which writes ahead, to a real NATS server's
//! file store. A consumer reads the stream while it is written and checks that every alert is there.

mod cage;
mod consumer;
mod ids;
mod memory;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use control::config::{NatsConfig, SpoolConfig};
use control::stats::{AlertLedgerView, ClosedBoot};
use core_affinity::CoreId;
use pipeline::clock::TscClock;
use testkit::NatsServer;

pub use cage::{CPUS, Cage, MEMORY_BYTES};
pub use consumer::Consumer;
pub use ids::Ids;
pub use memory::{Growth, Resident};

use crate::alert_rate::HELD_SHARE;
use crate::live::{Kept, Sensor};
use crate::percentiles::{Percentiles, Row};

/// Bytes of the stream; its oldest messages go.
pub const STREAM_BYTES: u64 = 2 << 30;
/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_secs(1);
/// How often something is said.
const REPORT: Duration = Duration::from_secs(30);
/// Causes of a loss when the control plane gets too little CPU time.
const OVERLOAD: [&str; 2] = ["ring_full", "shed"];
/// Share of the alerts that may be lost so, at most: beyond it the soak shows nothing.
const OVERLOAD_SHARE: f64 = 0.05;
/// Longest wait, after the load, for what the consumer has not read.
const CATCH_UP: Duration = Duration::from_secs(60);

/// What a soak showed.
pub struct Outcome {
    /// Alerts a second that the source offered.
    pub asked_per_s: u64,
    /// Alerts raised in a second.
    pub raised_per_s: f64,
    /// Where each alert ended.
    pub ledger: AlertLedgerView,
    /// The same as the sensor's end has left it in the spool's directory, from the page that workers and control
    /// plane count on.
    pub closed: ClosedBoot,
    /// Packets that ended in no counter.
    pub packets_unaccounted: i64,
    /// What the consumer got.
    pub ids: Ids,
    /// Resident memory of sensor and consumer.
    pub resident: Resident,
    /// Latencies, ns.
    pub latencies: Vec<Row>,
}

impl Outcome {
    /// Raises `per_second` alerts for `length`, with a NATS server of its own and the spool in `folder`.
    ///
    /// # Errors
    /// nats-server is missing, or the sensor does not work.
    pub fn measure(
        per_second: u64,
        length: Duration,
        folder: &Path,
        cpu: Option<CoreId>,
    ) -> anyhow::Result<Self> {
        let server = NatsServer::started().context("nats-server, which `make setup` installs")?;
        let (url, clock) = (server.url(), TscClock::new());
        let spool = folder.join("spool");
        let kept = Kept { spool: &spool, stream_bytes: STREAM_BYTES };
        let mut sensor = Sensor::start(&url, per_second, clock.clone(), cpu, Some(kept))?;
        sensor.mark();
        let most = per_second * (length + CATCH_UP).as_secs();
        let consumer = Consumer::start(&url, clock, most)?;
        let resident = load(&sensor, &consumer, length)?;
        let done = sensor.finish()?;
        let closed = closed_ledger(&spool)?;
        let until = Instant::now() + CATCH_UP;
        while consumer.arrived() < done.ledger.acknowledged && Instant::now() < until {
            std::thread::sleep(SAMPLE / 10);
        }
        let (ids, ages) = consumer.finish()?;
        let mut latencies = vec![
            Row::of_histogram("reception to consumer", &ages),
            Row::of_view("publish call", &done.publish_ns),
            Row::of_view("acknowledgement", &done.acknowledge_ns),
        ];
        latencies.extend(done.stages);
        Ok(Self {
            asked_per_s: per_second,
            raised_per_s: done.raised_per_s,
            ledger: done.ledger,
            closed,
            packets_unaccounted: done.packets.imbalance,
            ids,
            resident,
            latencies,
        })
    }

    /// Holds the outcome against what a sensor promises. On a `shared` machine others may take the CPUs: a
    /// lower rate is no failure then, nor are a few alerts that the ring had no room for, if the ledger names
    /// every one that did not arrive.
    ///
    /// # Errors
    /// What does not hold, in a sentence.
    pub fn judge(&self, shared: bool) -> anyhow::Result<()> {
        let drops: u64 = self.ledger.drops.values().sum();
        let of = |cause: &&str| self.ledger.drops.get(*cause).copied().unwrap_or(0);
        let excused = if shared { OVERLOAD.iter().map(of).sum() } else { 0 };
        ensure!(drops == excused, "{drops} alerts were lost: {:?}", self.ledger.drops);
        let bearable = self.ledger.raised as f64 * OVERLOAD_SHARE;
        ensure!(drops as f64 <= bearable, "{drops} of {} alerts were lost", self.ledger.raised);
        let (raised, least) = (self.raised_per_s, self.asked_per_s as f64 * HELD_SHARE);
        ensure!(shared || raised >= least, "{raised:.0}/s were raised, of {}", self.asked_per_s);
        ensure!(self.ledger.balanced, "alerts do not add up: {:?}", self.ledger);
        ensure!(
            self.packets_unaccounted == 0,
            "packets do not add up: {}",
            self.packets_unaccounted
        );
        let (page, ledger) = (&self.closed, &self.ledger);
        ensure!(
            [page.raised, page.acknowledged, page.spooled, page.lost_at_crash]
                == [ledger.raised, ledger.acknowledged, ledger.spooled, 0],
            "the page that outlives the process says otherwise: {page:?}, {ledger:?}"
        );
        let (missing, first) = self.ids.missing(self.ledger.raised);
        ensure!(
            missing == drops,
            "{missing} alerts never reached the consumer, the first is {first:?}; lost: {drops}"
        );
        ensure!(self.ids.beyond == 0, "{} alerts have impossible sequences", self.ids.beyond);
        let growth = self.resident.growth().context("too short to see memory grow")?;
        ensure!(growth.is_flat(queues_bytes()), "memory grows: {growth:?}");
        let most = self.resident.most();
        ensure!(most < MEMORY_BYTES, "{most} bytes of memory are more than {MEMORY_BYTES}");
        Ok(())
    }

    /// The outcome as text.
    #[must_use]
    pub fn text(&self) -> String {
        let growth = self.resident.growth().unwrap_or(Growth { before: 0, after: 0, most: 0 });
        let mib = |bytes: u64| bytes >> 20;
        let mut text = format!(
            "soak: {}/s asked, {:.0}/s raised; {} raised, {} acknowledged, {} arrived, {} repeated\n\
             resident memory: {} MiB at least in the first half, {} MiB in the second; {} MiB at most\n",
            self.asked_per_s,
            self.raised_per_s,
            self.ledger.raised,
            self.ledger.acknowledged,
            self.ids.arrived,
            self.ids.repeated,
            mib(growth.before),
            mib(growth.after),
            mib(growth.most),
        );
        let mut latencies = Percentiles::new("latencies", "ns");
        self.latencies.iter().cloned().for_each(|row| latencies.add(row));
        text += &latencies.table();
        text
    }
}

/// The ledger of the sensor that has ended last on the spool in `directory`.
fn closed_ledger(directory: &Path) -> anyhow::Result<ClosedBoot> {
    let text = std::fs::read_to_string(directory.join("ledgers.jsonl"))?;
    let last = text.lines().last().context("no ledger was closed")?;
    Ok(serde_json::from_str(last)?)
}

/// Bytes that wait in the control plane's queues when it gets too little CPU time, at most.
fn queues_bytes() -> u64 {
    let (nats, spool) = (NatsConfig::default(), SpoolConfig::default());
    (nats.queue_bytes_max * usize::from(nats.lanes) + spool.queue_bytes_max) as u64
}

/// Watches for `length`.
fn load(sensor: &Sensor, consumer: &Consumer, length: Duration) -> anyhow::Result<Resident> {
    let (begun, mut resident, mut said) = (Instant::now(), Resident::default(), Instant::now());
    while begun.elapsed() < length {
        std::thread::sleep(SAMPLE.min(length.saturating_sub(begun.elapsed())));
        resident.sample()?;
        if said.elapsed() >= REPORT {
            said = Instant::now();
            let alerts = sensor.snapshot().ledgers.alerts;
            eprintln!(
                "{:>5} s: {} raised, {} acknowledged, {} arrived, {} MiB",
                begun.elapsed().as_secs(),
                alerts.raised,
                alerts.acknowledged,
                consumer.arrived(),
                resident.latest() >> 20,
            );
        }
    }
    Ok(resident)
}

#[cfg(test)]
mod tests;
