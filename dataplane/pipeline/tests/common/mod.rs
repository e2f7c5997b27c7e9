//! A pipeline over frames in memory: made, run to the end, and read out.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code)]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use capture::memory::MemorySource;
use contract::record::decode_tuple;
use contract::{FieldKind, FiveTuple, Kind, LinkType, PacketLedger, WallOffset};
use detect::{CompileCache, CompileOptions, Generation, RuleSet};
use pipeline::clock::TscClock;
use pipeline::{Ended, Idle, Link, Seat, Settings, Worker, wire, wire_on};
use ring::{Page, RecordConsumer, RecordScratch};
use rules::Environment;

/// What a record said, without its times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Alert { sid: u32, tuple: Option<FiveTuple>, sha256: Option<Vec<u8>>, generation: u32 },
    Switch(u32),
}

pub fn settings(workers: u16) -> Settings {
    Settings {
        workers,
        flows_max: 4_096,
        stream_bytes_max: 16 << 20,
        lane_slots: [1 << 16, 1 << 10, 1 << 10],
        handover_frames: 1 << 14,
        idle: Idle::Yield,
        hash_key: [7; 16],
        ..Settings::default()
    }
}

pub fn rule_set(text: &str) -> Arc<RuleSet> {
    let loaded = rules::load(text.as_bytes(), "test.rules", &Environment::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let mut cache = CompileCache::new();
    let set = RuleSet::compile(loaded.rules, &CompileOptions::default(), &mut cache).unwrap();
    assert!(set.refused().is_empty(), "{:?}", set.refused());
    Arc::new(set)
}

pub type Wired = Vec<(Seat<Box<[u8]>>, Link)>;

pub fn wired(settings: &Settings, rules: &Arc<RuleSet>) -> Wired {
    wire(settings, &Arc::new(WallOffset::zero()), |_| Generation::new(1, Arc::clone(rules)))
}

pub fn wired_on(page: &Arc<Page>, settings: &Settings, rules: &Arc<RuleSet>) -> Wired {
    let first = |_| Generation::new(1, Arc::clone(rules));
    wire_on(page, settings, &Arc::new(WallOffset::zero()), first)
}

/// Runs a worker for each queue of frames to their end; the links, and how each worker ended.
pub fn run(wired: Wired, queues: Vec<MemorySource>) -> (Vec<Link>, Vec<Ended>) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut links = Vec::new();
    let mut threads = Vec::new();
    for ((seat, link), source) in wired.into_iter().zip(queues) {
        links.push(link);
        let stop = Arc::clone(&stop);
        threads.push(std::thread::spawn(move || {
            Worker::new(seat, source, TscClock::new()).run(&stop)
        }));
    }
    (links, threads.into_iter().map(|thread| thread.join().unwrap()).collect())
}

pub fn ethernet(frames: impl IntoIterator<Item = Vec<u8>>) -> MemorySource {
    MemorySource::new(LinkType::ETHERNET, frames)
}

/// Everything in a lane.
pub fn read(lane: &mut RecordConsumer, rules: &RuleSet) -> Vec<Said> {
    let mut scratch = RecordScratch::new();
    let mut said = Vec::new();
    while let Some(record) = lane.next(&mut scratch) {
        let record = record.unwrap();
        said.push(match record.header.kind {
            Kind::Switch => Said::Switch(record.header.generation),
            Kind::Alert => Said::Alert {
                sid: rules.signatures()[record.header.signature as usize].meta.sid,
                tuple: record.get(FieldKind::Tuple).map(|bytes| decode_tuple(bytes).unwrap()),
                sha256: record.get(FieldKind::PayloadSha256).map(<[u8]>::to_vec),
                generation: record.header.generation,
            },
        });
    }
    said
}

pub fn packets(links: &[Link]) -> PacketLedger {
    PacketLedger::of(links.iter().map(|link| &*link.counters))
}

/// Alerts of all workers, sorted.
pub fn alerts(links: &mut [Link], rules: &RuleSet) -> Vec<Said> {
    let mut all: Vec<_> =
        links.iter_mut().flat_map(|link| read(&mut link.lanes[0], rules)).collect();
    all.sort();
    all
}
