//! The end of a sensor under load: SIGTERM drains and flushes, SIGKILL leaves nothing in the way.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use support::nats::{self, assert_no_gaps};
use support::scene::endless_device;
use support::sensor::{Setup, alerts};
use testkit::NatsServer;

const RULES: &str = r#"alert udp any any -> any 514 (msg:"mark"; content:"MARK"; sid:1;)"#;
/// Alerts that flow before a signal is sent.
const ALERTS: u64 = 50;

fn under_load(name: &str, nats: &NatsServer) -> Setup {
    Setup::new(name, RULES).device(|scratch| endless_device(scratch, &["MARK"])).nats(nats)
}

#[test]
fn sigterm_delivers_what_was_raised() {
    let Some(nats) = NatsServer::started() else { return };
    let setup = under_load("term", &nats);
    let sensor = setup.start();
    sensor.stats_when("alerts", |stats| alerts(stats, "acknowledged") > ALERTS);
    let last = sensor.stop_in_order();
    let received = nats::alerts(&nats);
    assert_no_gaps(&received);
    assert_eq!(received.len() as u64, alerts(&last, "raised"));
    assert_eq!(received.len() as u64, alerts(&last, "acknowledged"));
}

#[test]
fn after_sigkill_the_same_configuration_starts_again() {
    let Some(nats) = NatsServer::started() else { return };
    let setup = under_load("kill", &nats);
    for _ in 0..2 {
        let sensor = setup.start();
        sensor.stats_when("alerts", |stats| alerts(stats, "acknowledged") > ALERTS);
        sensor.kill();
    }
    let sensor = setup.start();
    sensor.stats_when("alerts", |stats| alerts(stats, "acknowledged") > ALERTS);
    let last = sensor.stop_in_order();
    let received = nats::alerts(&nats);
    let boot = &received.last().unwrap().boot;
    let (ours, others): (Vec<_>, Vec<_>) =
        received.iter().cloned().partition(|one| one.boot == *boot);
    assert_no_gaps(&ours);
    assert_eq!(ours.len() as u64, alerts(&last, "acknowledged"));
    assert!(others.len() as u64 > 2 * ALERTS);
}
