//! A flood of half-open connections: what is established stays, and no memory is taken.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::net::{IpAddr, Ipv4Addr};

use allocation_counter::{AllocationInfo, measure};
use contract::{FlowKey, FlowStage};
use flow::{Direction, FlowEnd, FlowRef, FlowTable, Looked, Timeouts, WAYS};

const S: u64 = 1_000_000_000;
/// Keys of the flood; with `SENSOR_LONG` there are more.
const KEYS: u32 = 500_000;
const KEYS_LONG: u32 = 10_000_000;
/// Time from one to the next: a million a second.
const GAP_NS: u64 = 1_000;

/// Any spreading will do here; the sensor's hash is keyed. This is the last step of SplitMix64.
fn hash(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn key(number: u32) -> FlowKey {
    let address = |number: u32| IpAddr::V4(Ipv4Addr::from(number));
    FlowKey {
        low: (address(number), 1_000),
        high: (address(u32::MAX), 80),
        protocol: 6,
        vlan: [0; 2],
        depth: 0,
    }
}

struct Flooded {
    table: FlowTable<[u64; 4]>,
    ends: [u64; FlowEnd::COUNT],
    created: u64,
    emergencies_seen: bool,
}

impl Flooded {
    /// A packet to the server.
    fn packet(&mut self, number: u32, now_ns: u64) -> FlowRef {
        loop {
            let flow = match self.table.look_up(&key(number), hash(number.into()), true, now_ns) {
                Looked::Found(flow) => flow,
                Looked::Created(flow) => {
                    self.created += 1;
                    flow
                }
                Looked::Ended(ended) => {
                    self.ends[ended.end as usize] += 1;
                    continue;
                }
            };
            flow.core.count(Direction::ToServer, 60, now_ns);
            return flow.reference;
        }
    }

    /// What a worker does between two bursts.
    fn turn(&mut self, now_ns: u64) {
        let mut budget = 128;
        while let Some(ended) = self.table.expire(now_ns, &mut budget) {
            self.ends[ended.end as usize] += 1;
        }
        self.emergencies_seen |= self.table.is_emergency();
    }
}

/// A table of 16,384 flows, a quarter of it established: in no bucket more than seven, so that each has
/// room for one more.
fn established() -> (Flooded, Vec<(u32, FlowRef)>) {
    let table = FlowTable::new(16_384, 0, Timeouts::default());
    let buckets = table.capacity() / WAYS;
    let mut flooded =
        Flooded { table, ends: [0; FlowEnd::COUNT], created: 0, emergencies_seen: false };
    let (mut in_bucket, mut flows) = (vec![0; buckets], Vec::new());
    for number in 1.. {
        let bucket = hash(number.into()) as usize % buckets;
        if in_bucket[bucket] == WAYS - 1 {
            continue;
        }
        in_bucket[bucket] += 1;
        let reference = flooded.packet(number, S);
        flooded.table.get(reference).unwrap().core.set_stage(FlowStage::Established);
        flows.push((number, reference));
        if flows.len() == 4_096 {
            break;
        }
    }
    (flooded, flows)
}

#[test]
fn what_is_established_outlives_a_flood_of_half_open_connections() {
    let keys = if std::env::var_os("SENSOR_LONG").is_some() { KEYS_LONG } else { KEYS };
    let (mut flooded, flows) = established();
    let mut now_ns = S;
    let allocations = measure(|| {
        for number in 0..keys {
            now_ns += GAP_NS;
            flooded.packet((1 << 24) | number, now_ns);
            if number % 32 == 0 {
                flooded.turn(now_ns);
            }
        }
    });
    assert_eq!(allocations, AllocationInfo::default());
    for (number, reference) in &flows {
        assert!(flooded.table.get(*reference).is_some(), "{number} is gone");
        assert_eq!(flooded.packet(*number, now_ns), *reference);
    }
    let of = |end: FlowEnd| flooded.ends[end as usize];
    assert_eq!(of(FlowEnd::EvictedEstablished) + of(FlowEnd::TimedOutEstablished), 0);
    assert!(of(FlowEnd::EvictedNew) + of(FlowEnd::TimedOutNew) > 480_000, "{:?}", flooded.ends);
    assert!(flooded.emergencies_seen);
    let ended: u64 = flooded.ends.iter().sum();
    assert_eq!(flooded.created, ended + flooded.table.len() as u64);

    // The flood is over; after the emergency's 5 s, in which the time-outs are short, there is room.
    for second in 1..=20 {
        let now_ns = now_ns + second * S;
        (0..1_000).for_each(|_| flooded.turn(now_ns));
    }
    assert!(!flooded.table.is_emergency() && flooded.table.len() < 16_384 * 3 / 4);
}
