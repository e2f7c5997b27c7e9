//! Inspects packets with generated content rules, to count what a packet costs:
//!
//! ```text
//! cargo build --release -p detect --example instructions
//! valgrind --tool=callgrind --toggle-collect='*inspect_all*' \
//!     target/release/examples/instructions 10000 [capture.pcap [packets]]
//! ```
//!
//! Without a capture it generates traffic. It prints packets, candidates and alerts per packet, bytes,
//! and nanoseconds per packet; callgrind's total divided by the packets is the instructions per packet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod capture;
mod rules_of;

use std::time::Instant;

use detect::{CompileCache, CompileOptions, Inspect, RuleSet, Scratch};

use crate::capture::Packet;

/// Packets read or generated unless the command line says.
const PACKETS: usize = 20_000;

#[derive(Default)]
struct Sums {
    candidates: u64,
    alerts: u64,
    bytes: u64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rules: usize = arguments.next().map_or(1_000, |n| n.parse().expect("number of rules"));
    let capture = arguments.next();
    let most = arguments.next().map_or(PACKETS, |n| n.parse().expect("number of packets"));
    let packets = match capture.as_deref().filter(|path| *path != "-") {
        Some(path) => capture::read(path, most),
        None => capture::generate(most),
    };
    let options = CompileOptions::default();
    let started = Instant::now();
    let rules = RuleSet::compile(rules_of::generate(rules), &options, &mut CompileCache::new());
    let rules = rules.expect("rules");
    println!("{:#?}", rules.report());
    println!("compiled in {:?}, {} packets", started.elapsed(), packets.len());
    let mut scratch = rules.new_scratch();
    let started = Instant::now();
    let sums = inspect_all(&rules, &packets, &mut scratch);
    let nanoseconds = started.elapsed().as_nanos() as f64;
    let per_packet = |sum: u64| sum as f64 / packets.len() as f64;
    println!("candidates_per_packet {:.3}", per_packet(sums.candidates));
    println!("alerts_per_packet {:.3}", per_packet(sums.alerts));
    println!("bytes_per_packet {:.1}", per_packet(sums.bytes));
    println!("ns_per_packet {:.0}", nanoseconds / packets.len() as f64);
}

#[inline(never)]
fn inspect_all(rules: &RuleSet, packets: &[Packet], scratch: &mut Scratch) -> Sums {
    let mut sums = Sums::default();
    for packet in packets {
        let view = Inspect {
            tuple: packet.tuple,
            ttl: 64,
            tcp_flags: packet.tcp_flags,
            icmp: None,
            payload: &packet.payload,
            has_transport: true,
            first_in_direction: false,
        };
        let outcome = rules.inspect(&view, scratch);
        sums.candidates += u64::from(outcome.candidates);
        sums.bytes += u64::from(outcome.bytes_scanned);
        sums.alerts += scratch.alerts().len() as u64;
    }
    sums
}
