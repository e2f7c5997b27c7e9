//! What the statistics say of delivery is on the metrics page, and the other way round; names are those that
//! Prometheus wants.

use serde_json::Value;

use super::*;
use crate::config::SpoolMode;
use crate::nats::Durability;
use crate::spool::{ClosedBoot, RecoveredView, SpoolView};
use crate::stats::EveView;

/// The family of text that is for people and has no number.
const TEXT: &str = "";

/// Where the statistics about delivery are on the page. `*` stands for an index or a name.
const PLACES: &[(&str, &str)] = &[
    ("nats.ready", "sensor_nats_ready"),
    ("nats.disconnects", "sensor_nats_disconnects_total"),
    ("nats.messages", "sensor_nats_messages_total"),
    ("nats.bytes", "sensor_nats_bytes_total"),
    ("nats.duplicates", "sensor_nats_duplicates_total"),
    ("nats.publish_enqueue_ns.*", "sensor_nats_publish_enqueue_seconds"),
    ("nats.publish_ack_ns.*", "sensor_nats_publish_ack_seconds"),
    ("nats.stream_differences.*", "sensor_nats_stream_differences"),
    ("nats.durability.replicas", "sensor_nats_stream_replicas"),
    ("nats.durability.sync", "sensor_nats_durability_info"),
    ("nats.durability.warnings.*", "sensor_nats_durability_warnings"),
    ("nats.lanes.*.state", "sensor_nats_lane_state"),
    ("nats.lanes.*.state", "sensor_nats_lane_ready"),
    ("nats.lanes.*.reason", TEXT),
    ("nats.lanes.*.messages", "sensor_nats_lane_messages_total"),
    ("nats.lanes.*.bytes", "sensor_nats_lane_bytes_total"),
    ("nats.lanes.*.alerts", "sensor_nats_lane_alerts_total"),
    ("nats.lanes.*.reconnects", "sensor_nats_lane_reconnects_total"),
    ("nats.lanes.*.in_flight", "sensor_nats_lane_in_flight"),
    ("nats.lanes.*.acknowledged", "sensor_nats_lane_acknowledged_total"),
    ("nats.lanes.*.duplicates", "sensor_nats_lane_duplicates_total"),
    ("nats.lanes.*.undelivered.*", "sensor_nats_lane_undelivered_total"),
    ("eve.written", "sensor_eve_alerts_total"),
    ("eve.queue_full", "sensor_eve_alerts_total"),
    ("eve.failed", "sensor_eve_alerts_total"),
    ("eve.failing", "sensor_eve_failing"),
    ("spool.state", "sensor_spool_state"),
    ("spool.reason", TEXT),
    ("spool.mode", "sensor_spool_info"),
    ("spool.segments", "sensor_spool_segments"),
    ("spool.bytes", "sensor_spool_bytes"),
    ("spool.bytes_max", "sensor_spool_limit_bytes"),
    ("spool.records_waiting", "sensor_spool_waiting_batches"),
    ("spool.alerts_spooled", "sensor_alerts_spooled"),
    ("spool.oldest_s", "sensor_spool_oldest_seconds"),
    ("spool.queued_bytes", "sensor_spool_queued_bytes"),
    ("spool.appended", "sensor_spool_appended_batches_total"),
    ("spool.appended_bytes", "sensor_spool_appended_bytes_total"),
    ("spool.replayed", "sensor_spool_replayed_batches_total"),
    ("spool.bypassed", "sensor_spool_bypassed_batches_total"),
    ("spool.bypassed_alerts", "sensor_spool_bypassed_alerts_total"),
    ("spool.write_errors", "sensor_spool_disk_errors_total"),
    ("spool.corrupt_records", "sensor_spool_corrupt_batches_total"),
    ("spool.corrupt_bytes", "sensor_spool_corrupt_bytes_total"),
    ("spool.torn_bytes", "sensor_spool_torn_bytes_total"),
    ("spool.recovered.found", "sensor_spool_recovered_found_alerts_total"),
    ("spool.recovered.acknowledged", "sensor_spool_recovered_delivered_alerts_total"),
    ("spool.recovered.sent", "sensor_spool_recovered_delivered_alerts_total"),
    ("spool.recovered.spooled", "sensor_spool_recovered_spooled_alerts"),
    ("spool.recovered.drops.*", "sensor_spool_recovered_dropped_alerts_total"),
    ("spool.recovered.losses.*.*", "sensor_spool_recovered_signature_alerts_lost_total"),
    ("spool.previous_boots.*.drops.*", "sensor_previous_boot_dropped_alerts"),
    ("spool.previous_boots.*.crashed", "sensor_previous_boot_crashed"),
    ("spool.previous_boots.*.closed_s", "sensor_previous_boot_closed_timestamp_seconds"),
    ("spool.previous_boots.*.*", "sensor_previous_boot_alerts"),
    ("ledgers.alerts.raised", "sensor_alerts_raised_total"),
    ("ledgers.alerts.acknowledged", "sensor_alerts_delivered_total"),
    ("ledgers.alerts.sent", "sensor_alerts_delivered_total"),
    ("ledgers.alerts.written", "sensor_alerts_delivered_total"),
    ("ledgers.alerts.spooled", "sensor_alerts_spooled"),
    ("ledgers.alerts.drops.*", "sensor_alerts_dropped_total"),
    ("ledgers.alerts.in_flight", "sensor_alerts_in_flight"),
    ("ledgers.alerts.imbalance", "sensor_ledger_imbalance"),
    ("ledgers.alerts.balanced", "sensor_ledger_imbalance"),
    ("latency.detection_packet_ns.*", "sensor_detection_seconds"),
    ("latency.detection_alert_ns.*", "sensor_alert_detection_seconds"),
    ("latency.queueing_ns.*", "sensor_alert_queueing_seconds"),
    ("latency.batching_ns.*", "sensor_alert_batching_seconds"),
    ("latency.publish_enqueue_ns.*", "sensor_nats_publish_enqueue_seconds"),
    ("latency.publish_ack_ns.*", "sensor_nats_publish_ack_seconds"),
    ("latency.end_to_end_ns.*", "sensor_alert_end_to_end_seconds"),
    ("losses.*.*", "sensor_signature_alerts_lost_total"),
];

