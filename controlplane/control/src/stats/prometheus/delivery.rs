//! Where alerts go: NATS and its lanes, the spool, the EVE output.

use std::fmt::Display;

use super::page::Page;
use crate::nats::LinkState;
use crate::spool::{ClosedBoot, RecoveredView, SpoolView};
use crate::stats::model::{EveView, LossView, NatsLaneView, NatsView, Snapshot};

/// Name, kind, help, and where the value is read.
type Family<V> = (&'static str, &'static str, &'static str, fn(&V) -> u64);

/// Numbers of all lanes together.
const NATS: [Family<NatsView>; 6] = [
    ("sensor_nats_ready", "gauge", "Whether every lane can publish.", |nats| nats.ready.into()),
    ("sensor_nats_disconnects_total", "counter", "Connections lost.", |nats| nats.disconnects),
    ("sensor_nats_messages_total", "counter", "Messages published.", |nats| nats.messages),
    ("sensor_nats_bytes_total", "counter", "Bytes of these messages.", |nats| nats.bytes),
    ("sensor_nats_duplicates_total", "counter", "Messages that JetStream already had.", |nats| {
        nats.duplicates
    }),
    (
        "sensor_nats_stream_differences",
        "gauge",
        "Settings in which the stream differs from the configuration.",
        |nats| nats.stream_differences.len() as u64,
    ),
];

/// Numbers of a lane.
const LANE: [Family<NatsLaneView>; 8] = [
    ("sensor_nats_lane_ready", "gauge", "Whether a lane can publish.", |lane| {
        (lane.state == LinkState::Ready.name()).into()
    }),
    ("sensor_nats_lane_in_flight", "gauge", "Messages not acknowledged yet.", |l| l.in_flight),
    ("sensor_nats_lane_messages_total", "counter", "Messages published.", |lane| lane.messages),
    ("sensor_nats_lane_bytes_total", "counter", "Bytes of these messages.", |lane| lane.bytes),
    ("sensor_nats_lane_alerts_total", "counter", "Alerts published.", |lane| lane.alerts),
    ("sensor_nats_lane_acknowledged_total", "counter", "Messages acknowledged.", |lane| {
        lane.acknowledged
    }),
    ("sensor_nats_lane_duplicates_total", "counter", "Messages that JetStream already had.", |l| {
        l.duplicates
    }),
    ("sensor_nats_lane_reconnects_total", "counter", "Connections after the first.", |lane| {
        lane.reconnects
    }),
];

/// Numbers of the spool.
const SPOOL: [Family<SpoolView>; 14] = [
    ("sensor_spool_segments", "gauge", "Files of records on disk.", |spool| spool.segments),
    ("sensor_spool_bytes", "gauge", "Bytes of these files.", |spool| spool.bytes),
    ("sensor_spool_limit_bytes", "gauge", "Bytes at which the oldest alerts are given up.", |s| {
        s.bytes_max
    }),
    ("sensor_spool_waiting_batches", "gauge", "Batches that wait to be sent again.", |spool| {
        spool.records_waiting
    }),
    ("sensor_spool_oldest_seconds", "gauge", "Age of the oldest batch not delivered.", |spool| {
        spool.oldest_s.unwrap_or(0)
    }),
    ("sensor_spool_queued_bytes", "gauge", "Bytes that wait for the disk.", |s| s.queued_bytes),
    ("sensor_spool_appended_batches_total", "counter", "Batches written.", |s| s.appended),
    ("sensor_spool_appended_bytes_total", "counter", "Bytes written.", |s| s.appended_bytes),
    ("sensor_spool_replayed_batches_total", "counter", "Batches read back and sent again.", |s| {
        s.replayed
    }),
    (
        "sensor_spool_bypassed_batches_total",
        "counter",
        "Batches sent without having been written.",
        |spool| spool.bypassed,
    ),
    ("sensor_spool_bypassed_alerts_total", "counter", "Alerts in these.", |s| s.bypassed_alerts),
    (
        "sensor_spool_disk_errors_total",
        "counter",
        "Times that a file could not be written, synced, read or removed.",
        |spool| spool.write_errors,
    ),
    ("sensor_spool_corrupt_batches_total", "counter", "Batches that were damaged.", |spool| {
        spool.corrupt_records
    }),
    ("sensor_spool_corrupt_bytes_total", "counter", "Bytes that were no record.", |spool| {
        spool.corrupt_bytes
    }),
];

/// Everything about them.
pub(super) fn delivery(page: &mut Page, snapshot: &Snapshot) {
    if let Some(nats) = &snapshot.nats {
        publishing(page, nats);
        lanes(page, &nats.lanes);
    }
    spool(page, &snapshot.spool);
    if let Some(eve) = &snapshot.eve {
        of_eve(page, eve);
    }
}

/// Losses by signature and cause.
pub(super) fn losses(page: &mut Page, name: &'static str, help: &str, losses: &[LossView]) {
    page.family(name, "counter", help);
    for LossView { signature, gid, sid, cause, count } in losses {
        let labels: [(&str, &dyn Display); 4] =
            [("signature", signature), ("gid", gid), ("sid", sid), ("cause", cause)];
        page.sample(&labels, count);
    }
}

fn publishing(page: &mut Page, nats: &NatsView) {
    for (name, kind, help, read) in NATS {
        page.one(name, kind, help, read(nats));
    }
    if let Some(durability) = &nats.durability {
        let help = "When the server syncs what it acknowledges; always 1.";
        page.family("sensor_nats_durability_info", "gauge", help);
        page.sample(&[("sync", &durability.sync)], 1);
        let help = "What makes the stream less durable than it could be.";
        let warnings = durability.warnings.len();
        page.one("sensor_nats_durability_warnings", "gauge", help, warnings);
        if let Some(replicas) = durability.replicas {
            page.one("sensor_nats_stream_replicas", "gauge", "Copies of the stream.", replicas);
        }
    }
    page.family("sensor_nats_publish_enqueue_seconds", "summary", "To hand a message over.");
    page.latency(&[], &nats.publish_enqueue_ns);
    page.family("sensor_nats_publish_ack_seconds", "summary", "Until it was acknowledged.");
    page.latency(&[], &nats.publish_ack_ns);
}

fn lanes(page: &mut Page, lanes: &[NatsLaneView]) {
    for (name, kind, help, read) in LANE {
        page.family(name, kind, help);
        for (index, lane) in lanes.iter().enumerate() {
            page.sample(&[("lane", &index)], read(lane));
        }
    }
    page.family("sensor_nats_lane_state", "gauge", "1 for the state that a lane is in.");
    for (index, lane) in lanes.iter().enumerate() {
        for state in LinkState::ALL.map(LinkState::name) {
            let is_in = u8::from(lane.state == state);
            page.sample(&[("lane", &index), ("state", &state)], is_in);
        }
    }
    let help = "Batches that went back to the spool, or were lost, by cause.";
    page.family("sensor_nats_lane_undelivered_total", "counter", help);
    for (index, lane) in lanes.iter().enumerate() {
        for (cause, count) in &lane.undelivered {
            page.sample(&[("lane", &index), ("cause", cause)], count);
        }
    }
}

fn spool(page: &mut Page, spool: &SpoolView) {
    page.family("sensor_spool_state", "gauge", "1 for the state that the spool is in.");
    for state in SpoolView::STATES {
        page.sample(&[("state", &state)], u8::from(spool.state == state));
    }
    let Some(mode) = spool.mode else { return };
    page.family("sensor_spool_info", "gauge", "When a batch is written; always 1.");
    page.sample(&[("mode", &mode.name())], 1);
    for (name, kind, help, read) in SPOOL {
        page.one(name, kind, help, read(spool));
    }
    let help = "Bytes of unfinished records, cut off at the start.";
    page.one("sensor_spool_torn_bytes_total", "counter", help, spool.torn_bytes);
    recovered(page, &spool.recovered);
    previous_boots(page, &spool.previous_boots);
}

/// What earlier boots have left.
fn recovered(page: &mut Page, recovered: &RecoveredView) {
    let help = "Alerts of earlier starts that were found undelivered.";
    page.one("sensor_spool_recovered_found_alerts_total", "counter", help, recovered.found);
    let help = "Alerts of earlier starts that were delivered, by what that means.";
    page.family("sensor_spool_recovered_delivered_alerts_total", "counter", help);
    page.sample(&[("outcome", &"acknowledged")], recovered.acknowledged);
    page.sample(&[("outcome", &"sent")], recovered.sent);
    let help = "Alerts of earlier starts that wait.";
    page.one("sensor_spool_recovered_spooled_alerts", "gauge", help, recovered.spooled);
    let help = "Alerts of earlier starts that were lost, by cause.";
    page.family("sensor_spool_recovered_dropped_alerts_total", "counter", help);
    for (cause, count) in &recovered.drops {
        page.sample(&[("cause", cause)], count);
    }
    let name = "sensor_spool_recovered_signature_alerts_lost_total";
    let help = "The same, of the signatures that lost the most.";
    losses(page, name, help, &recovered.losses);
}

/// The closed ledgers of the last boots.
fn previous_boots(page: &mut Page, boots: &[ClosedBoot]) {
    let help = "Alerts of a start that has ended, by term of its ledger.";
    page.family("sensor_previous_boot_alerts", "gauge", help);
    for boot in boots {
        for (term, alerts) in [
            ("raised", boot.raised),
            ("acknowledged", boot.acknowledged),
            ("sent", boot.sent),
            ("written", boot.written),
            ("spooled", boot.spooled),
            ("lost_at_crash", boot.lost_at_crash),
        ] {
            page.sample(&[("boot", &boot.boot), ("term", &term)], alerts);
        }
    }
    let help = "Alerts that it had lost, by cause.";
    page.family("sensor_previous_boot_dropped_alerts", "gauge", help);
    for boot in boots {
        for (cause, alerts) in &boot.drops {
            page.sample(&[("boot", &boot.boot), ("cause", cause)], alerts);
        }
    }
    page.family("sensor_previous_boot_crashed", "gauge", "Whether it ended without notice.");
    for boot in boots {
        page.sample(&[("boot", &boot.boot)], u8::from(boot.crashed));
    }
    let help = "When its ledger was closed, since 1970.";
    page.family("sensor_previous_boot_closed_timestamp_seconds", "gauge", help);
    for boot in boots {
        page.sample(&[("boot", &boot.boot)], boot.closed_s);
    }
}

fn of_eve(page: &mut Page, eve: &EveView) {
    let help = "Alerts of the EVE output, by what became of them.";
    page.family("sensor_eve_alerts_total", "counter", help);
    page.sample(&[("outcome", &"written")], eve.written);
    page.sample(&[("outcome", &"queue_full")], eve.queue_full);
    page.sample(&[("outcome", &"failed")], eve.failed);
    let help = "Whether the last line could not be written.";
    page.one("sensor_eve_failing", "gauge", help, u8::from(eve.failing));
}
