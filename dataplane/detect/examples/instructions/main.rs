//! Inspects packets with generated content rules, to count what a packet costs:
//!
//! ```text
//! cargo build --release -p detect --example instructions
//! valgrind --tool=callgrind --toggle-collect='*inspect_all*' \
//!     target/release/examples/instructions 10000 [capture.pcap|- [packets [nfa|dfa]]]
//! ```
//!
//! The first argument may also be a rules file. Without a capture (`-`) it generates traffic. With `nfa`
//! or `dfa` it scans with that form of Aho-Corasick over the first literal of each rule instead, to
//! compare prefilters. It prints packets, candidates and alerts per packet, bytes,
//! and nanoseconds per packet; callgrind's total divided by the packets is the instructions per packet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod capture;
mod rules_of;

use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use contract::EventSet;
use detect::{
    CompileCache, CompileOptions, FlowVariables, FlowView, Headers, Inspect, RuleSet, Scope,
    Scratch,
};
use rules::hir::{PayloadTest, Rule};

use crate::capture::Packet;

/// Packets read or generated unless the command line says.
const PACKETS: usize = 20_000;

#[derive(Default)]
struct Sums {
    candidates: u64,
    alerts: u64,
    bytes: u64,
    nanoseconds: u64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rules = rules_of::read_or_generate(&arguments.next().unwrap_or("1000".to_owned()));
    let capture = arguments.next();
    let most = arguments.next().map_or(PACKETS, |n| n.parse().expect("number of packets"));
    let packets = match capture.as_deref().filter(|path| *path != "-") {
        Some(path) => capture::read(path, most),
        None => capture::generate(most),
    };
    let started = Instant::now();
    let sums = match arguments.next().as_deref() {
        None => with_engine(rules, &packets),
        Some("nfa") => with_aho_corasick(&rules, AhoCorasickKind::ContiguousNFA, &packets),
        Some("dfa") => with_aho_corasick(&rules, AhoCorasickKind::DFA, &packets),
        Some(other) => panic!("{other}: not a matcher"),
    };
    println!("everything took {:?}, {} packets", started.elapsed(), packets.len());
    let per_packet = |sum: u64| sum as f64 / packets.len() as f64;
    println!("candidates_per_packet {:.3}", per_packet(sums.candidates));
    println!("alerts_per_packet {:.3}", per_packet(sums.alerts));
    println!("bytes_per_packet {:.1}", per_packet(sums.bytes));
    println!("ns_per_packet {:.0}", per_packet(sums.nanoseconds));
}

fn with_engine(rules: Vec<Rule>, packets: &[Packet]) -> Sums {
    let options = CompileOptions::default();
    let rules = RuleSet::compile(rules, &options, &mut CompileCache::new()).expect("rules");
    println!("{:#?}", rules.report());
    for refusal in rules.refused() {
        println!("refused: {refusal}");
    }
    let mut scratch = rules.new_scratch();
    // Warms caches and branch predictors; short, since callgrind does not count it but runs it.
    warm(&rules, packets.get(..packets.len().min(100)).unwrap_or_default(), &mut scratch);
    let started = Instant::now();
    let mut sums = inspect_all(&rules, packets, &mut scratch);
    sums.nanoseconds = started.elapsed().as_nanos() as u64;
    sums
}

fn with_aho_corasick(rules: &[Rule], kind: AhoCorasickKind, packets: &[Packet]) -> Sums {
    let literals = rules.iter().filter_map(|rule| match rule.payload.first()? {
        PayloadTest::Content(content) => Some(&content.bytes),
        _ => None,
    });
    let matcher = AhoCorasick::builder()
        .kind(Some(kind))
        .ascii_case_insensitive(true)
        .prefilter(false)
        .build(literals)
        .expect("matcher");
    println!("matcher: {} bytes", matcher.memory_usage());
    let started = Instant::now();
    let mut sums = inspect_all_aho_corasick(&matcher, packets);
    sums.nanoseconds = started.elapsed().as_nanos() as u64;
    sums
}

#[inline(never)]
fn inspect_all_aho_corasick(matcher: &AhoCorasick, packets: &[Packet]) -> Sums {
    let mut sums = Sums::default();
    for packet in packets {
        sums.candidates += matcher.find_overlapping_iter(&packet.payload).count() as u64;
        sums.bytes += packet.payload.len() as u64;
    }
    sums
}

fn warm(rules: &RuleSet, packets: &[Packet], scratch: &mut Scratch) {
    for packet in packets {
        rules.inspect(&view(packet), &mut FlowVariables::default(), scratch);
    }
}

fn view(packet: &Packet) -> Inspect<'_> {
    Inspect {
        tuple: packet.tuple,
        ttl: 64,
        tcp_flags: packet.tcp_flags,
        icmp: None,
        payload: &packet.payload,
        headers: Headers::default(),
        payload_bytes: packet.payload.len() as u32,
        in_stream: false,
        chunks: &[],
        chunks_only: false,
        has_transport: true,
        first_in_direction: false,
        flow: Some(FlowView { to_server: true, established: true, age_s: 0, stream_sizes: None }),
        reassembled: false,
        events: EventSet::EMPTY,
        scope: Scope::Whole,
    }
}

#[inline(never)]
fn inspect_all(rules: &RuleSet, packets: &[Packet], scratch: &mut Scratch) -> Sums {
    let (mut sums, mut variables) = (Sums::default(), FlowVariables::default());
    for packet in packets {
        let outcome = rules.inspect(&view(packet), &mut variables, scratch);
        sums.candidates += u64::from(outcome.candidates);
        sums.bytes += u64::from(outcome.bytes_scanned);
        sums.alerts += scratch.alerts().len() as u64;
    }
    sums
}
