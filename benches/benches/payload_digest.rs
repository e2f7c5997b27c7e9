//! What the cache of payload digests saves, by length: SHA-256 at once, a hit, a miss, hostile
//! payloads, and the PRFs that could key it. `BYPASS_BELOW` is the length from which a hit saves more than a miss costs; set
//! it to 0 to have hits and misses of all lengths measured.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::hint::black_box;

use benches::profiler::FlameGraph;
use criterion::{BenchmarkId, Criterion, Throughput};
use hash::{BYPASS_BELOW, DIGESTS_MAX, PayloadDigests, sha256};
use siphasher::sip128::{SipHasher13, SipHasher24};

const LENGTHS: [usize; 10] = [16, 48, 64, 96, 128, 160, 192, 256, 512, 1_460];
const KEY: [u8; 16] = [7; 16];
/// Payloads that come again and again.
const REPEATED: u32 = DIGESTS_MAX as u32;

fn main() {
    let mut criterion =
        Criterion::default().with_profiler(FlameGraph::default()).configure_from_args();
    payload_digest(&mut criterion);
    criterion.final_summary();
}

/// The number of the payload whose turn it is.
type Order = fn(u32) -> u32;

/// Orders in which payloads follow each other: `hit` goes round all of a full cache, `miss` never
/// repeats, and in `hostile` every second one is new, which pushes out what the others would find.
const ORDERS: [(&str, Order); 3] = [
    ("hit", |turn| turn % REPEATED),
    ("miss", |turn| turn),
    ("hostile", |turn| if turn % 2 == 0 { turn / 2 % REPEATED } else { REPEATED + turn }),
];

fn payload_digest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload_digest");
    for length in LENGTHS {
        let mut payload = vec![0x5A; length];
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_with_input(BenchmarkId::new("direct", length), &payload, |bencher, payload| {
            bencher.iter(|| sha256(black_box(payload)));
        });
        group.bench_with_input(BenchmarkId::new("sip13", length), &payload, |bencher, payload| {
            let prf = SipHasher13::new_with_key(&KEY);
            bencher.iter(|| prf.hash(black_box(payload)).as_u128());
        });
        group.bench_with_input(BenchmarkId::new("sip24", length), &payload, |bencher, payload| {
            let prf = SipHasher24::new_with_key(&KEY);
            bencher.iter(|| prf.hash(black_box(payload)).as_u128());
        });
        if length < BYPASS_BELOW {
            continue;
        }
        for (name, number) in ORDERS {
            let (mut digests, mut turn) = (PayloadDigests::new(DIGESTS_MAX, KEY), 0_u32);
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| {
                    turn = turn.wrapping_add(1);
                    payload[..4].copy_from_slice(&number(turn).to_le_bytes());
                    digests.digest(black_box(&payload))
                });
            });
        }
    }
    group.finish();
}
