//! The shape of `/api/v1/stats`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use contract::{
    AlertDrop, AlertLedger, LatencyHistogram, LatencySnapshot, PacketDrop, PacketLedger,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::nats::Durability;
use crate::spool::SpoolView;
use crate::tally::Loss;

/// Everything, at one moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Snapshot {
    /// Version of the sensor.
    pub version: String,
    /// Site of the sensor.
    pub site: String,
    /// Name of the sensor.
    pub sensor: String,
    /// Start of the process, unique for each start.
    pub boot: String,
    /// Seconds since the start.
    pub uptime_s: f64,
    /// The two sums that must hold.
    pub ledgers: LedgersView,
    /// The workers, by index.
    pub workers: Vec<WorkerView>,
    /// Candidate rules per inspected packet: tells whether the prefilters work.
    pub candidates_per_packet: f64,
    /// From one poll of a source to the next, over all workers, ns.
    pub poll_gap_ns: LatencyView,
    /// A burst's service divided by its packets, over all workers, ns.
    pub service_ns: LatencyView,
    /// Where the time of an alert goes.
    pub latency: LatenciesView,
    /// Alerts lost by signature and cause, the most first; at most 100.
    pub losses: Vec<LossView>,
    /// The stages of a packet, over all workers, by name; of the packets that are timed, ns.
    pub stages_ns: BTreeMap<&'static str, LatencyView>,
    /// Detection of a packet: from decoded to its alerts in the ring, of the packets that are timed, ns.
    pub detection_ns: LatencyView,
    /// Publishing; absent where alerts are not published.
    pub nats: Option<NatsView>,
    /// The EVE output; absent where there is none.
    pub eve: Option<EveView>,
    /// What waits for NATS on disk.
    pub spool: SpoolView,
    /// The rules in use.
    pub rules: RulesView,
    /// The ports.
    pub ports: Vec<PortView>,
}

/// The two sums that must hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LedgersView {
    /// `rx = inspected + drops + in_flight`.
    pub packets: PacketLedgerView,
    /// `raised = acknowledged + sent + written + spooled + drops + in_flight`.
    pub alerts: AlertLedgerView,
}

/// Where every packet ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PacketLedgerView {
    /// Packets received.
    pub rx: u64,
    /// Packets inspected.
    pub inspected: u64,
    /// Packets that ended without inspection, by cause.
    pub drops: BTreeMap<&'static str, u64>,
    /// Packets on their way between workers.
    pub in_flight: u64,
    /// Whether the sum holds. Under load, counters are read while they move; at rest it always holds.
    pub balanced: bool,
    /// What the sum is short of (positive) or has too much (negative).
    pub imbalance: i64,
}

impl From<&PacketLedger> for PacketLedgerView {
    fn from(ledger: &PacketLedger) -> Self {
        let imbalance = ledger.imbalance();
        Self {
            rx: ledger.rx,
            inspected: ledger.inspected,
            drops: PacketDrop::ALL.iter().map(|c| (c.name(), ledger.drops[*c as usize])).collect(),
            in_flight: ledger.in_flight,
            balanced: imbalance == 0,
            imbalance: clamp(imbalance),
        }
    }
}

/// Where every alert ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertLedgerView {
    /// Alerts raised by workers.
    pub raised: u64,
    /// Alerts in messages that JetStream acknowledged.
    pub acknowledged: u64,
    /// Alerts taken by core NATS.
    pub sent: u64,
    /// Alerts written to the output that is their only destination.
    pub written: u64,
    /// Alerts that wait in the spool.
    pub spooled: u64,
    /// Alerts lost, by cause.
    pub drops: BTreeMap<&'static str, u64>,
    /// Alerts on their way: in a worker's ring or in the control plane.
    pub in_flight: u64,
    /// Whether the sum holds. Under load, counters are read while they move; at rest it always holds.
    pub balanced: bool,
    /// What the sum is short of (positive) or has too much (negative).
    pub imbalance: i64,
}

impl From<&AlertLedger> for AlertLedgerView {
    fn from(ledger: &AlertLedger) -> Self {
        let imbalance = ledger.imbalance();
        Self {
            raised: ledger.raised,
            acknowledged: ledger.acknowledged,
            sent: ledger.sent,
            written: ledger.written,
            spooled: ledger.spooled,
            drops: AlertDrop::ALL.iter().map(|c| (c.name(), ledger.drops[*c as usize])).collect(),
            in_flight: ledger.in_flight,
            balanced: imbalance == 0,
            imbalance: clamp(imbalance),
        }
    }
}

fn clamp(imbalance: i128) -> i64 {
    i64::try_from(imbalance).unwrap_or(if imbalance < 0 { i64::MIN } else { i64::MAX })
}

/// Percentiles of a latency, each known to 1/16, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LatencyView {
    /// Values.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest value.
    pub max: u64,
}

impl LatencyView {
    /// What `histogram` holds.
    pub(crate) fn of(histogram: &LatencyHistogram) -> Self {
        let mut snapshot = LatencySnapshot::default();
        histogram.add_to(&mut snapshot);
        Self::from(&snapshot)
    }
}

impl From<&LatencySnapshot> for LatencyView {
    fn from(snapshot: &LatencySnapshot) -> Self {
        Self {
            count: snapshot.count(),
            p50: snapshot.quantile(0.5),
            p90: snapshot.quantile(0.9),
            p95: snapshot.quantile(0.95),
            p99: snapshot.quantile(0.99),
            p999: snapshot.quantile(0.999),
            max: snapshot.max,
        }
    }
}

