//! What an alert costs on its way from a worker's ring to the consumer, stage by stage: the record in the ring,
//! the alert made of it, the message, and the message read again, each by itself in one thread; then the
//! running control plane, from the ring to JetStream's acknowledgement, to the spool's disk, and from there to
//! the acknowledgement, as fast as it goes.
//!
//! A group a stage, in the order of the way. Times are per alert.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod delivery;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use alert_schema::Batch;
use benches::alerts::{Messages, PAYLOAD_BYTES, alerts, record_slots, write_record};
use benches::profiler::FlameGraph;
use benches::workload::content_rules;
use contract::Record;
use control::{Enricher, EveOptions, GenerationText, Registry, RegistryReader, render};
use criterion::{BenchmarkId, Criterion, Throughput};
use ring::{RecordScratch, record_ring};

/// Slots of the ring.
const RING_SLOTS: usize = 4_096;
/// Alerts of a batch: one of an idle sensor, one of a window under load, one that is nearly full.
const BATCHES: [usize; 3] = [1, 64, 256];

fn main() {
    let mut criterion = Criterion::default()
        .with_profiler(FlameGraph::default())
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    ring(&mut criterion);
    enrich(&mut criterion);
    encode(&mut criterion);
    decode(&mut criterion);
    eve(&mut criterion);
    delivery::publish(&mut criterion);
    delivery::spool(&mut criterion);
    criterion.final_summary();
}

/// A record written, pushed and read again, by the bytes of its payload.
fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alert_path/ring");
    group.throughput(Throughput::Elements(1));
    for bytes in [0, PAYLOAD_BYTES, 1_400] {
        group.bench_function(BenchmarkId::new("write_push_pop", bytes), |bencher| {
            let (mut producer, mut consumer) = record_ring(RING_SLOTS);
            let (mut slots, mut scratch) = (record_slots(), RecordScratch::new());
            let (payload, mut number) = (vec![0x2E; bytes], 0);
            bencher.iter(|| {
                number += 1;
                producer.push(write_record(&mut slots, number, black_box(&payload))).unwrap();
                let record = consumer.next(&mut scratch).unwrap().unwrap();
                record.header.sequence
            });
        });
    }
    group.finish();
}

/// A record to an alert with its rule's text and community id.
fn enrich(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alert_path/enrich");
    group.throughput(Throughput::Elements(1));
    group.bench_function("alert", |bencher| {
        let registry = Arc::new(Registry::default());
        registry.insert(GenerationText::new(1, &content_rules(1)));
        let mut enricher =
            Enricher::new(RegistryReader::new(registry), &["0000:01:00.0".to_owned()]);
        let mut slots = record_slots();
        let payload = [0x2E; PAYLOAD_BYTES];
        let record = Record::decode(write_record(&mut slots, 1, &payload)).unwrap();
        bencher.iter(|| enricher.alert(black_box(&record)).is_some());
    });
    group.finish();
}

/// Alerts to a message: built and closed, where it is sent from.
fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alert_path/encode");
    for count in BATCHES {
        let alerts = alerts(count);
        group.throughput(Throughput::Elements(count as u64));
        let mut messages = Messages::default();
        group.bench_function(BenchmarkId::new("batch", count), |bencher| {
            bencher.iter(|| messages.of(black_box(&alerts), |bytes| black_box(bytes).len()));
        });
    }
    group.finish();
}

/// The same message, verified and read by a consumer.
fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alert_path/decode");
    for count in BATCHES {
        let mut messages = Messages::default();
        let message = messages.of(&alerts(count), <[u8]>::to_vec);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("batch", count), |bencher| {
            bencher.iter(|| {
                let batch = Batch::decode(black_box(&message)).unwrap();
                batch.alerts().map(|alert| alert.unwrap().header.sequence).sum::<u64>()
            });
        });
    }
    group.finish();
}

/// An alert as a line of EVE JSON.
fn eve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alert_path/eve");
    group.throughput(Throughput::Elements(1));
    let alerts = alerts(1);
    for payload in [false, true] {
        let options = EveOptions { payload, packet_number: false };
        let mut line = String::new();
        group.bench_function(if payload { "line_with_payload" } else { "line" }, |bencher| {
            bencher.iter(|| {
                line.clear();
                render(black_box(&alerts[0]), options, &mut line);
                line.len()
            });
        });
    }
    group.finish();
}
