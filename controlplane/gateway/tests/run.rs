//! `run` on a capture file: the whole sensor without DPDK and without NATS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::json;
use support::common::{Scratch, wait_for};
use support::sensor::{Setup, packets};
use testkit::ledgers::assert_stats_balanced;
use testkit::{Frame, Packet, Traffic};

const RULES: &str = "alert udp any any -> any any (content:\"EVIL\"; sid:1;)\n";

/// One packet that alerts, and one that does not, `times` times.
fn frames(times: usize) -> Vec<Vec<u8>> {
    let packet = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(1, 2);
    let pair = [packet.clone().payload(b"EVIL").build(), packet.payload(b"good").build()];
    pair.iter().cycle().take(2 * times).cloned().collect()
}

/// A sensor on a capture file of `frames` that writes EVE lines.
fn setup(name: &str, frames: impl IntoIterator<Item = impl Into<Frame>>) -> Setup {
    let setup = Setup::new(name, RULES).with_eve();
    let pcap = setup.scratch.pcap("a.pcap", frames);
    setup.set("capture.source=pcap").set(format!("capture.pcap.path={pcap}"))
}

/// Signature ids in an EVE file.
fn sids(scratch: &Scratch, name: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(scratch.path(name)).unwrap_or_default();
    let lines =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| line["alert"]["signature_id"].as_u64()).collect()
}

#[test]
fn a_capture_file_is_inspected_and_the_sensor_ends_with_it() {
    let setup = setup("once", frames(1));
    let ended = setup.start().wait();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(sids(&setup.scratch, "eve.json"), [1]);
    assert_stats_balanced(&ended.last);
}

#[test]
fn two_workers_share_a_capture_by_flow() {
    let count = |workers: u16| {
        let frames = Traffic::new(7).flows(40).pattern(b"EVIL", 0.1).frames(4_000);
        let setup = setup("two", &frames).workers(workers).set("workers.handover_frames=8192");
        let ended = setup.start().wait();
        assert_eq!(ended.status.code(), Some(0));
        assert_stats_balanced(&ended.last);
        sids(&setup.scratch, "eve.json").len()
    };
    let alone = count(1);
    assert!(alone > 0);
    assert_eq!(count(2), alone);
}

#[test]
fn sigterm_ends_it_in_order_and_both_ledgers_balance() {
    let setup = setup("term", frames(1)).set("capture.pcap.repeat=true");
    let sensor = setup.start();
    wait_for("an alert", || sids(&setup.scratch, "eve.json").first().copied());
    sensor.stats_when("packets", |stats| packets(stats, "inspected") > 0);
    assert_eq!(sensor.get("/healthz").status, 200);
    assert_eq!(sensor.get("/readyz").status, 200);
    sensor.stop_in_order();
}

#[test]
fn sigusr2_loads_the_rules_files_again() {
    let setup = setup("reload", frames(1)).set("capture.pcap.repeat=true");
    let sensor = setup.start();
    let rule = "alert udp any any -> any any (content:\"good\"; sid:2;)\n";
    setup.scratch.write("sensor.rules", rule);
    sensor.signal("USR2");
    sensor.stats_when("generation 2", |stats| stats["rules"]["generation"] == 2);
    wait_for("the new rule", || sids(&setup.scratch, "eve.json").contains(&2).then_some(()));
    setup.scratch.write("sensor.rules", "alert this is no rule\n");
    sensor.signal("USR2");
    wait_for("the refusal", || sensor.said_in_part("rules are not reloaded").then_some(()));
    sensor.stats_when("only generation 2", |stats| stats["rules"]["live"] == json!([2]));
    sensor.stop_in_order();
}

#[test]
fn sighup_opens_the_eve_file_anew() {
    let setup = setup("rotate", frames(1)).set("capture.pcap.repeat=true");
    let sensor = setup.start();
    wait_for("an alert", || sids(&setup.scratch, "eve.json").first().copied());
    std::fs::rename(setup.scratch.path("eve.json"), setup.scratch.path("eve.json.1")).unwrap();
    sensor.signal("HUP");
    wait_for("the new file", || sids(&setup.scratch, "eve.json").first().copied());
    let last = sensor.stop_in_order();
    let lines = sids(&setup.scratch, "eve.json.1").len() + sids(&setup.scratch, "eve.json").len();
    assert_eq!(last["ledgers"]["alerts"]["written"], lines);
}

#[test]
fn it_starts_again_after_kill_9() {
    let setup = setup("kill", frames(1)).set("capture.pcap.repeat=true");
    setup.start().kill();
    let second = setup.start();
    second.stats_when("packets", |stats| packets(stats, "inspected") > 0);
    second.stop_in_order();
}

#[cfg(feature = "test-hooks")]
#[test]
fn the_third_panic_within_a_minute_ends_the_sensor_in_order() {
    let setup = setup("panic", frames(50)).variable("SENSOR_GATEWAY_HOOK_PANIC", "0:7");
    let ended = setup.start().wait();
    assert_eq!(ended.status.code(), Some(1));
    // The first burst up to the panic; nothing of the next two. What panicked is counted.
    assert_eq!(sids(&setup.scratch, "eve.json"), [1, 1, 1]);
    let packets = &ended.last["ledgers"]["packets"];
    assert_eq!((&packets["inspected"], &packets["drops"]["worker_panic"]), (&json!(6), &json!(90)));
    assert_stats_balanced(&ended.last);
}