/// Parts of the statistics that are about delivery.
const PARTS: [&str; 6] = ["nats", "eve", "spool", "ledgers.alerts", "latency", "losses"];

/// Starts of families that are about nothing else.
const PREFIXES: [&str; 6] = [
    "sensor_nats_",
    "sensor_eve_",
    "sensor_spool_",
    "sensor_previous_boot_",
    "sensor_alert",
    "sensor_signature_",
];

/// A snapshot in which every part is there, and every number is another.
fn full() -> Snapshot {
    let mut next = 1_000;
    let mut number = || {
        next += 1;
        next
    };
    let mut snapshot = snapshot();
    snapshot.spool = full_spool(&mut number);
    let (written, queue_full) = (number(), number());
    snapshot.eve = Some(EveView { written, queue_full, failed: number(), failing: true });
    let nats = snapshot.nats.as_mut().unwrap();
    nats.stream_differences = vec!["its name".into()];
    let warnings = vec!["one copy".to_owned(), "it syncs late".to_owned()];
    nats.durability = Some(Durability { replicas: Some(3), sync: "unknown".into(), warnings });
    snapshot.latency = LatenciesView {
        detection_packet_ns: latency(),
        detection_alert_ns: latency(),
        queueing_ns: latency(),
        batching_ns: latency(),
        publish_enqueue_ns: latency(),
        publish_ack_ns: latency(),
        end_to_end_ns: latency(),
    };
    snapshot
}

fn full_spool(number: &mut impl FnMut() -> u64) -> SpoolView {
    let lost = Loss { gid: 9, sid: 8, cause: AlertDrop::SpoolFull, count: number() };
    SpoolView {
        state: "failing",
        reason: Some("no storage space".into()),
        mode: Some(SpoolMode::OnFailure),
        segments: number(),
        bytes: number(),
        bytes_max: number(),
        records_waiting: number(),
        alerts_spooled: 0,
        oldest_s: Some(number()),
        queued_bytes: number(),
        appended: number(),
        appended_bytes: number(),
        replayed: number(),
        bypassed: number(),
        bypassed_alerts: number(),
        write_errors: number(),
        corrupt_records: number(),
        corrupt_bytes: number(),
        torn_bytes: number(),
        recovered: RecoveredView {
            found: number(),
            acknowledged: number(),
            sent: number(),
            spooled: number(),
            drops: BTreeMap::from([("spool_full", number())]),
            losses: LossView::most(vec![lost]),
        },
        previous_boots: vec![ClosedBoot {
            boot: "earlier".into(),
            crashed: true,
            closed_s: number(),
            raised: number(),
            acknowledged: number(),
            sent: number(),
            written: number(),
            spooled: number(),
            drops: BTreeMap::from([("ring_full".to_owned(), number())]),
            lost_at_crash: number(),
        }],
    }
}

/// Every plain value below `value`, by its path.
fn leaves(path: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    let below = |name: &str| format!("{path}.{name}");
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| leaves(&below(name), member, into));
        }
        Value::Array(members) => members
            .iter()
            .enumerate()
            .for_each(|(index, member)| leaves(&below(&index.to_string()), member, into)),
        plain => into.push((path.to_owned(), plain.clone())),
    }
}

