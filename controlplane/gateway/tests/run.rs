//! `run` on a capture file: the whole sensor without DPDK and without NATS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::live::Live;
use common::{Scratch, wait_for};
use testkit::ledgers::{assert_stats_balanced, from_stats};
use testkit::{Packet, Traffic};

const RULE: &str = "alert udp any any -> any any (content:\"EVIL\"; sid:1;)\n";

fn frames() -> Vec<Vec<u8>> {
    let packet = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(1, 2);
    vec![packet.clone().payload(b"EVIL").build(), packet.payload(b"good").build()]
}

fn sets(scratch: &Scratch, pcap: &str, repeat: bool) -> Vec<String> {
    let rules = scratch.write("a.rules", RULE);
    vec![
        "capture.source=pcap".to_owned(),
        format!("capture.pcap.path={pcap}"),
        format!("capture.pcap.repeat={repeat}"),
        format!("rules.files=[\"{rules}\"]"),
        format!("eve.path={}", scratch.arg("eve.json")),
        "detect.flows_max=4096".to_owned(),
    ]
}

/// Signature ids in the EVE file.
fn sids(scratch: &Scratch, name: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(scratch.path(name)).unwrap_or_default();
    let lines =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| line["alert"]["signature_id"].as_u64()).collect()
}

#[test]
fn a_capture_file_is_inspected_and_the_sensor_ends_with_it() {
    let scratch = Scratch::new();
    let pcap = scratch.pcap("a.pcap", frames());
    let mut live = Live::start(&sets(&scratch, &pcap, false), &[]);
    assert_eq!(live.wait(), Some(0), "{}", live.log());
    assert_eq!(sids(&scratch, "eve.json"), [1]);
    assert_stats_balanced(&live.final_ledgers());
}

#[test]
fn two_workers_share_a_capture_by_flow() {
    let scratch = Scratch::new();
    let frames = Traffic::new(7).flows(40).pattern(b"EVIL", 0.1).frames(4_000);
    let pcap = scratch.pcap("a.pcap", &frames);
    let count = |workers: usize| {
        let mut sets = sets(&scratch, &pcap, false);
        sets.push(format!("workers.count={workers}"));
        sets.push("workers.handover_frames=8192".to_owned());
        let eve = format!("eve-{workers}.json");
        sets.push(format!("eve.path={}", scratch.arg(&eve)));
        let mut live = Live::start(&sets, &[]);
        assert_eq!(live.wait(), Some(0), "{}", live.log());
        sids(&scratch, &eve).len()
    };
    let alone = count(1);
    assert!(alone > 0);
    assert_eq!(count(2), alone);
}

