//! Rules replaced under load: the new ones alert and the old ones stop, a set that cannot be used changes
//! nothing, and a worker that hangs keeps the old set alive.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::nats::{self, Received, assert_no_gaps};
#[cfg(feature = "test-hooks")]
use support::scene::endless_capture;
use support::scene::endless_device;
use support::sensor::Setup;
use testkit::NatsServer;

const OLD: &str = "alert udp any any -> any 514 (msg:\"old\"; content:\"OLD\"; sid:101;)\n";
const NEW: &str = "alert udp any any -> any 514 (msg:\"new\"; content:\"NEW\"; sid:102;)\n";
/// Two rules that are refused, and one that is not.
const BROKEN: &str = "\
alert udp any any -> any 514 (msg:\"fine\"; content:\"OLD\"; sid:103;)
alert udp any any -> any 514 (content:\"OLD\"; nonsense; sid:104;)
alert udp any any -> any 99999 (content:\"OLD\"; sid:105;)
";
/// Alerts that are waited for after each change.
const ALERTS: u64 = 30;

/// The pairs of generation and sid in what was received, and that a worker never went back.
fn generations(received: &[Received]) -> BTreeSet<(u32, u32)> {
    let mut ordered: Vec<_> =
        received.iter().map(|one| (one.worker, one.sequence, one.generation)).collect();
    ordered.sort_unstable();
    for pair in ordered.windows(2) {
        assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].2, "{pair:?}");
    }
    received.iter().map(|one| (one.generation, one.alert.sid)).collect()
}

#[test]
fn the_new_rule_alerts_the_old_one_stops_and_a_broken_set_changes_nothing() {
    let Some(nats) = NatsServer::started() else { return };
    let sensor = Setup::new("reload", OLD)
        .device(|scratch| endless_device(scratch, &["OLD", "NEW"]))
        .nats(&nats)
        .start();
    sensor.more_alerts(ALERTS);
    let answer = sensor.put_rules(NEW);
    assert_eq!(answer.status, 200, "{answer:?}");
    let activated = answer.json();
    assert_eq!((&activated["number"], &activated["confirmed_workers"]), (&2.into(), &1.into()));
    assert_eq!(activated["unconfirmed_workers"], json!([]));
    sensor.more_alerts(ALERTS);

    let answer = sensor.put_rules(BROKEN);
    assert_eq!(answer.status, 422, "{answer:?}");
    let refusal = answer.json();
    assert_eq!(refused_lines(&refusal), [2, 3]);
    assert_eq!((&refusal["counts"]["read"], &refusal["counts"]["refused"]), (&3.into(), &2.into()));
    let shown = sensor.get("/api/v1/rules").json();
    assert_eq!((&shown["number"], &shown["sha256"]), (&2.into(), &activated["sha256"]));
    sensor.more_alerts(ALERTS);

    sensor.stop_in_order();
    let received = nats::alerts(&nats);
    assert_no_gaps(&received);
    assert_eq!(generations(&received), BTreeSet::from([(1, 101), (2, 102)]));
}

/// Lines of the rules that a refusal names.
fn refused_lines(refusal: &Value) -> Vec<u64> {
    let diagnostics = refusal["diagnostics"].as_array().unwrap().iter();
    let errors = diagnostics.filter(|said| said["severity"] == "error");
    errors.map(|said| said["line"].as_u64().unwrap()).collect()
}

#[cfg(feature = "test-hooks")]
#[test]
fn a_worker_that_hangs_is_named_and_keeps_the_old_generation() {
    let Some(nats) = NatsServer::started() else { return };
    let mut setup = Setup::new("hang", OLD).workers(2).nats(&nats).device(|scratch| {
        // So many flows that each worker owns some.
        let path = endless_capture(scratch, &["OLD", "NEW"], 32);
        format!("net_pcap0,rx_pcap={path},rx_pcap={path},infinite_rx=1")
    });
    let pause = setup.scratch.write("pause", "");
    setup = setup.variable("SENSOR_GATEWAY_HOOK_PAUSE", format!("1:{pause}"));
    let sensor = setup.start();
    sensor.more_alerts(ALERTS);
    let answer = sensor.put_rules(NEW);
    assert_eq!(answer.status, 202, "{answer:?}");
    let activated = answer.json();
    assert_eq!(activated["unconfirmed_workers"], json!([1]));
    assert_eq!(activated["confirmed_workers"], 1);
    // The worker that goes on uses the new rules; the old ones are there for the other.
    sensor.more_alerts(ALERTS);
    let shown = sensor.get("/api/v1/rules").json();
    assert_eq!((&shown["number"], &shown["live"]), (&2.into(), &json!([1, 2])));
    assert_eq!(shown["unconfirmed_workers"], json!([1]));
    let stats = sensor.stats();
    let used: Vec<_> = (0..2).map(|index| &stats["workers"][index]["generation"]).collect();
    assert_eq!(used, [2, 1]);

    std::fs::remove_file(pause).unwrap();
    let stats = sensor
        .stats_when("the old generation is freed", |stats| stats["rules"]["live"] == json!([2]));
    assert_eq!(stats["rules"]["unconfirmed"], json!([]));
    assert_eq!(stats["workers"][1]["generation"], 2);
    sensor.stop_in_order();
    let used = generations(&nats::alerts(&nats));
    assert!(used.is_subset(&BTreeSet::from([(1, 101), (2, 102)])) && used.len() == 2, "{used:?}");
}
