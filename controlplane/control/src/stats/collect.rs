//! Reads the counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use contract::{
    AlertDrop, AlertLedger, Counter, FlowEnd, LatencyHistogram, LatencySnapshot, PacketDrop,
    PacketLedger, Stage, WorkerCounters,
};

use super::PortStats;
use super::model::{
    EveView, LatenciesView, LatencyView, LedgersView, LossView, NatsLaneView, NatsView, RulesView,
    Snapshot, WorkerView,
};
use crate::SensorIdentity;
use crate::batch::DrainLatency;
use crate::eve::EveCounters;
use crate::nats::{LaneStatus, NatsStatus, Undelivered};
use crate::spool::{SpoolControl, SpoolView};
use crate::store::RuleStore;
use crate::tally::Tally;
use crate::worker::DrainProgress;

/// Readings of a ledger before one that does not add up is shown as it is.
const READINGS_MAX: usize = 16;

/// A worker as the stats see it.
pub(crate) struct WorkerStats {
    pub(crate) index: u16,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) progress: Arc<DrainProgress>,
    pub(crate) seen: Mutex<Seen>,
}

/// When a worker was last seen to poll.
pub(crate) struct Seen {
    polls: u64,
    at: Instant,
}

impl WorkerStats {
    pub(crate) fn new(
        index: u16,
        counters: Arc<WorkerCounters>,
        progress: Arc<DrainProgress>,
    ) -> Self {
        let seen = Mutex::new(Seen { polls: 0, at: Instant::now() });
        Self { index, counters, progress, seen }
    }

    /// Notes whether the worker has polled since the last look; seconds since it was last seen to.
    pub(crate) fn silent_s(&self) -> f64 {
        let polls = self.counters.bursts.get() + self.counters.idle_polls.get();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if polls != seen.polls {
            *seen = Seen { polls, at: Instant::now() };
        }
        seen.at.elapsed().as_secs_f64()
    }
}

/// The packet ledger over all workers.
///
/// The counters are read one after another while workers write them, so that a reading that does not add
/// up is repeated some times; at rest the first one holds.
#[must_use]
pub fn packet_ledger<'a>(
    workers: impl Iterator<Item = &'a WorkerCounters> + Clone,
) -> PacketLedger {
    settled(move || PacketLedger::of(workers.clone()), PacketLedger::imbalance)
}

/// The alert ledger over all workers and the control plane; read like [`packet_ledger`].
#[must_use]
pub fn alert_ledger<'a>(
    workers: impl Iterator<Item = (&'a WorkerCounters, &'a DrainProgress)> + Clone,
    tally: &Tally,
) -> AlertLedger {
    let read = move || {
        let mut ledger = AlertLedger::default();
        for (counters, progress) in workers.clone() {
            ledger.raised += counters.raised.get();
            ledger.in_flight += progress.in_rings(counters);
            for (sum, count) in ledger.drops.iter_mut().zip(&counters.alert_drops) {
                *sum += count.get();
            }
        }
        ledger.in_flight += tally.in_flight();
        ledger.acknowledged = tally.acknowledged();
        ledger.sent = tally.sent();
        ledger.written = tally.written();
        ledger.spooled = tally.spooled();
        for cause in AlertDrop::ALL {
            ledger.drops[*cause as usize] += tally.dropped(*cause);
        }
        ledger
    };
    settled(read, AlertLedger::imbalance)
}

fn settled<T>(read: impl Fn() -> T, imbalance: impl Fn(&T) -> i128) -> T {
    let mut ledger = read();
    for _ in 1..READINGS_MAX {
        if imbalance(&ledger) == 0 {
            break;
        }
        std::thread::yield_now();
        ledger = read();
    }
    ledger
}

/// Everything that a snapshot is read from.
pub(crate) struct Collector {
    pub(crate) identity: SensorIdentity,
    pub(crate) version: String,
    pub(crate) started: Instant,
    pub(crate) workers: Vec<WorkerStats>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) latency: Arc<DrainLatency>,
    pub(crate) nats: Option<NatsStatus>,
    pub(crate) eve: Option<Arc<EveCounters>>,
    pub(crate) spool: Option<SpoolControl>,
    pub(crate) store: Arc<RuleStore>,
    pub(crate) ports: Arc<dyn PortStats>,
}

impl Collector {
    /// Both ledgers.
    pub(crate) fn ledgers(&self) -> (PacketLedger, AlertLedger) {
        let packets = packet_ledger(self.workers.iter().map(|worker| &*worker.counters));
        let pairs = self.workers.iter().map(|worker| (&*worker.counters, &*worker.progress));
        (packets, alert_ledger(pairs, &self.tally))
    }

