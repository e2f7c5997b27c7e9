//! A consumer that reads the stream while it is written, and checks what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use alert_schema::Batch;
use anyhow::Context;
use async_nats::jetstream::{self, consumer::pull};
use control::config::NatsConfig;
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use pipeline::clock::{Clock, TscClock};

use super::Ids;
use crate::stopwatch::histogram;

/// How often the consumer looks whether it is to end.
const STOP_POLL: Duration = Duration::from_millis(100);

/// A thread that reads every alert of the stream.
pub struct Consumer {
    stop: Arc<AtomicBool>,
    arrived: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<(Ids, Histogram<u64>)>>,
}

impl Consumer {
    /// Reads at `url` from the stream's start on; there is room for alerts up to `most`. `clock` is the
    /// worker's: alerts must carry its time as their wall time.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(url: &str, clock: TscClock, most: u64) -> anyhow::Result<Self> {
        let (stop, arrived) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (url, told, seen) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&arrived));
        let thread = std::thread::Builder::new().name("consumer".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(read(&url, &clock, Ids::new(most), &told, &seen))
        })?;
        Ok(Self { stop, arrived, thread })
    }

    /// Distinct alerts so far.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Ends the thread; what arrived, and how old it was, nanoseconds.
    ///
    /// # Errors
    /// A message that is no batch of alerts, or a stream that cannot be read.
    pub fn finish(self) -> anyhow::Result<(Ids, Histogram<u64>)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| anyhow::bail!("the consumer panicked"))
    }
}

async fn read(
    url: &str,
    clock: &TscClock,
    mut ids: Ids,
    stop: &AtomicBool,
    arrived: &AtomicU64,
) -> anyhow::Result<(Ids, Histogram<u64>)> {
    let context = jetstream::new(async_nats::connect(url).await?);
    let stream = context.get_stream_no_info(NatsConfig::default().stream.name).await?;
    let consumer = stream.create_consumer(pull::OrderedConfig::default()).await?;
    let mut messages = consumer.messages().await?;
    let mut ages = histogram();
    while !stop.load(Ordering::Relaxed) {
        let Ok(message) = tokio::time::timeout(STOP_POLL, messages.next()).await else { continue };
        let message = message.context("the consumer has ended")??;
        let now_ns = clock.now_ns();
        for alert in Batch::decode(&message.payload)?.alerts() {
            let header = alert?.header;
            ids.mark(header.sequence);
            ages.saturating_record(now_ns.saturating_sub(header.wall_ns));
        }
        arrived.store(ids.arrived, Ordering::Relaxed);
    }
    Ok((ids, ages))
}