#[test]
fn sigterm_ends_it_in_order_and_both_ledgers_balance() {
    let scratch = Scratch::new();
    let pcap = scratch.pcap("a.pcap", frames());
    let mut live = Live::start(&sets(&scratch, &pcap, true), &[]);
    wait_for("an alert", || sids(&scratch, "eve.json").first().copied());
    let (packets, alerts) = from_stats(&live.stats());
    assert!(packets.rx > 0 && alerts.raised > 0);
    assert_eq!(live.request("GET", "/healthz", "").0, 200);
    assert_eq!(live.request("GET", "/readyz", "").0, 200);
    let (code, took) = live.terminate();
    assert_eq!(code, Some(0), "{}", live.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_stats_balanced(&live.final_ledgers());
}

#[test]
fn sigusr2_loads_the_rules_files_again() {
    let scratch = Scratch::new();
    let pcap = scratch.pcap("a.pcap", frames());
    let mut live = Live::start(&sets(&scratch, &pcap, true), &[]);
    scratch.write("a.rules", "alert udp any any -> any any (content:\"good\"; sid:2;)\n");
    live.signal("USR2");
    wait_for("generation 2", || (live.stats()["rules"]["generation"] == 2).then_some(()));
    wait_for("the new rule", || sids(&scratch, "eve.json").contains(&2).then_some(()));
    scratch.write("a.rules", "alert this is no rule\n");
    live.signal("USR2");
    wait_for("the refusal", || live.log().contains("rules are not reloaded").then_some(()));
    assert_eq!(live.stats()["rules"]["generation"], 2);
    assert_eq!(live.terminate().0, Some(0));
}

#[test]
fn it_starts_again_after_kill_9() {
    let scratch = Scratch::new();
    let pcap = scratch.pcap("a.pcap", frames());
    let mut first = Live::start(&sets(&scratch, &pcap, true), &[]);
    first.signal("KILL");
    assert_eq!(first.wait(), None);
    let mut second = Live::start(&sets(&scratch, &pcap, true), &[]);
    wait_for("packets", || (from_stats(&second.stats()).0.inspected > 0).then_some(()));
    assert_eq!(second.terminate().0, Some(0));
}

#[cfg(feature = "test-hooks")]
mod hooks {
    use testkit::ledgers::{assert_stats_balanced, from_stats};

    use super::{Live, Scratch, frames, sets, sids, wait_for};

    /// A sensor that has been through a capture with `hook` armed, and its alerts.
    fn with_hook(hook: &str, value: &str, code: i32) -> (Live, usize) {
        let scratch = Scratch::new();
        let pcap = scratch.pcap("a.pcap", (0..50).flat_map(|_| frames()));
        let hook = (hook, value.to_owned());
        let mut live = Live::start(&sets(&scratch, &pcap, false), &[hook]);
        assert_eq!(live.wait(), Some(code), "{}", live.log());
        (live, sids(&scratch, "eve.json").len())
    }

    #[test]
    fn a_lost_packet_shows_in_its_ledger() {
        let (live, alerts) = with_hook("SENSOR_GATEWAY_HOOK_LOSE_PACKET", "0:6", 0);
        let stats = live.final_ledgers();
        let (packets, raised) = from_stats(&stats);
        assert_eq!((packets.imbalance(), raised.imbalance(), alerts), (1, 0, 50));
        assert!(std::panic::catch_unwind(|| assert_stats_balanced(&stats)).is_err());
    }

    #[test]
    fn a_lost_alert_shows_in_its_ledger() {
        let (live, alerts) = with_hook("SENSOR_GATEWAY_HOOK_LOSE_ALERT", "0:3", 0);
        let stats = live.final_ledgers();
        let (packets, raised) = from_stats(&stats);
        assert_eq!((packets.imbalance(), raised.imbalance(), alerts), (0, 1, 49));
        assert!(std::panic::catch_unwind(|| assert_stats_balanced(&stats)).is_err());
    }

    #[test]
    fn the_third_panic_within_a_minute_ends_the_sensor_in_order() {
        let (live, alerts) = with_hook("SENSOR_GATEWAY_HOOK_PANIC", "0:7", 1);
        assert_eq!(alerts, 3);
        let stats = live.final_ledgers();
        assert_eq!(stats["ledgers"]["packets"]["drops"]["worker_panic"], 90);
        assert_stats_balanced(&stats);
        assert!(
            live.log().contains("sensor-gateway: worker 0 failed three times"),
            "{}",
            live.log()
        );
        assert!(!live.log().contains("backtrace"), "{}", live.log());
    }

    #[test]
    fn a_paused_worker_is_named_and_its_generation_kept() {
        let scratch = Scratch::new();
        let pcap = scratch.pcap("a.pcap", frames());
        let file = scratch.write("pause", "");
        let mut sets = sets(&scratch, &pcap, true);
        sets.push("api.allow_unauthenticated_loopback=true".to_owned());
        sets.push("rules.store.confirm_timeout_ms=50".to_owned());
        let hook = ("SENSOR_GATEWAY_HOOK_PAUSE", format!("0:{file}"));
        let mut live = Live::start(&sets, &[hook]);
        let rule = "alert udp any any -> any any (content:\"good\"; sid:2;)";
        let (status, body) = live.request("PUT", "/api/v1/rules", rule);
        assert_eq!(status, 202, "{body}");
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["unconfirmed_workers"], serde_json::json!([0]), "{body}");
        assert_eq!(live.stats()["rules"]["live"], serde_json::json!([1, 2]));
        std::fs::remove_file(file).unwrap();
        wait_for("the confirmation", || {
            (live.stats()["rules"]["live"] == serde_json::json!([2])).then_some(())
        });
        assert_eq!(live.terminate().0, Some(0));
    }
}
