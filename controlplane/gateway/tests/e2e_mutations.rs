//! A sensor that loses one packet or one alert: the assertion that every scenario ends with fails.

#![cfg(all(feature = "dpdk", feature = "test-hooks"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::Value;
use support::scene::{RULES, Scene, file_device};
use support::sensor::Setup;
use testkit::NatsServer;
use testkit::ledgers::assert_stats_balanced;

/// The stats at rest of a sensor with the fault that `variable` asks for, and its last ledgers.
fn stats_with(variable: &str, value: &str) -> Option<[Value; 2]> {
    let nats = NatsServer::started()?;
    let scene = Scene::mixed();
    let sensor = Setup::new(&variable.to_lowercase(), RULES)
        .device(|scratch| file_device(scratch, std::slice::from_ref(&scene.frames)))
        .nats(&nats)
        .variable(variable, value)
        .start();
    let stats = sensor.at_rest(scene.frames.len() as u64);
    let stopped = sensor.stop();
    assert_eq!(stopped.status.code(), Some(0));
    Some([stats, stopped.last])
}

/// Asserts that the assertion of the ledgers fails and says `what`.
#[track_caller]
fn assert_noticed(stats: &Value, what: &str) {
    let panic = std::panic::catch_unwind(|| assert_stats_balanced(stats)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains(what) && message.contains("off by 1"), "{message}");
}

#[test]
fn a_lost_packet_is_noticed() {
    let Some(all) = stats_with("SENSOR_GATEWAY_HOOK_LOSE_PACKET", "0:500") else { return };
    for stats in all {
        assert_noticed(&stats, "packets do not add up");
        assert_eq!(stats["ledgers"]["packets"]["imbalance"], 1);
        assert_eq!(stats["ledgers"]["packets"]["balanced"], false);
    }
}

#[test]
fn a_lost_alert_is_noticed() {
    let Some(all) = stats_with("SENSOR_GATEWAY_HOOK_LOSE_ALERT", "0:50") else { return };
    for stats in all {
        assert_noticed(&stats, "alerts do not add up");
        assert_eq!(stats["ledgers"]["alerts"]["imbalance"], 1);
        assert_eq!(stats["ledgers"]["alerts"]["balanced"], false);
    }
}

#[test]
fn without_a_fault_nothing_is_noticed() {
    let Some(all) = stats_with("SENSOR_GATEWAY_HOOK_LOSE_PACKET", "0:0") else { return };
    all.iter().for_each(assert_stats_balanced);
}
