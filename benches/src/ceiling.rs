//! What a NATS server takes, without the sensor: the ceiling that the sensor's rate is held against.
//!
//! One client publishes messages of one size to JetStream on a file store and keeps as many
//! unacknowledged as the window says; a subscriber in the same process gets them all, as the sensor's
//! does. Whoever calls decides where they run: threads and the server inherit the caller's CPU.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use bytes::Bytes;
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use testkit::NatsServer;

use crate::percentiles::{self, Percentiles};
use crate::stopwatch::histogram;

/// Messages that are not acknowledged yet, in the rows of a table.
pub const WINDOWS: [usize; 3] = [1, 64, 256];
/// Bytes that the stream keeps: as little as does not disturb, the disk is not what is measured.
const STREAM_BYTES: i64 = 1 << 30;
/// How often the subscriber looks whether it is to end.
const STOP_POLL: Duration = Duration::from_millis(20);
/// Longest wait for an acknowledgement.
const ACK_LIMIT: Duration = Duration::from_secs(10);
const SUBJECT: &str = "ceiling.alert";

/// One size and window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Bytes of a message.
    pub bytes: usize,
    /// Messages that are not acknowledged yet, at most.
    pub window: usize,
    /// Messages acknowledged in a second.
    pub messages_per_s: f64,
    /// Share of them that the subscriber got.
    pub delivered: f64,
    /// From handing a message over until its acknowledgement, ns.
    pub acknowledge_ns: percentiles::Row,
}

impl Row {
    /// Bytes acknowledged in a second.
    #[must_use]
    pub fn bytes_per_s(&self) -> f64 {
        self.messages_per_s * self.bytes as f64
    }
}

/// Measures messages of `bytes` with `window` of them in flight for `length`, on a server of its own.
///
/// # Errors
/// nats-server is missing, or does not acknowledge.
pub fn measure(bytes: usize, window: usize, length: Duration) -> anyhow::Result<Row> {
    let server = NatsServer::started().context("nats-server, which `make setup` installs")?;
    let stop = Arc::new(AtomicBool::new(false));
    let received = Arc::new(AtomicU64::new(0));
    let (listening, ready) = channel();
    let subscriber = {
        let (url, stop, received) = (server.url(), Arc::clone(&stop), Arc::clone(&received));
        std::thread::Builder::new().name("subscriber".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = async_nats::connect(&url).await?;
                let mut messages = client.subscribe(SUBJECT).await?;
                client.flush().await?;
                let _ = listening.send(());
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(Some(_)) = tokio::time::timeout(STOP_POLL, messages.next()).await {
                        received.fetch_add(1, Ordering::Relaxed);
                    }
                }
                anyhow::Ok(())
            })
        })?
    };
    // Where it does not come, the thread has ended with its error, which is told below.
    let published = ready.recv().map(|()| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(publish(&server.url(), bytes, window, length))
    });
    stop.store(true, Ordering::Relaxed);
    match subscriber.join() {
        Ok(ended) => ended?,
        Err(_) => bail!("the subscriber panicked"),
    }
    let (latencies, took) = published.context("the subscriber ended")??;
    let delivered = received.load(Ordering::Relaxed) as f64 / latencies.len().max(1) as f64;
    Ok(Row {
        bytes,
        window,
        messages_per_s: latencies.len() as f64 / took.as_secs_f64(),
        delivered,
        acknowledge_ns: percentiles::Row::of_histogram(format!("{bytes} B, {window}"), &latencies),
    })
}

/// Publishes for `length`; the latencies of the acknowledgements, and how long all of it took.
async fn publish(
    url: &str,
    bytes: usize,
    window: usize,
    length: Duration,
) -> anyhow::Result<(Histogram<u64>, Duration)> {
    let client = async_nats::connect(url).await?;
    let jetstream = ContextBuilder::new()
        .timeout(ACK_LIMIT)
        .max_ack_inflight(window + 1)
        .backpressure_on_inflight(true)
        .build(client);
    let config = Config {
        name: "CEILING".into(),
        subjects: vec![SUBJECT.into()],
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_bytes: STREAM_BYTES,
        ..Config::default()
    };
    jetstream.create_stream(config).await.context("the stream")?;
    let payload = Bytes::from(vec![0x5A; bytes]);
    let (mut latencies, mut in_flight) = (histogram(), VecDeque::with_capacity(window));
    let begun = Instant::now();
    while begun.elapsed() < length {
        if in_flight.len() >= window
            && let Some(oldest) = in_flight.pop_front()
        {
            acknowledged(oldest, &mut latencies).await?;
        }
        let sent = Instant::now();
        in_flight.push_back((sent, jetstream.publish(SUBJECT, payload.clone()).await?));
    }
    // The server acknowledges in order.
    for waiting in in_flight {
        acknowledged(waiting, &mut latencies).await?;
    }
    Ok((latencies, begun.elapsed()))
}

async fn acknowledged(
    (sent, acknowledgement): (Instant, async_nats::jetstream::context::PublishAckFuture),
    latencies: &mut Histogram<u64>,
) -> anyhow::Result<()> {
    acknowledgement.await.context("a message was not acknowledged")?;
    latencies.saturating_record(sent.elapsed().as_nanos() as u64);
    Ok(())
}

/// Rows as a table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "nats_ceiling: JetStream on a file store, client, server and subscriber on one CPU\n\
         {:>8} {:>7} {:>12} {:>10} {:>10}\n",
        "bytes", "window", "messages/s", "MB/s", "delivered"
    );
    let mut latencies = Percentiles::new("acknowledgement", "nanoseconds");
    for row in rows {
        let Row { bytes, window, messages_per_s, delivered, acknowledge_ns } = row;
        text += &format!(
            "{bytes:>8} {window:>7} {messages_per_s:>12.0} {:>10.1} {:>8.1} %\n",
            row.bytes_per_s() / 1e6,
            delivered * 100.0,
        );
        latencies.add(acknowledge_ns.clone());
    }
    text + &latencies.table()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{measure, table};

    #[test]
    fn messages_are_acknowledged_and_delivered() {
        if testkit::NatsServer::absent().is_none() {
            return;
        }
        let row = measure(512, 16, Duration::from_millis(100)).unwrap();
        assert!(row.messages_per_s > 10.0 && row.acknowledge_ns.p95 > 0, "{row:?}");
        assert!(row.delivered > 0.0 && row.delivered <= 1.0, "{row:?}");
        assert!(table(&[row]).contains("512"));
    }
}
