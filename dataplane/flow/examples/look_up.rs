//! What a look-up costs with 10,000 and with a million flows: `cargo run --release -p flow --example look_up`.
//!
//! Packets of random flows come in bursts of 32, as to a worker. The same packets are looked up as they come,
//! and after the tags and entries of the whole burst were fetched; both take turns, so that a change of the
//! machine's speed meets both.

#![allow(clippy::print_stdout, missing_docs, reason = "a program to be looked at")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use contract::FlowKey;
use flow::{Direction, FlowTable, Looked, Timeouts};

const BURST: usize = 32;
const BURSTS: usize = 4_096;
const ROUNDS: usize = 41;
/// Bytes of a state like the pipeline's, with room to grow.
type State = [u64; 8];

fn main() {
    println!("flows      bytes/flow   ns per look-up: as they come   after a fetch (medians)");
    for flows in [10_000, 1_000_000] {
        // A half is in use, as it should be.
        let mut bench = Bench::new(flows, 2 * flows);
        let (mut plain, mut fetched) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS + 2 {
            let times = [bench.round(false), bench.round(true)];
            // The first rounds warm the caches.
            if round >= 2 {
                plain.push(times[0]);
                fetched.push(times[1]);
            }
        }
        let bytes = FlowTable::<State>::ENTRY_BYTES;
        let (plain, fetched) = (median(plain), median(fetched));
        println!("{flows:<10} {bytes:>10} {plain:>30.1} {fetched:>15.1}");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Any spreading will do here. This is the last step of SplitMix64.
fn spread(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

struct Bench {
    table: FlowTable<State>,
    flows: usize,
    now_ns: u64,
    random: u64,
}

impl Bench {
    fn new(flows: usize, room: usize) -> Self {
        let table = FlowTable::new(room, 0, Timeouts::default());
        let mut bench = Self { table, flows, now_ns: 0, random: 1 };
        for number in 0..flows {
            bench.look_up(number);
        }
        bench
    }

    fn key(number: usize) -> (FlowKey, u64) {
        let end = |number: u32| (IpAddr::V4(Ipv4Addr::from(number)), 1_000);
        let (low, high) = (end(number as u32), end(u32::MAX));
        let key = FlowKey { low, high, protocol: 6, vlan: [0; 2], depth: 0 };
        (key, spread(number as u64))
    }

    fn look_up(&mut self, number: usize) {
        let (key, hash) = Self::key(number);
        self.now_ns += 10;
        loop {
            match self.table.look_up(&key, hash, true, self.now_ns) {
                Looked::Found(flow) | Looked::Created(flow) => {
                    flow.core.count(Direction::ToServer, 60, self.now_ns);
                    flow.state[0] += 1;
                    break;
                }
                Looked::Ended(ended) => drop(black_box(ended)),
            }
        }
    }

    /// Nanoseconds of a look-up.
    fn round(&mut self, fetch: bool) -> f64 {
        let start = Instant::now();
        for _ in 0..BURSTS {
            let burst: [usize; BURST] = std::array::from_fn(|_| {
                self.random += 1;
                spread(self.random << 20) as usize % self.flows
            });
            if fetch {
                let hashes = burst.map(|number| Self::key(number).1);
                hashes.iter().for_each(|hash| self.table.fetch_tags(*hash));
                hashes.iter().for_each(|hash| self.table.fetch_entry(*hash));
            }
            burst.iter().for_each(|number| self.look_up(*number));
        }
        start.elapsed().as_nanos() as f64 / (BURSTS * BURST) as f64
    }
}
