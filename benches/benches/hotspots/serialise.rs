//! A batch of alerts as JSON and as flatbuffers: time to write, and size.

use std::hint::black_box;

use benches::alerts::{Messages, alerts};
use control::Alert;
use criterion::{Criterion, Throughput};

use crate::eve::Event;

/// Alerts of a batch.
const ALERTS: usize = 256;

pub(crate) fn bench(criterion: &mut Criterion) {
    let alerts = alerts(ALERTS);
    let mut messages = Messages::default();
    println!(
        "serialise: {ALERTS} alerts are {} bytes of JSON, {} bytes of flatbuffers",
        json(&alerts).len(),
        flatbuffers(&mut messages, &alerts)
    );
    let mut group = criterion.benchmark_group("serialise");
    group.throughput(Throughput::Elements(ALERTS as u64));
    group.bench_function("serde_json", |bencher| bencher.iter(|| json(black_box(&alerts)).len()));
    group.bench_function("flatbuffers", |bencher| {
        bencher.iter(|| flatbuffers(&mut messages, black_box(&alerts)));
    });
    group.finish();
}

fn json(alerts: &[Alert]) -> Vec<u8> {
    let events: Vec<_> = alerts.iter().map(Event::of).collect();
    serde_json::to_vec(&events).unwrap()
}

/// Bytes of the message.
fn flatbuffers(messages: &mut Messages, alerts: &[Alert]) -> usize {
    messages.of(alerts, |bytes| black_box(bytes).len())
}
