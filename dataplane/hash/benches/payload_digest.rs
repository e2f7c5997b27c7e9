//! What the cache of payload digests saves, by length: SHA-256 at once, a hit, a miss, and the PRFs
//! that could key it. `BYPASS_BELOW` is the length from which a hit saves more than a miss costs; set
//! it to 0 to have hits and misses of all lengths measured.

#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hash::{BYPASS_BELOW, DIGESTS_MAX, PayloadDigests, sha256};
use siphasher::sip128::{SipHasher13, SipHasher24};

const LENGTHS: [usize; 10] = [16, 48, 64, 96, 128, 160, 192, 256, 512, 1_460];
const KEY: [u8; 16] = [7; 16];

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
        // The cache is full, and the hits go round all of it.
        let mut digests = PayloadDigests::new(DIGESTS_MAX, KEY);
        for (name, distinct) in [("hit", DIGESTS_MAX as u32), ("miss", u32::MAX)] {
            let mut number = 0_u32;
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| {
                    number = (number + 1) % distinct;
                    payload[..4].copy_from_slice(&number.to_le_bytes());
                    digests.digest(black_box(&payload))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, payload_digest);
criterion_main!(benches);