    /// Reads everything.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (packets, alerts) = self.ledgers();
        let (mut poll_gap, mut service) = <(LatencySnapshot, LatencySnapshot)>::default();
        for worker in &self.workers {
            worker.counters.poll_gap_ns.add_to(&mut poll_gap);
            worker.counters.service_ns.add_to(&mut service);
        }
        let sum = |read: fn(&WorkerCounters) -> &Counter| {
            self.workers.iter().map(|worker| read(&worker.counters).get()).sum::<u64>()
        };
        let service = LatencyView::from(&service);
        let nats = self.nats.as_ref().map(nats_view);
        let inspected = sum(|counters| &counters.inspected);
        let candidates = sum(|counters| &counters.candidates);
        Snapshot {
            version: self.version.clone(),
            site: self.identity.site.clone(),
            sensor: self.identity.sensor.clone(),
            boot: self.identity.boot.clone(),
            uptime_s: self.started.elapsed().as_secs_f64(),
            ledgers: LedgersView { packets: (&packets).into(), alerts: (&alerts).into() },
            workers: self.workers.iter().map(worker_view).collect(),
            candidates_per_packet: candidates as f64 / (inspected.max(1) as f64),
            poll_gap_ns: LatencyView::from(&poll_gap),
            service_ns: service,
            latency: self.latencies(nats.as_ref()),
            losses: self.losses(),
            stages_ns: Stage::ALL.iter().map(|stage| (stage.name(), self.stage(*stage))).collect(),
            detection_ns: self.latency_of(|counters| &counters.detection_ns),
            nats,
            eve: self.eve.as_deref().map(eve_view),
            spool: self.spool_view(),
            rules: self.rules_view(),
            ports: self.ports.ports(),
        }
    }

    /// The spool, or that there is none.
    pub(crate) fn spool_view(&self) -> SpoolView {
        self.spool.as_ref().map_or_else(SpoolView::off, SpoolControl::view)
    }

    fn latencies(&self, nats: Option<&NatsView>) -> LatenciesView {
        let mut end_to_end = LatencySnapshot::default();
        for lane in self.nats.iter().flat_map(|status| &status.lanes) {
            lane.counters.end_to_end_ns.add_to(&mut end_to_end);
        }
        LatenciesView {
            detection_packet_ns: self.latency_of(|counters| &counters.detection_ns),
            detection_alert_ns: LatencyView::of(&self.latency.detection),
            queueing_ns: LatencyView::of(&self.latency.queueing),
            batching_ns: LatencyView::of(&self.latency.batching),
            publish_enqueue_ns: nats.map(|nats| nats.publish_enqueue_ns).unwrap_or_default(),
            publish_ack_ns: nats.map(|nats| nats.publish_ack_ns).unwrap_or_default(),
            end_to_end_ns: LatencyView::from(&end_to_end),
        }
    }

    /// Alerts lost by the workers and in the control plane, by signature and cause, the most first.
    fn losses(&self) -> Vec<LossView> {
        LossView::most([self.store.losses(), self.tally.losses()].concat())
    }

    fn stage(&self, stage: Stage) -> LatencyView {
        self.latency_of(|counters| &counters.stage_ns[stage as usize])
    }

    /// A latency over all workers.
    fn latency_of(&self, histogram: impl Fn(&WorkerCounters) -> &LatencyHistogram) -> LatencyView {
        let mut sum = LatencySnapshot::default();
        for worker in &self.workers {
            histogram(&worker.counters).add_to(&mut sum);
        }
        LatencyView::from(&sum)
    }

    fn rules_view(&self) -> RulesView {
        let info = self.store.info();
        RulesView {
            generation: info.number,
            loaded: info.counts.loaded,
            refused: info.counts.refused,
            live: self.store.live(),
            unconfirmed: self.store.unconfirmed(),
        }
    }
}

fn worker_view(worker: &WorkerStats) -> WorkerView {
    let counters = &*worker.counters;
    let drops = PacketDrop::ALL.iter().map(|c| (c.name(), counters.drops[*c as usize].get()));
    let lost = AlertDrop::ALL.iter().map(|c| (c.name(), counters.alert_drops[*c as usize].get()));
    let ends = FlowEnd::ALL.iter().map(|end| (end.name(), counters.flow_ends[*end as usize].get()));
    WorkerView {
        index: worker.index,
        generation: counters.generation.load(Ordering::Relaxed),
        shedding: counters.shedding.load(Ordering::Relaxed),
        flows: counters.flows.get(),
        flow_emergency: counters.flow_emergency.load(Ordering::Relaxed) != 0,
        rx_packets: counters.rx_packets.get(),
        rx_bytes: counters.rx_bytes.get(),
        inspected: counters.inspected.get(),
        drops: drops.collect(),
        alert_drops: lost.collect(),
        events: counters.events.iter().map(|(event, count)| (event.name(), count)).collect(),
        counters: other_counters(worker)
            .into_iter()
            .chain(ends)
            .chain(counters.streams.named())
            .collect(),
        silent_s: worker.silent_s(),
        poll_gap_ns: LatencyView::of(&counters.poll_gap_ns),
        service_ns: LatencyView::of(&counters.service_ns),
    }
}

