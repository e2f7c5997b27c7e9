//! Rules replaced under load: the new ones alert and the old ones stop, a set that cannot be used changes
//! nothing, and a worker that hangs keeps the old set alive.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::nats::{Nats, Received, assert_no_gaps};
#[cfg(feature = "test-hooks")]
use support::scene::endless_capture;
use support::scene::{endless_device, many_rules};
use support::sensor::{Sensor, Setup, alerts};

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
/// Reloads of the measured run.
const RELOADS: usize = 20;
/// Rules of each of these.
const RULES: usize = 1_000;

/// Waits until `ALERTS` further alerts were acknowledged.
fn wait_for_more(sensor: &Sensor) {
    let before = alerts(&sensor.stats(), "raised");
    sensor.stats_when("alerts", |stats| alerts(stats, "acknowledged") >= before + ALERTS);
}

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
    let Some(nats) = Nats::started() else { return };
    let sensor = Setup::new("reload", OLD)
        .device(|scratch| endless_device(scratch, &["OLD", "NEW"]))
        .nats(&nats)
        .start();
    wait_for_more(&sensor);
    let answer = sensor.put_rules(NEW);
    assert_eq!(answer.status, 200, "{answer:?}");
    let activated = answer.json();
    assert_eq!((&activated["number"], &activated["confirmed_workers"]), (&2.into(), &1.into()));
    assert_eq!(activated["unconfirmed_workers"], json!([]));
    wait_for_more(&sensor);

    let answer = sensor.put_rules(BROKEN);
    assert_eq!(answer.status, 422, "{answer:?}");
    let refusal = answer.json();
    assert_eq!(refused_lines(&refusal), [2, 3]);
    assert_eq!((&refusal["counts"]["read"], &refusal["counts"]["refused"]), (&3.into(), &2.into()));
    let shown = sensor.get("/api/v1/rules").json();
    assert_eq!((&shown["number"], &shown["sha256"]), (&2.into(), &activated["sha256"]));
    wait_for_more(&sensor);

    sensor.stop_in_order();
    let received = nats.alerts();
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
    let Some(nats) = Nats::started() else { return };
    let mut setup = Setup::new("hang", OLD).workers(2).nats(&nats).device(|scratch| {
        // So many flows that each worker owns some.
        let path = endless_capture(scratch, &["OLD", "NEW"], 32);
        format!("net_pcap0,rx_pcap={path},rx_pcap={path},infinite_rx=1")
    });
    let pause = setup.scratch.write("pause", "");
    setup = setup.variable("SENSOR_GATEWAY_HOOK_PAUSE", format!("1:{pause}"));
    let sensor = setup.start();
    wait_for_more(&sensor);
    let answer = sensor.put_rules(NEW);
    assert_eq!(answer.status, 202, "{answer:?}");
    let activated = answer.json();
    assert_eq!(activated["unconfirmed_workers"], json!([1]));
    assert_eq!(activated["confirmed_workers"], 1);
    // The worker that goes on uses the new rules; the old ones are there for the other.
    wait_for_more(&sensor);
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
    let used = generations(&nats.alerts());
    assert!(used.is_subset(&BTreeSet::from([(1, 101), (2, 102)])) && used.len() == 2, "{used:?}");
}

#[test]
fn poll_gaps_with_and_without_reloads() {
    let Some(nats) = Nats::started() else { return };
    let setup = Setup::new("gaps", OLD)
        .device(|scratch| endless_device(scratch, &["OLD", "NEW"]))
        .nats(&nats);
    let sensor = setup.start();
    for round in 0..RELOADS {
        let rules = many_rules(round, RULES, if round % 2 == 0 { NEW } else { OLD });
        let answer = sensor.put_rules(&rules);
        assert_eq!(answer.status, 200, "{answer:?}");
        wait_for_more(&sensor);
    }
    let with = sensor.stats()["poll_gap_ns"].clone();
    sensor.stop_in_order();
    // As many polls again, undisturbed.
    let sensor = setup.start();
    let polls = |gaps: &Value| gaps["count"].as_u64().unwrap();
    let stats =
        sensor.stats_when("as many polls", |stats| polls(&stats["poll_gap_ns"]) >= polls(&with));
    sensor.stop_in_order();
    println!(
        "poll gaps, ns          {:>10} {:>9} {:>9} {:>9} {:>11}",
        "polls", "p50", "p99", "p99.9", "max"
    );
    for (run, gaps) in [("without reloads", &stats["poll_gap_ns"]), ("20 reloads", &with)] {
        let [count, p50, p99, p999, max] =
            ["count", "p50", "p99", "p999", "max"].map(|key| gaps[key].as_u64().unwrap());
        println!("{run:<22} {count:>10} {p50:>9} {p99:>9} {p999:>9} {max:>11}");
        assert!(p50 <= p99 && p99 <= p999 && p999 <= max, "{gaps}");
    }
}
