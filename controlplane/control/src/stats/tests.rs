//! The two renderings of a snapshot.

mod metrics;

use std::collections::BTreeMap;

use contract::{AlertDrop, AlertLedger, LatencyHistogram, LatencySnapshot, PacketLedger};

use super::model::{
    LatenciesView, LatencyView, LedgersView, LossView, NatsLaneView, NatsView, PortView, RulesView,
    Snapshot, WorkerView,
};
use super::prometheus;
use crate::tally::Loss;

fn latency() -> LatencyView {
    let histogram = LatencyHistogram::default();
    (1..=10).for_each(|value| histogram.record(value));
    let mut snapshot = LatencySnapshot::default();
    histogram.add_to(&mut snapshot);
    LatencyView::from(&snapshot)
}

fn nats() -> NatsView {
    let lane = NatsLaneView {
        state: "failing",
        reason: "maximum bytes exceeded".into(),
        messages: 9,
        bytes: 900,
        alerts: 90,
        reconnects: 2,
        in_flight: 1,
        acknowledged: 5,
        duplicates: 1,
        undelivered: BTreeMap::from([("not_stored", 3)]),
    };
    NatsView {
        ready: false,
        disconnects: 2,
        messages: 9,
        bytes: 900,
        duplicates: 1,
        publish_enqueue_ns: latency(),
        publish_ack_ns: latency(),
        stream_differences: Vec::new(),
        durability: None,
        lanes: vec![lane],
    }
}

fn snapshot() -> Snapshot {
    let mut packets = PacketLedger { rx: 10, inspected: 8, ..PacketLedger::default() };
    packets.drops[0] = 2;
    let alerts = AlertLedger { raised: 5, acknowledged: 4, ..AlertLedger::default() };
    Snapshot {
        version: "1.2.3".into(),
        site: "lab".into(),
        sensor: "s\"1".into(),
        boot: "b".into(),
        uptime_s: 1.5,
        ledgers: LedgersView { packets: (&packets).into(), alerts: (&alerts).into() },
        workers: vec![WorkerView {
            index: 0,
            generation: 3,
            shedding: 1,
            flows: 12,
            flow_emergency: true,
            rx_packets: 10,
            rx_bytes: 640,
            inspected: 8,
            drops: BTreeMap::new(),
            alert_drops: BTreeMap::new(),
            events: BTreeMap::from([("decoder.udp.hlen_invalid", 4)]),
            counters: BTreeMap::from([("alerts_raised", 5)]),
            silent_s: 0.0,
            poll_gap_ns: latency(),
            service_ns: latency(),
        }],
        candidates_per_packet: 0.5,
        poll_gap_ns: latency(),
        service_ns: latency(),
        latency: LatenciesView { end_to_end_ns: latency(), ..LatenciesView::default() },
        losses: LossView::most(vec![
            Loss { gid: 1, sid: 7, cause: AlertDrop::LaneFull, count: 3 },
            Loss { gid: 0, sid: 0, cause: AlertDrop::SpoolCorrupt, count: 4 },
        ]),
        stages_ns: BTreeMap::from([("detect", latency())]),
        detection_ns: latency(),
        nats: Some(nats()),
        eve: None,
        spool: crate::spool::SpoolView::off(),
        rules: RulesView {
            generation: 3,
            loaded: 2,
            refused: 1,
            live: vec![3],
            unconfirmed: vec![],
        },
        ports: vec![PortView { name: "port0".into(), rx_packets: 11, ..PortView::default() }],
    }
}

#[test]
fn ledgers_have_exactly_their_keys() {
    let json = serde_json::to_value(snapshot()).unwrap();
    let keys = |ledger: &str| {
        let object = json["ledgers"][ledger].as_object().unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys("packets"), ["balanced", "drops", "imbalance", "in_flight", "inspected", "rx"]);
    assert_eq!(
        keys("alerts"),
        [
            "acknowledged",
            "balanced",
            "drops",
            "imbalance",
            "in_flight",
            "raised",
            "sent",
            "spooled",
            "written"
        ]
    );
    assert_eq!(json["ledgers"]["packets"]["balanced"], true);
    assert_eq!(json["ledgers"]["alerts"]["balanced"], false);
    assert_eq!(json["ledgers"]["alerts"]["imbalance"], 1);
    assert_eq!(json["ledgers"]["packets"]["drops"]["not_ip"], 2);
    assert_eq!(json["poll_gap_ns"]["p95"], 10);
}

#[test]
fn the_metrics_page_is_well_formed() {
    let page = prometheus(&snapshot());
    for wanted in [
        "sensor_info{version=\"1.2.3\",site=\"lab\",sensor=\"s\\\"1\",boot=\"b\"} 1",
        "sensor_packets_dropped_total{cause=\"not_ip\"} 2",
        "sensor_ledger_imbalance{ledger=\"alerts\"} 1",
        "sensor_worker_events_total{worker=\"0\",event=\"alerts_raised\"} 5",
        "sensor_packet_events_total{worker=\"0\",event=\"decoder.udp.hlen_invalid\"} 4",
        "sensor_poll_gap_seconds{worker=\"0\",quantile=\"0.5\"} 0.000000005",
        "sensor_poll_gap_seconds_count{worker=\"0\"} 10",
        "sensor_alert_end_to_end_seconds{quantile=\"0.95\"} 0.00000001",
        "sensor_alert_queueing_seconds_count 0",
        "sensor_worker_flows{worker=\"0\"} 12",
        "sensor_worker_flow_emergency{worker=\"0\"} 1",
        "sensor_signature_alerts_lost_total{signature=\"1:7\",gid=\"1\",sid=\"7\",cause=\"lane_full\"} 3",
        "sensor_signature_alerts_lost_total{signature=\"unknown\",gid=\"0\",sid=\"0\",cause=\"spool_corrupt\"} 4",
        "sensor_nats_duplicates_total 1",
        "sensor_nats_lane_ready{lane=\"0\"} 0",
        "sensor_nats_lane_acknowledged_total{lane=\"0\"} 5",
        "sensor_nats_lane_reconnects_total{lane=\"0\"} 2",
        "sensor_nats_lane_undelivered_total{lane=\"0\",cause=\"not_stored\"} 3",
        "sensor_port_packets_total{port=\"port0\"} 11",
        "suricata_detect_alerts_total{thread=\"W#00\"} 5",
    ] {
        assert!(page.lines().any(|line| line == wanted), "{wanted}\n{page}");
    }
    let mut families = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, _) = rest.split_once(' ').unwrap();
            assert!(!families.contains(&name), "{name} is there twice");
            families.push(name);
        } else if !line.starts_with('#') {
            let family = families.last().unwrap();
            assert!(line.starts_with(family), "{line} is not of {family}");
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