/// The counters that have no field of their own, by the name that they have everywhere.
fn other_counters(worker: &WorkerStats) -> [(&'static str, u64); 32] {
    let (counters, progress) = (&*worker.counters, &*worker.progress);
    [
        ("bypassed", &counters.bypassed),
        ("handover_sent", &counters.handover_sent),
        ("handover_received", &counters.handover_received),
        ("linearised", &counters.linearised),
        ("inner_packets", &counters.inner_packets),
        ("inner_malformed", &counters.inner_malformed),
        ("fragments", &counters.fragments),
        ("reassembled", &counters.reassembled),
        ("reassembly_timeouts", &counters.reassembly_timeouts),
        ("reassembly_evicted", &counters.reassembly_evicted),
        ("reassembly_refused", &counters.reassembly_refused),
        ("reassembly_overlaps", &counters.reassembly_overlaps),
        ("reassembly_no_buffer", &counters.reassembly_no_buffer),
        ("reassembled_malformed", &counters.reassembled_malformed),
        ("reassembled_lost", &counters.reassembled_lost),
        ("bytes_delivered", &counters.bytes_delivered),
        ("bytes_scanned", &counters.bytes_scanned),
        ("candidates", &counters.candidates),
        ("match_limit", &counters.match_limit),
        ("alerts_raised", &counters.raised),
        ("alert_limit", &counters.alert_limit),
        ("records_cut", &counters.records_cut),
        ("digest_hits", &counters.digest_hits),
        ("digest_misses", &counters.digest_misses),
        ("flows_created", &counters.flows_created),
        ("flows_emergency", &counters.flows_emergency),
        ("bursts", &counters.bursts),
        ("idle_polls", &counters.idle_polls),
        ("panics", &counters.panics),
        ("alerts_drained", &progress.drained),
        ("bad_slots", &progress.bad_slots),
        ("sequence_gaps", &progress.sequence_gaps),
    ]
    .map(|(name, counter)| (name, counter.get()))
}

fn nats_view(status: &NatsStatus) -> NatsView {
    let (mut enqueue, mut ack) = <(LatencySnapshot, LatencySnapshot)>::default();
    for lane in &status.lanes {
        lane.counters.publish_enqueue_ns.add_to(&mut enqueue);
        lane.counters.publish_ack_ns.add_to(&mut ack);
    }
    let lanes: Vec<_> = status.lanes.iter().map(|lane| lane_view(lane)).collect();
    let sum = |read: fn(&NatsLaneView) -> u64| lanes.iter().map(read).sum();
    NatsView {
        ready: status.health.is_ready(),
        disconnects: status.health.disconnects.load(Ordering::Relaxed),
        messages: sum(|lane| lane.messages),
        bytes: sum(|lane| lane.bytes),
        duplicates: sum(|lane| lane.duplicates),
        publish_enqueue_ns: LatencyView::from(&enqueue),
        publish_ack_ns: LatencyView::from(&ack),
        stream_differences: status.differences(),
        durability: status.durability(),
        lanes,
    }
}

fn lane_view(lane: &LaneStatus) -> NatsLaneView {
    let counters = &lane.counters;
    let undelivered = Undelivered::ALL.map(|c| (c.name(), counters.undelivered[c as usize].get()));
    NatsLaneView {
        state: lane.link.state().name(),
        reason: lane.link.reason(),
        messages: counters.messages.get(),
        bytes: counters.bytes.get(),
        alerts: counters.alerts.get(),
        reconnects: lane.link.reconnects(),
        in_flight: counters.in_flight(),
        acknowledged: counters.acknowledged.get(),
        duplicates: counters.duplicates.get(),
        undelivered: undelivered.into_iter().collect(),
    }
}

fn eve_view(counters: &EveCounters) -> EveView {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    EveView {
        written: get(&counters.written),
        queue_full: get(&counters.queue_full),
        failed: get(&counters.failed),
        failing: counters.is_failing(),
    }
}
