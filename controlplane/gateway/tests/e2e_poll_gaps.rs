//! What reloads cost a worker: the gaps between its polls, with reloads and without. Alone in its program,
//! since it measures.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::Value;
use support::scene::{endless_device, many_rules};
use support::sensor::Setup;
use testkit::NatsServer;

/// A rule of each of the sets that take turns, each with a mark of its own.
const MARKS: [&str; 2] = [
    "alert udp any any -> any 514 (msg:\"odd\"; content:\"ODD\"; sid:1;)\n",
    "alert udp any any -> any 514 (msg:\"even\"; content:\"EVEN\"; sid:2;)\n",
];
/// Reloads of the run that has them.
const RELOADS: usize = 20;
/// Rules of each.
const RULES: usize = 1_000;
/// Alerts that are waited for after each.
const ALERTS: u64 = 30;

#[test]
fn poll_gaps_with_and_without_reloads() {
    let Some(nats) = NatsServer::started() else { return };
    let setup = Setup::new("gaps", MARKS[0])
        .device(|scratch| endless_device(scratch, &["ODD", "EVEN"]))
        .nats(&nats);
    let sensor = setup.start();
    for round in 0..RELOADS {
        let rules = many_rules(round, RULES, MARKS[(round + 1) % 2]);
        let answer = sensor.put_rules(&rules);
        assert_eq!(answer.status, 200, "{answer:?}");
        sensor.more_alerts(ALERTS);
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
