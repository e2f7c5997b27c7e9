//! Alerts to NATS: lanes of batches, and an account of what became of each.
//!
//! ```text
//! drain ─ flow id ─► bounded queue of a lane ─► window ─► AlertBatch by severity ─► publish ─► ack
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

use contract::AlertDrop;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use crate::SensorIdentity;
use crate::alert::Alert;
use crate::config::NatsConfig;
use crate::tally::{Outcome, Ticket};

pub(crate) use lane::LaneCounters;
use lane::{Lane, Queued};
pub use link::LinkState;
use link::{Link, LinkHealth};
pub use options::NatsError;

/// What an alert takes in a queue beside its payload, roughly, in bytes.
const ALERT_BYTES: usize = 512;

/// The drain's end: the queues of all lanes.
pub(crate) struct NatsOutput {
    lanes: Vec<LaneQueue>,
    bytes_max: usize,
}

struct LaneQueue {
    queue: mpsc::Sender<Queued>,
    bytes: Arc<AtomicUsize>,
}

/// The tasks of the lanes, and what they have done.
pub(crate) struct NatsHandle {
    tasks: Vec<JoinHandle<()>>,
    status: NatsStatus,
}

/// What the lanes have done, and how their links are.
#[derive(Clone)]
pub(crate) struct NatsStatus {
    pub(crate) lanes: Vec<(Arc<LaneCounters>, tokio::sync::watch::Receiver<LinkState>)>,
    pub(crate) health: Arc<LinkHealth>,
}

/// Starts the lanes. Returns at once, whether or not a server is there.
///
/// # Errors
/// A setting or one of its files cannot be used.
pub(crate) async fn start(
    config: &NatsConfig,
    identity: &SensorIdentity,
) -> Result<(NatsOutput, NatsHandle), NatsError> {
    let health = Arc::new(LinkHealth::new(config.lanes));
    let mut output = NatsOutput { lanes: Vec::new(), bytes_max: config.queue_bytes_max };
    let mut status = NatsStatus { lanes: Vec::new(), health: Arc::clone(&health) };
    let mut tasks = Vec::new();
    for index in 0..config.lanes {
        let link = Link::connect(config, identity, index, &health).await?;
        let (queue, items) = mpsc::channel(config.queue_alerts_max);
        let bytes = Arc::new(AtomicUsize::new(0));
        let counters = Arc::new(LaneCounters::default());
        status.lanes.push((Arc::clone(&counters), link.state()));
        output.lanes.push(LaneQueue { queue, bytes: Arc::clone(&bytes) });
        let lane = Lane::new(index, config, identity, link, counters);
        tasks.push(tokio::spawn(lane.run(items, bytes)));
    }
    Ok((output, NatsHandle { tasks, status }))
}

impl NatsOutput {
    /// Puts an alert into the queue of its flow's lane, or drops and counts it.
    pub(crate) fn push(&self, alert: Arc<Alert>, ticket: Ticket) {
        let lane = &self.lanes[lane_of(alert.header.flow, self.lanes.len())];
        let bytes = ALERT_BYTES + alert.payload.len();
        if lane.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max {
            lane.bytes.fetch_sub(bytes, Ordering::Relaxed);
            ticket.end(Outcome::Dropped(AlertDrop::LaneFull));
            return;
        }
        match lane.queue.try_send(Queued { alert, ticket, bytes }) {
            Ok(()) => {}
            Err(TrySendError::Full(queued)) => {
                lane.bytes.fetch_sub(bytes, Ordering::Relaxed);
                queued.ticket.end(Outcome::Dropped(AlertDrop::LaneFull));
            }
            // The process is ending, which is what a dropped ticket says.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

/// The lane of a flow. Flow ids may differ in few bits only, so that all of them are mixed into all (the
/// finaliser of MurmurHash3).
fn lane_of(flow: u64, lanes: usize) -> usize {
    let mixed = (flow ^ (flow >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    ((mixed ^ (mixed >> 33)) as usize) % lanes.max(1)
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

#[cfg(test)]
mod tests {
    use super::lane_of;

    #[test]
    fn flows_spread_over_the_lanes() {
        for step in [1, 1 << 16, 1 << 40] {
            let mut counts = [0; 4];
            for flow in 0..4_000 {
                counts[lane_of(flow * step, 4)] += 1;
            }
            assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{step}: {counts:?}");
        }
        assert_eq!(lane_of(u64::MAX, 1), 0);
    }
}
