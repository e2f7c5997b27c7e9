//! A worker that receives from a DPDK port allocates nothing once it is warm.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use capture_dpdk::{Device, Dpdk, DpdkConfig, DpdkSource, Memory};
use contract::WallOffset;
use detect::{CompileCache, CompileOptions, Generation, RuleSet};
use pipeline::clock::TscClock;
use pipeline::{Idle, Settings, Step, Worker, wire};
use ring::RecordScratch;
use rules::Environment;
use testkit::Traffic;
use testkit::ledgers::assert_balanced;

const RULES: &str = r#"
alert ip any any -> any any (content:"ODD"; nocase; sid:1;)
alert tcp any any -> any any (content:"a"; content:"b"; distance:2; within:40; sid:2;)
alert udp any any -> any any (pcre:"/o[a-z]{1,3}d+/i"; sid:3;)
alert icmp any any -> any any (itype:8; sid:4;)
"#;
/// Frames of the capture, which is repeated for ever.
const FRAMES: usize = 2_000;
/// Turns of the worker before, and while, allocations are counted: several passes of the capture.
const WARM_UP: usize = 3 * FRAMES / 32;
const COUNTED: usize = 20 * FRAMES / 32;

fn rule_set() -> Arc<RuleSet> {
    let loaded = rules::load(RULES.as_bytes(), "test.rules", &Environment::default());
    let mut cache = CompileCache::new();
    Arc::new(RuleSet::compile(loaded.rules, &CompileOptions::default(), &mut cache).unwrap())
}

/// What a worker's thread does; allocations and releases while they were counted, and alerts.
fn work(source: DpdkSource, rules: &Arc<RuleSet>) -> (AllocationInfo, u64) {
    let _registered = source.register_thread().unwrap();
    let settings = Settings { idle: Idle::Yield, flows_max: 4_096, ..Settings::default() };
    let first = |_| Generation::new(1, Arc::clone(rules));
    let (seat, mut link) = wire(&settings, &Arc::new(WallOffset::zero()), first).remove(0);
    let mut worker = Worker::new(seat, source, TscClock::new());
    let (mut scratch, mut alerts) = (RecordScratch::new(), 0);
    let mut turns = |count| {
        for _ in 0..count {
            assert!(matches!(worker.turn().unwrap(), Step::Worked(1..)));
            while link.lanes[0].next(&mut scratch).is_some() {
                alerts += 1;
            }
        }
    };
    turns(WARM_UP);
    let touched = measure(|| turns(COUNTED));
    assert_balanced(&contract::PacketLedger::of([&*link.counters]));
    (touched, alerts)
}

#[test]
fn a_warm_worker_on_a_port_does_not_allocate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traffic.pcap");
    testkit::write_pcap(&path, Traffic::new(9).pattern(b"ODD", 0.1).frames(FRAMES));
    let config = DpdkConfig {
        memory: Memory::NoHuge,
        file_prefix: format!("sensor-e2e-{}-allocations", std::process::id()),
        devices: vec![Device::Vdev(format!("net_pcap0,rx_pcap={},infinite_rx=1", path.display()))],
        ..DpdkConfig::default()
    };
    let mut dpdk = Dpdk::start(&config, 1).unwrap();
    let source = dpdk.take_source(0).unwrap();
    let rules = rule_set();
    let worker = std::thread::spawn(move || work(source, &rules));
    let (touched, alerts) = worker.join().unwrap();
    assert_eq!(touched, AllocationInfo::default(), "allocations and releases by a warm worker");
    assert!(alerts > 10_000, "{alerts}");
    dpdk.shutdown().unwrap();
    // There is none for users other than root.
    let _ = std::fs::remove_dir_all(format!("/var/run/dpdk/{}", config.file_prefix));
}
