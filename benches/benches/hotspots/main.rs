//! Each hotspot that the sensor is built around, without its remedy (A) and with it (B), in one run:
//!
//! | group | A | B |
//! | --- | --- | --- |
//! | `regex_compile` | every load compiles every expression | the cache that reloads keep |
//! | `nats_publish` | one connection, a message an alert, each awaited | four connections, batches, acknowledgements in flight |
//! | `digest` | SHA-256 of every payload | the LRU, when payloads repeat and when none does |
//! | `serialise` | serde_json | flatbuffers into a builder that is kept |
//! | `eve` | serde_json for the whole line | the `alert` part rendered once a rule |
//!
//! The A sides exist only here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod eve;
mod publish;
mod serialise;

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use benches::profiler::FlameGraph;
use criterion::{BatchSize, Criterion, Throughput};
use detect::{CompileCache, CompileOptions, RuleSet};
use hash::{DIGESTS_MAX, PayloadDigests, sha256};
use rules::Environment;
use rules::hir::Rule;

/// Rules with an expression of their own each.
const PCRE_RULES: usize = 300;
/// Bytes of a payload that is hashed: a full segment.
const PAYLOAD_BYTES: usize = 1_460;

fn main() {
    let mut criterion = Criterion::default()
        .with_profiler(FlameGraph::default())
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    regex_compile(&mut criterion);
    publish::bench(&mut criterion);
    payload_digest(&mut criterion);
    serialise::bench(&mut criterion);
    eve::bench(&mut criterion);
    criterion.final_summary();
}

/// A load of rules whose expressions are compiled, beside a reload that finds them compiled.
fn regex_compile(criterion: &mut Criterion) {
    let rules = pcre_rules();
    let compile = |rules: Vec<Rule>, cache: &mut CompileCache| {
        RuleSet::compile(rules, &CompileOptions::default(), cache).unwrap()
    };
    let mut group = criterion.benchmark_group("regex_compile");
    group.throughput(Throughput::Elements(PCRE_RULES as u64));
    group.bench_function("per_load", |bencher| {
        bencher.iter_batched(
            || rules.clone(),
            |rules| compile(rules, &mut CompileCache::new()),
            BatchSize::PerIteration,
        );
    });
    let mut cache = CompileCache::new();
    group.bench_function("cached", |bencher| {
        compile(rules.clone(), &mut cache);
        bencher.iter_batched(
            || rules.clone(),
            |rules| compile(rules, &mut cache),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn pcre_rules() -> Vec<Rule> {
    let mut text = String::new();
    for sid in 1..=PCRE_RULES {
        let _ = writeln!(
            text,
            "alert tcp any any -> any any (msg:\"{sid}\"; content:\"token{sid}=\"; \
             pcre:\"/token{sid}=[a-f0-9]{{8,32}}(&|#)/i\"; sid:{sid}; rev:1;)"
        );
    }
    let loaded = rules::load(text.as_bytes(), "hotspots", &Environment::default());
    assert_eq!(loaded.rules.len(), PCRE_RULES, "{:?}", loaded.diagnostics);
    loaded.rules
}

/// Payloads that repeat (a flood of one alert) and payloads of which none does.
fn payload_digest(criterion: &mut Criterion) {
    let mut payload = vec![0x5A; PAYLOAD_BYTES];
    let mut group = criterion.benchmark_group("digest");
    group.throughput(Throughput::Bytes(PAYLOAD_BYTES as u64));
    group.bench_function("sha256_always", |bencher| {
        bencher.iter(|| sha256(black_box(&payload)));
    });
    // Hits go round all of the cache; hostile payloads evict what others would have found.
    for (name, distinct) in [("lru_repeated", DIGESTS_MAX as u32), ("lru_hostile", u32::MAX)] {
        let (mut digests, mut number) = (PayloadDigests::new(DIGESTS_MAX, [7; 16]), 0_u32);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number = (number + 1) % distinct;
                payload[..4].copy_from_slice(&number.to_le_bytes());
                digests.digest(black_box(&payload))
            });
        });
    }
    group.finish();
}
