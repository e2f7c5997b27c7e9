//! A subscriber that measures how old alerts are when they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use alert_schema::Batch;
use anyhow::Context;
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use pipeline::clock::{Clock, TscClock};

use crate::stopwatch::histogram;

/// Alerts that arrive in the beginning are not recorded: connections and the stream are being made.
const SETTLING: Duration = Duration::from_millis(500);
/// How often the subscriber looks whether it is to end.
const STOP_POLL: Duration = Duration::from_millis(20);

/// A thread that subscribes to every alert of a server.
pub struct Subscriber {
    /// The ages of each message's alerts, nanoseconds.
    ages: Receiver<Vec<u64>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Subscriber {
    /// Subscribes at `url`; returns once the server knows.
    ///
    /// `clock` is the worker's: alerts must carry its time as their wall time.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn start(url: &str, clock: TscClock) -> anyhow::Result<Self> {
        let (url, stop) = (url.to_owned(), Arc::new(AtomicBool::new(false)));
        let (sender, ages) = channel();
        let (listening, ready) = channel();
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("subscriber".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(listen(&url, &clock, &sender, &seen, &listening))
        })?;
        if ready.recv().is_err() {
            // The thread has ended without a word: with its error.
            return match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => anyhow::bail!("the subscriber's thread ended"),
            };
        }
        Ok(Self { ages, stop, thread })
    }

    /// The ages of the alerts of the next message that has not been asked for yet, nanoseconds.
    ///
    /// # Errors
    /// None came within `limit`.
    pub fn next(&self, limit: Duration) -> anyhow::Result<Vec<u64>> {
        self.ages.recv_timeout(limit).with_context(|| format!("no alert within {limit:?}"))
    }

    /// Forgets messages that have arrived and were not asked for.
    pub fn skip_arrived(&self) {
        while self.ages.try_recv().is_ok() {}
    }

    /// Ends the thread; the ages of all alerts that arrived after the beginning.
    ///
    /// # Errors
    /// A message that is no batch of alerts, or a connection that was lost.
    pub fn finish(self) -> anyhow::Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| anyhow::bail!("the subscriber panicked"))
    }
}

async fn listen(
    url: &str,
    clock: &TscClock,
    ages: &Sender<Vec<u64>>,
    stop: &AtomicBool,
    listening: &Sender<()>,
) -> anyhow::Result<Histogram<u64>> {
    let client = async_nats::connect(url).await?;
    let mut messages = client.subscribe("sensor.*.*.alert.>").await?;
    client.flush().await?;
    let _ = listening.send(());
    let mut all = histogram();
    let mut first_ns = None;
    while !stop.load(Ordering::Relaxed) {
        let Ok(message) = tokio::time::timeout(STOP_POLL, messages.next()).await else { continue };
        let message = message.context("the NATS server closed the subscription")?;
        let now_ns = clock.now_ns();
        let settled = now_ns - *first_ns.get_or_insert(now_ns) >= SETTLING.as_nanos() as u64;
        let batch = Batch::decode(&message.payload)?;
        let mut ages_ns = Vec::new();
        for alert in batch.alerts() {
            ages_ns.push(now_ns.saturating_sub(alert?.header.wall_ns));
        }
        if settled {
            for age in &ages_ns {
                all.saturating_record(*age);
            }
            // Nobody may be asking any more.
            let _ = ages.send(ages_ns);
        }
    }
    Ok(all)
}