/// Where the time of an alert goes, stage by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LatenciesView {
    /// A burst's service divided by its packets, ns.
    pub detection_packet_ns: LatencyView,
    /// From the packet's reception until its alert was raised, ns.
    pub detection_alert_ns: LatencyView,
    /// From then until the alert was read from the worker's ring, ns.
    pub queueing_ns: LatencyView,
    /// From then until its batch was closed, ns.
    pub batching_ns: LatencyView,
    /// To hand a message to the connection, ns; a value for each message.
    pub publish_enqueue_ns: LatencyView,
    /// Until JetStream acknowledged it, ns; a value for each message.
    pub publish_ack_ns: LatencyView,
    /// From the packet's reception until JetStream acknowledged its alert, ns; alerts that were sent again
    /// from the spool are not in it.
    pub end_to_end_ns: LatencyView,
}

/// Alerts of one signature that were lost by one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LossView {
    /// `gid:sid`; `unknown` for alerts whose signature is not known, or that are of more signatures than are
    /// told apart.
    pub signature: String,
    /// Generator identifier; 0 where it is not known.
    pub gid: u32,
    /// Signature identifier; 0 where it is not known.
    pub sid: u32,
    /// The cause, as in the ledger.
    pub cause: &'static str,
    /// Alerts.
    pub count: u64,
}

/// Signatures and causes that are listed as losses.
const LOSSES_MAX: usize = 100;

impl LossView {
    /// The largest of `losses`, the most first.
    pub(crate) fn most(mut losses: Vec<Loss>) -> Vec<Self> {
        losses.sort_by_key(|loss| Reverse(loss.count));
        losses.into_iter().take(LOSSES_MAX).map(Self::from).collect()
    }
}

impl From<Loss> for LossView {
    fn from(loss: Loss) -> Self {
        Self {
            signature: loss.signature(),
            gid: loss.gid,
            sid: loss.sid,
            cause: loss.cause.name(),
            count: loss.count,
        }
    }
}

/// One worker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerView {
    /// Its index.
    pub index: u16,
    /// Generation that it uses.
    pub generation: u32,
    /// Severities of which it gives up alerts now, because its ring is nearly full: 0 none, 1: 4 and lower,
    /// 2: 3 as well, 3: 2 as well.
    pub shedding: u32,
    /// Flows in its table.
    pub flows: u64,
    /// Whether there are so many that emergency time-outs apply.
    pub flow_emergency: bool,
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes of these.
    pub rx_bytes: u64,
    /// Packets inspected.
    pub inspected: u64,
    /// Packets that ended without inspection, by cause.
    pub drops: BTreeMap<&'static str, u64>,
    /// Alerts lost before the drain, by cause.
    pub alert_drops: BTreeMap<&'static str, u64>,
    /// Packets by what was unusual about them: decoder and stream events that were seen, by name.
    pub events: BTreeMap<&'static str, u64>,
    /// The other counters, by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// Seconds since the worker was last seen to poll.
    pub silent_s: f64,
    /// From one poll of a source to the next, ns.
    pub poll_gap_ns: LatencyView,
    /// A burst's service divided by its packets, ns.
    pub service_ns: LatencyView,
}

/// Publishing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NatsView {
    /// Whether every lane can publish.
    pub ready: bool,
    /// Times that a link was lost.
    pub disconnects: u64,
    /// Messages published.
    pub messages: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Messages that JetStream already had.
    pub duplicates: u64,
    /// From handing a message over until the client has written it to the socket, ns.
    pub publish_enqueue_ns: LatencyView,
    /// Until JetStream acknowledged it, ns.
    pub publish_ack_ns: LatencyView,
    /// How the stream differs from `[nats.stream]`, a sentence for each setting.
    pub stream_differences: Vec<String>,
    /// How durable what JetStream acknowledges is; absent without `nats.monitor_url`.
    pub durability: Option<Durability>,
    /// The lanes, by index.
    pub lanes: Vec<NatsLaneView>,
}

/// A lane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NatsLaneView {
    /// `connecting`, `down`, `preparing`, `ready`, `failing` or `refused`.
    pub state: &'static str,
    /// Why it is not ready; empty where it is.
    pub reason: String,
    /// Messages published.
    pub messages: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Alerts in these.
    pub alerts: u64,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Messages that wait for their acknowledgement.
    pub in_flight: u64,
    /// Messages that JetStream has acknowledged.
    pub acknowledged: u64,
    /// Messages that JetStream already had.
    pub duplicates: u64,
    /// Batches that went back to the spool, or were lost, by cause.
    pub undelivered: BTreeMap<&'static str, u64>,
}

/// The EVE output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EveView {
    /// Alerts that reached it.
    pub written: u64,
    /// Alerts that found its queue full.
    pub queue_full: u64,
    /// Alerts lost because it could not be written.
    pub failed: u64,
    /// Whether the last write failed.
    pub failing: bool,
}

/// The rules in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulesView {
    /// The active generation.
    pub generation: u32,
    /// Its rules.
    pub loaded: usize,
    /// Rules of its text that were refused.
    pub refused: usize,
    /// Generations that are not freed yet, the active one included.
    pub live: Vec<u32>,
    /// Workers that have not confirmed the active one.
    pub unconfirmed: Vec<u16>,
}

/// A port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PortView {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Whether the link is up.
    pub link_up: bool,
    /// Packets that the port received.
    pub rx_packets: u64,
    /// Bytes of these.
    pub rx_bytes: u64,
    /// Packets that the NIC dropped because no descriptor was free.
    pub rx_missed: u64,
    /// Packets that the NIC found damaged.
    pub rx_errors: u64,
    /// Packets lost because no mbuf was free.
    pub rx_no_mbuf: u64,
    /// The driver's own counters.
    pub extended: BTreeMap<String, u64>,
}