/// Whether `path` is one that `pattern` stands for.
fn is_of(path: &str, pattern: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), path.split('.').collect());
    let same = |(wanted, part): (&&str, &&str)| *wanted == "*" || wanted == part;
    pattern.len() == path.len() && pattern.iter().zip(&path).all(same)
}

/// The samples of a family.
fn samples<'a>(page: &'a str, family: &str) -> Vec<&'a str> {
    let of = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap();
        name.strip_suffix("_count").unwrap_or(name) == family
    };
    page.lines().filter(of).collect()
}

/// Whether one of `samples` has `value`: as its value, as nanoseconds in seconds, or as the label of one that
/// is not 0.
fn shows(samples: &[&str], value: &Value) -> bool {
    let texts = match value {
        Value::Bool(is) => vec![u8::from(*is).to_string()],
        Value::Number(number) => {
            vec![number.to_string(), (number.as_f64().unwrap() / 1e9).to_string()]
        }
        Value::String(text) => vec![text.clone()],
        _ => return false,
    };
    samples.iter().any(|sample| {
        let label =
            |text: &String| sample.contains(&format!("=\"{text}\"")) && !sample.ends_with(" 0");
        texts.iter().any(|text| sample.ends_with(&format!(" {text}")) || label(text))
    })
}

#[test]
fn every_value_about_delivery_is_on_the_metrics_page() {
    let snapshot = full();
    let (json, page) = (serde_json::to_value(&snapshot).unwrap(), prometheus(&snapshot));
    for part in PARTS {
        let pointer = format!("/{}", part.replace('.', "/"));
        let mut values = Vec::new();
        leaves(part, json.pointer(&pointer).unwrap(), &mut values);
        assert!(!values.is_empty(), "{part}");
        for (path, value) in values {
            let place = PLACES.iter().find(|(pattern, _)| is_of(&path, pattern));
            let (_, family) = place.unwrap_or_else(|| panic!("{path} has no place on the page"));
            if *family == TEXT {
                assert!(value.is_string(), "{path} is a number");
                continue;
            }
            let samples = samples(&page, family);
            assert!(!samples.is_empty(), "{path}: no {family}");
            // Lists of sentences are counted; whether a sum holds follows from what it is short of.
            let counted = family.ends_with("_differences") || family.ends_with("_warnings");
            if !counted && !path.ends_with("balanced") {
                assert!(shows(&samples, &value), "{path}: {value} is not in {samples:?}");
            }
        }
    }
    for (family, count) in [("stream_differences", 1), ("durability_warnings", 2)] {
        let line = format!("sensor_nats_{family} {count}");
        assert!(page.lines().any(|l| l == line), "{line}");
    }
}

/// Name, type and help of each family on the page.
fn families(page: &str) -> Vec<(&str, &str, &str)> {
    let mut lines = page.lines();
    let mut families = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            let kind = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
            let (of, kind) = kind.split_once(' ').unwrap();
            assert_eq!(of, name);
            families.push((name, kind, help));
        }
    }
    families
}

#[test]
fn every_family_about_delivery_is_in_the_statistics_and_in_the_manual() {
    const MANUAL: &str = include_str!("../../../../../docs/operations.md");
    let page = prometheus(&full());
    for (name, _, _) in families(&page) {
        if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            assert!(PLACES.iter().any(|(_, family)| *family == name), "{name} is not in the stats");
            assert!(MANUAL.contains(&format!("`{name}`")), "docs/operations.md lacks {name}");
        }
    }
    for (_, family) in PLACES.iter().filter(|(_, family)| *family != TEXT) {
        assert!(families(&page).iter().any(|(name, ..)| name == family), "there is no {family}");
    }
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let page = prometheus(&full());
    for (name, kind, help) in families(&page) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(plain), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(help.ends_with('.') && help.len() > 5, "{name}: {help}");
        assert!(kind != "summary" || name.ends_with("_seconds"), "{name} has no unit");
        // Seconds and bytes only, at the end of the name.
        let parts: Vec<_> = name.trim_end_matches("_total").split('_').collect();
        for unit in ["ns", "us", "ms", "s", "kb", "mb", "kib", "mib", "percent"] {
            assert!(!parts.contains(&unit), "{name} is in {unit}");
        }
        for unit in ["seconds", "bytes"] {
            let at = parts.iter().position(|part| *part == unit);
            assert!(at.is_none_or(|at| at + 1 == parts.len()), "{name}: {unit} is no suffix");
        }
    }
}

#[test]
fn a_sensor_without_a_spool_says_so_and_no_more() {
    let page = prometheus(&snapshot());
    assert!(page.contains("sensor_spool_state{state=\"off\"} 1\n"));
    assert_eq!(page.matches("# HELP sensor_spool_").count(), 1);
    assert!(!page.contains("sensor_previous_boot_"));
}
