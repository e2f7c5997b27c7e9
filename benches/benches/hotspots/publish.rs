//! Alerts to JetStream on a file store: one connection and one message an alert, each awaited, beside a
//! pool of connections that have batches in flight. An iteration is an alert that is acknowledged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use benches::alerts::{Messages, alerts};
use bytes::Bytes;
use control::Alert;
use criterion::{Criterion, Throughput};
use testkit::NatsServer;
use tokio::runtime::Runtime;

/// Connections of the pool.
const LANES: usize = 4;
/// Alerts of a batch.
const BATCH: usize = 64;
/// Messages of a lane that wait for their acknowledgement.
const IN_FLIGHT: usize = 64;
const SUBJECT: &str = "hotspot.alert";

pub(crate) fn bench(criterion: &mut Criterion) {
    let Some(server) = NatsServer::started() else { return };
    let runtime = Runtime::new().unwrap();
    let alerts = alerts(1_024);
    let mut lanes: Vec<Lane> =
        (0..LANES).map(|_| runtime.block_on(Lane::connect(&server.url()))).collect();
    let mut group = criterion.benchmark_group("nats_publish");
    group.throughput(Throughput::Elements(1));
    group.bench_function("single_connection_single_publish", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(lanes[0].singly(&alerts, count)));
    });
    group.bench_function("pool_of_4_batches_of_64", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(pooled(&mut lanes, &alerts, count)));
    });
    group.finish();
}

/// A connection with an encoder.
struct Lane {
    jetstream: Context,
    messages: Messages,
    sent: u64,
}

impl Lane {
    async fn connect(url: &str) -> Self {
        let jetstream = ContextBuilder::new()
            .max_ack_inflight(IN_FLIGHT + 1)
            .backpressure_on_inflight(true)
            .build(async_nats::connect(url).await.unwrap());
        let config = Config {
            name: "HOTSPOT".into(),
            subjects: vec![SUBJECT.into()],
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_bytes: 1 << 29,
            ..Config::default()
        };
        jetstream.get_or_create_stream(config).await.unwrap();
        Self { jetstream, messages: Messages::default(), sent: 0 }
    }

    async fn publish(&mut self, alerts: impl Iterator<Item = &Alert>) -> PublishAckFuture {
        for alert in alerts {
            self.messages.push(alert).unwrap();
        }
        let message = self.messages.finish(Bytes::copy_from_slice);
        self.sent += 1;
        let mut headers = HeaderMap::new();
        // Unique, so that nothing is a duplicate; both sides pay for the server's look at it.
        headers.insert("Nats-Msg-Id", format!("{:p}.{}", &raw const *self, self.sent));
        self.jetstream.publish_with_headers(SUBJECT, headers, message).await.unwrap()
    }

    /// One alert a message; the next one goes out when the last is acknowledged.
    async fn singly(&mut self, alerts: &[Alert], count: u64) -> Duration {
        let begun = Instant::now();
        for alert in alerts.iter().cycle().take(count as usize) {
            let acknowledgement = self.publish(std::iter::once(alert)).await;
            acknowledgement.await.unwrap();
        }
        begun.elapsed()
    }

    /// Batches, several in flight.
    async fn batched(&mut self, alerts: &[Alert], count: usize) {
        let mut in_flight = VecDeque::with_capacity(IN_FLIGHT);
        let mut alerts = alerts.iter().cycle();
        let mut left = count;
        while left > 0 {
            if in_flight.len() == IN_FLIGHT {
                let oldest: PublishAckFuture = in_flight.pop_front().unwrap();
                oldest.await.unwrap();
            }
            let taken = left.min(BATCH);
            in_flight.push_back(self.publish(alerts.by_ref().take(taken)).await);
            left -= taken;
        }
        for acknowledgement in in_flight {
            acknowledgement.await.unwrap();
        }
    }
}

/// `count` alerts over all lanes at once.
async fn pooled(lanes: &mut [Lane], alerts: &[Alert], count: u64) -> Duration {
    let begun = Instant::now();
    let share = (count as usize).div_ceil(lanes.len());
    let [a, b, c, d] = lanes else { panic!("{LANES} lanes") };
    tokio::join!(
        a.batched(alerts, share),
        b.batched(alerts, share),
        c.batched(alerts, share),
        d.batched(alerts, share)
    );
    // The last share may be larger than what was left.
    begun.elapsed().mul_f64(count as f64 / (share * LANES) as f64)
}
