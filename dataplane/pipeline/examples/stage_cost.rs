//! What it costs to time packets through their stages: `cargo run --release -p pipeline --example stage_cost`.
//!
//! Workers that differ in nothing but `Settings::stage_sample` take turns on the same packets, so that a
//! change of the machine's speed meets them all. Each round is held against the first worker's of the same
//! round; the second worker does as the first, and shows how far equal ones are apart.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a program to be looked at"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use capture::memory::MemorySource;
use contract::{LinkType, WallOffset};
use detect::{CompileCache, CompileOptions, Generation, RuleSet};
use pipeline::clock::TscClock;
use pipeline::{Link, STAGE_SAMPLE, Settings, Step, Worker, wire};
use ring::RecordScratch;
use rules::Environment;
use testkit::Traffic;

const RULES: usize = 1_000;
const FRAMES: usize = 4_096;
const TURNS: usize = 1_024;
const ROUNDS: usize = 301;
/// One packet of so many is timed; 0 for none.
const SAMPLES: [u32; 4] = [0, 0, STAGE_SAMPLE, 1];

fn main() {
    let rules = rule_set();
    let frames = Traffic::new(7).pattern(b"token17x", 0.01).frames(FRAMES);
    let frames: Vec<_> = frames.into_iter().map(|frame| frame.bytes).collect();
    let mut sides = SAMPLES.map(|sample| Side::new(sample, &rules, &frames));
    let mut rounds = [const { Vec::new() }; SAMPLES.len()];
    for round in 0..ROUNDS + 10 {
        for (side, times) in sides.iter_mut().zip(&mut rounds) {
            let ns = side.round();
            // The first rounds warm the caches.
            if round >= 10 {
                times.push(ns);
            }
        }
    }
    println!("timed      ns per packet   ratio to none: median (p10 to p90 of {ROUNDS} rounds)");
    for (sample, times) in SAMPLES.iter().zip(&rounds) {
        let mut ratios: Vec<_> = times.iter().zip(&rounds[0]).map(|(ns, none)| ns / none).collect();
        let [low, median, high] = percentiles(&mut ratios);
        let [_, ns, _] = percentiles(&mut times.clone());
        let name = if *sample == 0 { "none".into() } else { format!("1 of {sample}") };
        println!("{name:<10} {ns:>13.1}   {median:.3} ({low:.3} to {high:.3})");
    }
}

/// 10th, 50th and 90th percentile.
fn percentiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 5, 9].map(|tenth| values[values.len() * tenth / 10])
}

fn rule_set() -> Arc<RuleSet> {
    let mut text = String::new();
    for sid in 1..=RULES {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "alert ip any any -> any any (content:\"token{sid}x\"; sid:{sid};)");
    }
    let loaded = rules::load(text.as_bytes(), "generated", &Environment::default());
    let (options, mut cache) = (CompileOptions::default(), CompileCache::new());
    Arc::new(RuleSet::compile(loaded.rules, &options, &mut cache).expect("the rules compile"))
}

/// A worker and a drain that empties its ring.
struct Side {
    worker: Worker<MemorySource, TscClock>,
    link: Link,
    scratch: RecordScratch,
}

impl Side {
    fn new(stage_sample: u32, rules: &Arc<RuleSet>, frames: &[Vec<u8>]) -> Self {
        let settings = Settings { stage_sample, flows_max: 65_536, ..Settings::default() };
        let first = |_| Generation::new(1, Arc::clone(rules));
        let mut wired = wire(&settings, &Arc::new(WallOffset::zero()), first);
        let (seat, link) = wired.pop().expect("one worker has one seat");
        let source = MemorySource::new(LinkType::ETHERNET, frames.to_vec()).repeat(u64::MAX);
        let worker = Worker::new(seat, source, TscClock::new());
        Self { worker, link, scratch: RecordScratch::new() }
    }

    /// Nanoseconds of a packet, over a round.
    fn round(&mut self) -> f64 {
        let mut packets = 0;
        let start = Instant::now();
        for _ in 0..TURNS {
            if let Ok(Step::Worked(count)) = self.worker.turn() {
                packets += count;
            }
            while self.link.lanes[0].next(&mut self.scratch).is_some() {}
        }
        start.elapsed().as_nanos() as f64 / packets.max(1) as f64
    }
}
