//! What a packet costs, in nanoseconds, with 100, 1,000 and 10,000 content rules:
//!
//! - `detect`: the rules alone, over a decoded packet;
//! - `stages`: decode, flow look-up and the rules;
//! - `pipeline`: the whole worker from a source in memory to the ring, and a drain that empties it; its
//!   percentiles are those of bursts of 32, divided by their packets;
//! - `clock`: the look at the clock that each of the others includes once a packet (once a burst).
//!
//! Criterion prints means with their confidence; the percentiles follow as a table and as JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cell::LazyCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use benches::percentiles::{Percentiles, Row};
use benches::profiler::{self, FlameGraph};
use benches::stopwatch::Stopwatch;
use benches::workload::{FRAMES, RULE_COUNTS, frames, rule_set};
use capture::memory::MemorySource;
use contract::{LinkType, WallOffset};
use criterion::Criterion;
use detect::{FlowVariables, Generation, Inspect, RuleSet, Scratch};
use flow::{FlowTable, Looked, Timeouts};
use packet::OwnerHash;
use pipeline::clock::TscClock;
use pipeline::{Link, Settings, Step, Worker, view, wire};
use ring::RecordScratch;

/// Flows that the tables have room for.
const FLOWS_MAX: usize = 65_536;
/// Time between two packets, for the flow table.
const PACKET_GAP_NS: u64 = 10_000;

fn main() {
    let criterion = Criterion::default()
        .with_profiler(FlameGraph::default())
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let percentiles = Percentiles::new("detection_overhead", "nanoseconds per packet");
    let mut bench = Bench { criterion, percentiles };
    let frames = frames();
    bench.measure("clock", || || 1);
    for count in RULE_COUNTS {
        let rules = LazyCell::new(|| rule_set(count).unwrap());
        bench.measure(&format!("detect_{count}"), || {
            let mut stage = Detection::new(&rules, &frames);
            move || stage.next()
        });
        bench.measure(&format!("stages_{count}"), || {
            let mut stages = Stages::new(&rules, &frames);
            move || stages.next()
        });
        bench.measure(&format!("pipeline_{count}"), || {
            let mut pipeline = Pipeline::new(&rules, &frames);
            move || pipeline.next()
        });
    }
    bench.criterion.final_summary();
    if !profiler::is_asked_for() {
        bench.percentiles.report().unwrap();
    }
}

struct Bench {
    criterion: Criterion,
    percentiles: Percentiles,
}

impl Bench {
    /// Measures the item that `make` makes; it says how many packets it did.
    fn measure<F: FnMut() -> u64>(&mut self, case: &str, make: impl Fn() -> F) {
        let mut item = None;
        // Less than one pass over the packets is warming up.
        let mut watch = Stopwatch::new(FRAMES as u64);
        self.criterion.bench_function(case, |bencher| {
            let item = item.get_or_insert_with(&make);
            bencher.iter_custom(|packets| watch.time(packets, &mut *item));
        });
        self.percentiles.add(Row::of_histogram(case, &watch.into_histogram()));
    }
}

/// The rules alone, over packets that were decoded before.
struct Detection<'a> {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    variables: FlowVariables,
    packets: Vec<Inspect<'a>>,
    at: usize,
}

impl<'a> Detection<'a> {
    fn new(rules: &Arc<RuleSet>, frames: &'a [Vec<u8>]) -> Self {
        let decoded = frames.iter().filter_map(|frame| {
            let decoded = packet::decode(LinkType::ETHERNET, frame).ok()?;
            Some(view(&decoded, frame, decoded.payload.of(frame), false))
        });
        let (packets, scratch) = (decoded.collect(), rules.new_scratch());
        let variables = FlowVariables::default();
        Self { rules: Arc::clone(rules), scratch, variables, packets, at: 0 }
    }

    fn next(&mut self) -> u64 {
        let packet = &self.packets[self.at];
        self.at = (self.at + 1) % self.packets.len();
        black_box(self.rules.inspect(packet, &mut self.variables, &mut self.scratch));
        1
    }
}

/// Decode, flow look-up and the rules, as a worker joins them.
struct Stages<'a> {
    generation: Box<Generation>,
    owners: OwnerHash,
    flows: FlowTable<()>,
    frames: &'a [Vec<u8>],
    packets: u64,
}

impl<'a> Stages<'a> {
    fn new(rules: &Arc<RuleSet>, frames: &'a [Vec<u8>]) -> Self {
        Self {
            generation: Generation::new(1, Arc::clone(rules)),
            owners: OwnerHash::new([7; 16]),
            flows: FlowTable::new(FLOWS_MAX, 0, Timeouts::default()),
            frames,
            packets: 0,
        }
    }

    fn next(&mut self) -> u64 {
        let frame = &self.frames[self.packets as usize % self.frames.len()];
        self.packets += 1;
        let decoded = packet::decode(LinkType::ETHERNET, frame).unwrap();
        let (key, from_low) = decoded.flow_key();
        let (hash, now_ns) = (self.owners.flow_hash(&key), self.packets * PACKET_GAP_NS);
        let (flow, is_new) = loop {
            match self.flows.look_up(&key, hash, from_low, now_ns) {
                Looked::Found(flow) => break (flow, false),
                Looked::Created(flow) => break (flow, true),
                Looked::Ended(ended) => drop(ended),
            }
        };
        let direction = flow.core.direction(from_low);
        flow.core.count(direction, frame.len() as u32, now_ns);
        let seen = view(&decoded, frame, decoded.payload.of(frame), is_new);
        let variables = &mut FlowVariables::default();
        black_box(self.generation.rules.inspect(&seen, variables, &mut self.generation.scratch));
        1
    }
}

/// A whole worker on a source in memory, and a drain that empties its ring.
struct Pipeline {
    worker: Worker<MemorySource, TscClock>,
    link: Link,
    scratch: RecordScratch,
}

impl Pipeline {
    fn new(rules: &Arc<RuleSet>, frames: &[Vec<u8>]) -> Self {
        let settings = Settings { flows_max: FLOWS_MAX, ..Settings::default() };
        let first = |_| Generation::new(1, Arc::clone(rules));
        let (seat, link) = wire(&settings, &Arc::new(WallOffset::zero()), first).pop().unwrap();
        let source = MemorySource::new(LinkType::ETHERNET, frames.to_vec()).repeat(u64::MAX);
        let worker = Worker::new(seat, source, TscClock::new());
        Self { worker, link, scratch: RecordScratch::new() }
    }

    fn next(&mut self) -> u64 {
        let Step::Worked(packets) = self.worker.turn().unwrap() else { return 0 };
        while let Some(record) = self.link.lanes[0].next(&mut self.scratch) {
            black_box(record.unwrap().header.signature);
        }
        packets as u64
    }
}
