//! Two workers on two queues of a DPDK port, the directions of each flow on different ones: the hand-over
//! between the workers makes up for it.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capture_dpdk::{Device, Dpdk, DpdkConfig, DpdkSource, Injector, Mbuf, Memory};
use contract::record::decode_tuple;
use contract::{FieldKind, Kind, PacketLedger, WallOffset};
use detect::{CompileCache, CompileOptions, Generation, RuleSet};
use pipeline::clock::TscClock;
use pipeline::{Ended, Idle, Link, Seat, Settings, Worker, wire};
use ring::{RecordConsumer, RecordScratch};
use rules::Environment;
use support::common::wait_for;
use support::scene::{Alert, RULES, Scene};
use testkit::ledgers::assert_balanced;

const DEVICE: &str = "net_ring0";

fn settings(workers: u16) -> Settings {
    Settings {
        workers,
        flows_max: 4_096,
        handover_frames: 4_096,
        idle: Idle::Yield,
        hash_key: [7; 16],
        ..Settings::default()
    }
}

fn rule_set() -> Arc<RuleSet> {
    let loaded = rules::load(RULES.as_bytes(), "test.rules", &Environment::default());
    let mut cache = CompileCache::new();
    Arc::new(RuleSet::compile(loaded.rules, &CompileOptions::default(), &mut cache).unwrap())
}

/// Works in a thread of its own until it is told to stop.
fn start(
    seat: Seat<Mbuf>,
    source: DpdkSource,
    stop: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<Ended> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let _registered = source.register_thread().unwrap();
        Worker::new(seat, source, TscClock::new()).run(&stop)
    })
}

/// Puts the frames of all queues in, one of each in turn, as soon as there is room.
fn inject(queues: &mut [(Injector, &[Vec<u8>])]) {
    let longest = queues.iter().map(|(_, frames)| frames.len()).max().unwrap_or(0);
    for index in 0..longest {
        for (injector, frames) in &mut *queues {
            let Some(frame) = frames.get(index) else { continue };
            wait_for("room in the queue", || injector.inject(frame).then_some(()));
        }
    }
}

/// Runs a worker for each queue of frames; the links and the alerts, sorted.
fn run(
    rules: &Arc<RuleSet>,
    sources: Vec<DpdkSource>,
    mut queues: Vec<(Injector, &[Vec<u8>])>,
) -> (Vec<Link>, Vec<Alert>) {
    let wall = Arc::new(WallOffset::zero());
    let first = |_| Generation::new(1, Arc::clone(rules));
    let (seats, mut links): (Vec<_>, Vec<_>) =
        wire(&settings(sources.len() as u16), &wall, first).into_iter().unzip();
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> =
        seats.into_iter().zip(sources).map(|(seat, source)| start(seat, source, &stop)).collect();
    inject(&mut queues);
    let count: u64 = queues.iter().map(|(_, frames)| frames.len() as u64).sum();
    wait_for("the reception of all", || (ledger(&links).rx == count).then_some(()));
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        assert!(matches!(thread.join().unwrap(), Ended::Stopped));
    }
    let mut alerts: Vec<_> =
        links.iter_mut().flat_map(|link| read(&mut link.lanes[0], rules)).collect();
    alerts.sort();
    (links, alerts)
}

fn ledger(links: &[Link]) -> PacketLedger {
    PacketLedger::of(links.iter().map(|link| &*link.counters))
}

fn read(lane: &mut RecordConsumer, rules: &RuleSet) -> Vec<Alert> {
    let mut scratch = RecordScratch::new();
    let mut alerts = Vec::new();
    while let Some(record) = lane.next(&mut scratch) {
        let record = record.unwrap();
        assert_eq!(record.header.kind, Kind::Alert);
        alerts.push(Alert {
            sid: rules.signatures()[record.header.signature as usize].meta.sid,
            tuple: decode_tuple(record.get(FieldKind::Tuple).unwrap()).unwrap(),
            sha256: record.get(FieldKind::PayloadSha256).map(|digest| digest.try_into().unwrap()),
        });
    }
    alerts
}

#[test]
fn flows_that_are_torn_apart_alert_as_on_one_queue() {
    let config = DpdkConfig {
        memory: Memory::NoHuge,
        file_prefix: format!("sensor-e2e-{}-handover", std::process::id()),
        devices: vec![Device::Vdev(DEVICE.to_owned())],
        ..DpdkConfig::default()
    };
    // The first queue is for the run on one, the others are for the run on two.
    let mut dpdk = Dpdk::start(&config, 3).unwrap();
    let idle = dpdk.mbufs_in_use();
    let queue =
        |number| (dpdk.take_source(number).unwrap(), dpdk.injector(DEVICE, number).unwrap());
    let [one, two, three] = [0, 1, 2].map(queue);
    let (rules, scene) = (rule_set(), Scene::mixed());

    let (links, alerts) = run(&rules, vec![one.0], vec![(one.1, &scene.frames)]);
    assert_balanced(&ledger(&links));
    assert_eq!(alerts, scene.alerts);

    let [left, right] = scene.queues();
    let (links, alerts) =
        run(&rules, vec![two.0, three.0], vec![(two.1, &left), (three.1, &right)]);
    assert_balanced(&ledger(&links));
    assert_eq!(alerts, scene.alerts);
    let sent: Vec<_> = links.iter().map(|link| link.counters.handover_sent.get()).collect();
    assert!(sent.iter().all(|sent| *sent > 100), "{sent:?}");

    drop(links);
    assert_eq!(dpdk.mbufs_in_use(), idle);
    dpdk.shutdown().unwrap();
    // There is none for users other than root.
    let _ = std::fs::remove_dir_all(format!("/var/run/dpdk/{}", config.file_prefix));
}
