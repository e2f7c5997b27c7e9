//! NATS that is not there yet, goes away, and comes back: the sensor runs on, says so, and counts.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;

use support::nats;
use support::scene::endless_device;
use support::sensor::{Sensor, Setup, alerts, lost};
use testkit::NatsServer;

const RULES: &str = r#"alert udp any any -> any 514 (msg:"mark"; content:"MARK"; sid:1;)"#;
/// Alerts that are waited for in each state of the server.
const ALERTS: u64 = 20;

/// Waits until `more` further alerts have ended as `count` counts.
fn wait_for_more(sensor: &Sensor, what: &str, count: impl Fn(&serde_json::Value) -> u64) {
    let before = count(&sensor.stats());
    sensor.stats_when(what, |stats| count(stats) >= before + ALERTS);
}

fn is_ready(sensor: &Sensor) -> bool {
    let response = sensor.get("/readyz");
    let ready = response.json();
    assert_eq!(ready["ready"].as_bool().unwrap(), response.status == 200, "{response:?}");
    if response.status != 200 {
        assert_eq!(response.status, 503);
        assert!(ready["reasons"].to_string().contains("NATS"), "{response:?}");
    }
    response.status == 200
}

#[test]
fn alerts_are_counted_while_nats_is_down() {
    let Some(mut nats) = NatsServer::absent() else { return };
    let sensor = Setup::new("down", RULES)
        .device(|scratch| endless_device(scratch, &["MARK"]))
        .nats(&nats)
        // What the killed server has not acknowledged does not hold up the end.
        .set("nats.ack_timeout_ms=1000")
        .start();
    wait_for_more(&sensor, "alerts without NATS", |stats| lost(stats, "nats_down"));
    assert!(!is_ready(&sensor));
    assert_eq!(alerts(&sensor.stats(), "acknowledged"), 0);
    assert_eq!(sensor.get("/healthz").status, 200);

    nats.start();
    support::common::wait_for("readiness", || is_ready(&sensor).then_some(()));
    wait_for_more(&sensor, "acknowledged alerts", |stats| alerts(stats, "acknowledged"));

    nats.kill();
    wait_for_more(&sensor, "alerts without NATS again", |stats| lost(stats, "nats_down"));
    assert!(!is_ready(&sensor));

    nats.start();
    wait_for_more(&sensor, "acknowledged alerts again", |stats| alerts(stats, "acknowledged"));
    let last = sensor.stop_in_order();
    let failed = lost(&last, "nats_down") + lost(&last, "publish_failed");
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged") + failed, "{last}");
    let received = nats::alerts(&nats);
    let ids: BTreeSet<_> = received.iter().map(|one| (one.worker, one.sequence)).collect();
    assert_eq!(ids.len(), received.len(), "an alert was stored twice");
    assert!(ids.len() as u64 > ALERTS);
}
