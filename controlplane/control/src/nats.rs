//! Batches of alerts to NATS, by lanes, and an account of what became of each.
//!
//! ```text
//! AlertBatch ─► bounded queue of its lane ─► publish ─► ack
//! ```
//!
//! A lane is a connection, a task and a queue. async-nats takes a message while its server is down and
//! keeps it for later, so that a lane publishes only over a link that is up, and counts nothing as
//! delivered before JetStream has acknowledged it, or before core NATS has taken it over a connection
//! that has not changed meanwhile.

mod lane;
mod link;
mod options;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::SensorIdentity;
use crate::config::NatsConfig;
use crate::delivery::{Lanes, Outgoing};
use crate::time::Clock;

use lane::Lane;
pub(crate) use lane::LaneCounters;
pub use link::LinkState;
use link::{Link, LinkHealth};
pub use options::NatsError;

/// The drain's end: the queues of all lanes.
pub(crate) struct NatsOutput {
    lanes: Vec<LaneQueue>,
    alerts_max: usize,
    bytes_max: usize,
}

struct LaneQueue {
    queue: mpsc::Sender<Outgoing>,
    state: watch::Receiver<LinkState>,
    load: Arc<QueueLoad>,
}

/// What waits in a lane's queue.
#[derive(Debug, Default)]
struct QueueLoad {
    alerts: AtomicUsize,
    bytes: AtomicUsize,
}

impl QueueLoad {
    /// Adds `batch`; the alerts and bytes that wait then.
    fn add(&self, batch: &Outgoing) -> (usize, usize) {
        let (alerts, bytes) = (batch.alerts as usize, batch.payload.len());
        let alerts = alerts + self.alerts.fetch_add(alerts, Ordering::Relaxed);
        (alerts, bytes + self.bytes.fetch_add(bytes, Ordering::Relaxed))
    }

    fn remove(&self, batch: &Outgoing) {
        self.alerts.fetch_sub(batch.alerts as usize, Ordering::Relaxed);
        self.bytes.fetch_sub(batch.payload.len(), Ordering::Relaxed);
    }
}

/// The tasks of the lanes, and what they have done.
pub(crate) struct NatsHandle {
    tasks: Vec<JoinHandle<()>>,
    status: NatsStatus,
}

/// What the lanes have done, and how their links are.
#[derive(Clone)]
pub(crate) struct NatsStatus {
    pub(crate) lanes: Vec<(Arc<LaneCounters>, watch::Receiver<LinkState>)>,
    pub(crate) health: Arc<LinkHealth>,
}

/// Starts the lanes. Returns at once, whether or not a server is there. `bytes_max` becomes the largest
/// message that every server takes, once that is known.
///
/// # Errors
/// A setting or one of its files cannot be used.
pub(crate) async fn start(
    config: &NatsConfig,
    identity: &SensorIdentity,
    clock: &Clock,
    bytes_max: &Arc<AtomicUsize>,
) -> Result<(NatsOutput, NatsHandle), NatsError> {
    let health = Arc::new(LinkHealth::new(config.lanes));
    let mut output = NatsOutput {
        lanes: Vec::new(),
        alerts_max: config.queue_alerts_max,
        bytes_max: config.queue_bytes_max,
    };
    let mut status = NatsStatus { lanes: Vec::new(), health: Arc::clone(&health) };
    let mut tasks = Vec::new();
    for index in 0..config.lanes {
        let link = Link::connect(config, identity, index, &health).await?;
        let (queue, items) = mpsc::channel(config.queue_alerts_max);
        let load = Arc::new(QueueLoad::default());
        let counters = Arc::new(LaneCounters::default());
        status.lanes.push((Arc::clone(&counters), link.state()));
        output.lanes.push(LaneQueue { queue, state: link.state(), load: Arc::clone(&load) });
        let lane = Lane::new(config, link, counters, clock.clone(), Arc::clone(bytes_max));
        tasks.push(tokio::spawn(lane.run(items, load)));
    }
    Ok((output, NatsHandle { tasks, status }))
}

impl Lanes for NatsOutput {
    fn push(&self, batch: Outgoing) -> Result<(), Outgoing> {
        let Some(lane) = self.lanes.get(usize::from(batch.lane)) else { return Err(batch) };
        let (alerts, bytes) = lane.load.add(&batch);
        let sent = if alerts > self.alerts_max || bytes > self.bytes_max {
            Err(TrySendError::Full(batch))
        } else {
            lane.queue.try_send(batch)
        };
        match sent {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(batch)) => {
                lane.load.remove(&batch);
                Err(batch)
            }
            // The process is ending, which is what a dropped ticket says.
            Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    fn is_ready(&self, lane: u16) -> bool {
        let lane = self.lanes.get(usize::from(lane));
        lane.is_some_and(|lane| *lane.state.borrow() == LinkState::Ready)
    }

    fn has_room(&self, lane: u16) -> bool {
        let Some(lane) = self.lanes.get(usize::from(lane)) else { return false };
        lane.load.alerts.load(Ordering::Relaxed) < self.alerts_max / 2
            && lane.load.bytes.load(Ordering::Relaxed) < self.bytes_max / 2
    }
}

impl NatsHandle {
    /// What the lanes have done.
    pub(crate) fn status(&self) -> NatsStatus {
        self.status.clone()
    }

    /// The lanes are about to end: that they close their links is in order.
    pub(crate) fn announce_end(&self) {
        self.status.health.end();
    }

    /// Waits until every lane has published its queue and got its acknowledgements, which begins when
    /// the [`NatsOutput`] is dropped. What is not done at `deadline` is given up.
    pub(crate) async fn finish(self, deadline: tokio::time::Instant) {
        for mut task in self.tasks {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                // Its alerts are counted when the task is gone.
                let _ = task.await;
            }
        }
    }
}
