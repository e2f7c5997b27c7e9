//! Batches of alerts to NATS, by lanes, and an account of what became of each.
//!
//! ```text
//! AlertBatch ─► bounded queue of its lane ─► publish ─► ack ─► delivered
//!                                               └─► not stored, link lost ─► back to the spool, or lost
//! ```
//!
//! A lane is a connection, a task and a queue. async-nats takes a message while its server is down and
//! keeps it for later, so that a lane publishes only over a link that is up, and counts nothing as
//! delivered before JetStream has acknowledged it, or before core NATS has taken it over a connection
//! that has not changed meanwhile.

mod answer;
mod durability;
mod health;
mod in_flight;
mod lane;
mod link;
mod options;
mod pause;
mod queue;
mod status;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use crate::SensorIdentity;
use crate::config::{Delivery, NatsConfig};
use crate::time::Clock;

pub use durability::Durability;
use durability::Monitor;
use health::LinkHealth;
pub use health::LinkState;
use lane::{Lane, LaneParts};
use link::Link;
use options::Secrets;
pub use options::{NatsError, nats_options};
pub(crate) use queue::NatsOutput;
use queue::{LaneQueue, QueueLoad};
pub(crate) use status::{LaneStatus, NatsStatus, Undelivered};

/// Header of a message that the spool sends again, or later than its turn: `1`. Its alerts may come twice,
/// and out of order.
pub(crate) const REPLAY_HEADER: &str = "Sensor-Replay";

/// The tasks of the lanes, and what they have done.
pub(crate) struct NatsHandle {
    tasks: Vec<JoinHandle<()>>,
    monitor: Option<AbortHandle>,
    status: NatsStatus,
}

impl Drop for NatsHandle {
    fn drop(&mut self) {
        if let Some(monitor) = &self.monitor {
            monitor.abort();
        }
    }
}

/// Starts the lanes. Returns at once, whether or not a server is there. `bytes_max` becomes the largest
/// payload that every server takes, once that is known.
///
/// # Errors
/// A setting or one of its files cannot be used.
pub(crate) async fn start(
    config: &NatsConfig,
    identity: &SensorIdentity,
    clock: &Clock,
    bytes_max: &Arc<AtomicUsize>,
) -> Result<(NatsOutput, NatsHandle), NatsError> {
    let secrets = Secrets::from_environment(config)?;
    let monitor = config.monitor_url.as_deref().map(Monitor::new).transpose()?;
    let health = Arc::new(LinkHealth::new(config.lanes));
    let mut status = NatsStatus::new(Arc::clone(&health));
    let mut queues = Vec::new();
    let mut tasks = Vec::new();
    for index in 0..config.lanes {
        let stream = &status.stream;
        let link = Link::connect(config, &secrets, identity, index, &health, stream).await?;
        let (queue, items) = mpsc::channel(config.queue_alerts_max);
        let load = Arc::new(QueueLoad::default());
        let lane_status = Arc::new(LaneStatus::new(Arc::clone(link.cell())));
        status.lanes.push(Arc::clone(&lane_status));
        queues.push(LaneQueue::new(queue, Arc::clone(&lane_status), Arc::clone(&load)));
        let parts = LaneParts {
            link,
            status: lane_status,
            load,
            clock: clock.clone(),
            bytes_max: Arc::clone(bytes_max),
        };
        tasks.push(tokio::spawn(Lane::new(config, parts).await?.run(items)));
    }
    // Over core NATS nothing is stored, so that there is nothing to be durable.
    let monitor = monitor.filter(|_| config.delivery == Delivery::JetStream).map(|monitor| {
        let run = monitor.run(Arc::clone(&status.stream), Arc::clone(&status.durability));
        tokio::spawn(run).abort_handle()
    });
    Ok((NatsOutput::new(config, queues), NatsHandle { tasks, monitor, status }))
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
    pub(crate) async fn finish(mut self, deadline: tokio::time::Instant) {
        for mut task in self.tasks.drain(..) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                // Its alerts are counted when the task is gone.
                let _ = task.await;
            }
        }
    }
}
