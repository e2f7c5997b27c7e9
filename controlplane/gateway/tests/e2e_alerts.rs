//! Packets in at a DPDK port, alerts out on JetStream and in the EVE file: exactly those that are due.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::Path;

use contract::FiveTuple;
use serde_json::Value;
use support::nats::{self, assert_no_gaps};
use support::scene::{Alert, RULES, Scene, file_device};
use support::sensor::{Setup, alerts, packets};
use testkit::NatsServer;
use testkit::ledgers::assert_stats_balanced;

/// Runs the sensor over capture files, one for each queue, and checks what comes out.
fn check(name: &str, scene: &Scene, queues: &[Vec<Vec<u8>>]) {
    let Some(nats) = NatsServer::started() else { return };
    let setup = Setup::new(name, RULES)
        .device(|scratch| file_device(scratch, queues))
        .workers(queues.len() as u16)
        .nats(&nats)
        .with_eve();
    let sensor = setup.start();
    let stats = sensor.at_rest(scene.frames.len() as u64);
    assert_stats_balanced(&stats);
    let due = scene.alerts.len() as u64;
    assert_eq!((alerts(&stats, "raised"), alerts(&stats, "acknowledged")), (due, due));
    let drops = &stats["ledgers"]["packets"]["drops"];
    assert_eq!((&drops["not_ip"], &drops["malformed"]), (&1.into(), &1.into()), "{drops}");
    assert_eq!(packets(&stats, "inspected"), scene.frames.len() as u64 - 2);
    assert_eq!(stats["ports"][0]["rx_packets"], scene.frames.len());
    let handed: u64 = worker_counts(&stats, "handover_sent").sum();
    assert_eq!(handed > 0, queues.len() > 1, "{handed} packets were handed over");

    let received = nats::alerts(&nats);
    assert_no_gaps(&received);
    let severity = |sid: u32| sid.min(3);
    for one in &received {
        let subject = format!("sensor.local.sensor.alert.{}", severity(one.alert.sid));
        assert_eq!(one.subject, subject);
    }
    let mut got: Vec<_> = received.into_iter().map(|one| one.alert).collect();
    got.sort();
    assert_eq!(got, scene.alerts);
    sensor.stop_in_order();
    assert_eq!(eve_alerts(&setup.scratch.path("eve.json")), scene.alerts);
}

fn worker_counts<'s>(stats: &'s Value, name: &'s str) -> impl Iterator<Item = u64> + 's {
    let workers = stats["workers"].as_array().unwrap().iter();
    workers.map(move |worker| worker["counters"][name].as_u64().unwrap())
}

/// The alerts of an EVE file, sorted.
fn eve_alerts(path: &Path) -> Vec<Alert> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut alerts: Vec<_> = text.lines().map(eve_alert).collect();
    alerts.sort();
    alerts
}

fn eve_alert(line: &str) -> Alert {
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["event_type"], &line["in_iface"]), (&"alert".into(), &"net_pcap0".into()));
    let protocol = match line["proto"].as_str().unwrap() {
        "TCP" => 6,
        "UDP" => 17,
        "ICMP" => 1,
        other => panic!("{other}"),
    };
    let (source, destination) =
        if protocol == 1 { ("icmp_type", "icmp_code") } else { ("src_port", "dest_port") };
    let port = |name| u16::try_from(line[name].as_u64().unwrap()).unwrap();
    let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
    let digest = line["payload_sha256"].as_str().map(|hex| {
        let byte = |at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    });
    Alert {
        sid: u32::try_from(line["alert"]["signature_id"].as_u64().unwrap()).unwrap(),
        tuple: FiveTuple {
            source: address("src_ip"),
            destination: address("dest_ip"),
            source_port: port(source),
            destination_port: port(destination),
            protocol,
        },
        sha256: digest,
    }
}

#[test]
fn the_alerts_of_a_capture_arrive() {
    let scene = Scene::mixed();
    check("one", &scene, std::slice::from_ref(&scene.frames));
}

#[test]
fn two_queues_and_workers_give_the_same_alerts() {
    let scene = Scene::mixed();
    check("two", &scene, &scene.queues());
}
