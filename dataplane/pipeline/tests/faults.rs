//! Faults on purpose: the ledgers notice what is lost, and a panic costs one burst.

#![cfg(feature = "test-hooks")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::Ordering;

use common::{Wired, alerts, ethernet, packets, rule_set, run, settings, wired};
use contract::{FlowEnd, PacketDrop};
use pipeline::Ended;
use testkit::Traffic;
use testkit::ledgers::assert_balanced;

const RULES: &str = r#"alert ip any any -> any any (content:"ODD"; sid:1;)"#;

fn frames() -> Vec<Vec<u8>> {
    Traffic::new(5)
        .pattern(b"ODD", 0.5)
        .frames(1_000)
        .into_iter()
        .map(|frame| frame.bytes)
        .collect()
}

fn one(rules: &std::sync::Arc<detect::RuleSet>) -> Wired {
    wired(&settings(1), rules)
}

#[test]
fn a_lost_packet_is_noticed() {
    let rules = rule_set(RULES);
    let wired = one(&rules);
    wired[0].1.hooks.lose_packet.store(500, Ordering::Relaxed);
    let (links, _) = run(wired, vec![ethernet(frames())]);
    let ledger = packets(&links);
    assert_eq!(ledger.imbalance(), 1);
    assert!(std::panic::catch_unwind(|| assert_balanced(&ledger)).is_err());
}

#[test]
fn a_lost_alert_is_noticed() {
    let rules = rule_set(RULES);
    let wired = one(&rules);
    wired[0].1.hooks.lose_alert.store(100, Ordering::Relaxed);
    let (mut links, _) = run(wired, vec![ethernet(frames())]);
    let counters = links[0].counters.clone();
    let dropped: u64 = counters.alert_drops.iter().map(contract::Counter::get).sum();
    let read = alerts(&mut links, &rules).len() as u64;
    assert_eq!(counters.raised.get() - dropped - read, 1);
    assert_balanced(&packets(&links));
}

#[test]
fn a_panic_costs_its_burst_and_is_counted() {
    let rules = rule_set(RULES);
    let wired = one(&rules);
    wired[0].1.hooks.panic_packet.store(500, Ordering::Relaxed);
    let (links, ended) = run(wired, vec![ethernet(frames())]);
    // The same packet number is reached again and again, since a burst that panics is not inspected.
    assert!(matches!(ended[..], [Ended::Panicked]));
    let ledger = packets(&links);
    assert_balanced(&ledger);
    let counters = &links[0].counters;
    assert_eq!(counters.panics.get(), 3);
    // So are its flows.
    let ends: u64 = counters.flow_ends.iter().map(contract::Counter::get).sum();
    assert_eq!((counters.flows_created.get(), counters.flows.get()), (ends, 0));
    assert!(counters.flow_ends[FlowEnd::WorkerPanic as usize].get() > 0);
    assert!(ledger.drops[PacketDrop::WorkerPanic as usize] >= 3);
}
