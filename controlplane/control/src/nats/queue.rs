//! The queues of the lanes, as those see them who fill them: threads that may not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::status::LaneStatus;
use crate::config::NatsConfig;
use crate::delivery::{Lanes, Outgoing};

/// What a batch takes in memory beside its payload, roughly, in bytes.
const BATCH_BYTES: usize = 512;
/// A replayed batch is taken while less than this part of a queue is in use, so that fresh ones find room.
const REPLAY_PART: usize = 4;

/// The queues of all lanes.
pub(crate) struct NatsOutput {
    lanes: Vec<LaneQueue>,
    alerts_max: usize,
    bytes_max: usize,
}

/// The queue of one lane.
pub(super) struct LaneQueue {
    queue: mpsc::Sender<Outgoing>,
    status: Arc<LaneStatus>,
    load: Arc<QueueLoad>,
}

/// What a lane holds.
#[derive(Debug, Default)]
pub(super) struct QueueLoad {
    /// Alerts that wait to be published.
    alerts: AtomicUsize,
    /// Bytes of the batches that wait to be published, or for their acknowledgement.
    bytes: AtomicUsize,
}

impl QueueLoad {
    fn add(&self, alerts: usize, bytes: usize) -> (usize, usize) {
        let alerts_before = self.alerts.fetch_add(alerts, Ordering::Relaxed);
        (alerts_before, self.bytes.fetch_add(bytes, Ordering::Relaxed))
    }

    /// `batch` has left the queue.
    pub(super) fn taken(&self, batch: &Outgoing) {
        self.alerts.fetch_sub(batch.alerts as usize, Ordering::Relaxed);
    }

    /// `batch`, which had left the queue, is gone.
    pub(super) fn gone(&self, batch: &Outgoing) {
        self.bytes.fetch_sub(bytes_of(batch), Ordering::Relaxed);
    }
}

fn bytes_of(batch: &Outgoing) -> usize {
    BATCH_BYTES + batch.payload.len() + size_of_val(&*batch.received_ns)
}

impl LaneQueue {
    pub(super) fn new(
        queue: mpsc::Sender<Outgoing>,
        status: Arc<LaneStatus>,
        load: Arc<QueueLoad>,
    ) -> Self {
        Self { queue, status, load }
    }
}

impl NatsOutput {
    pub(super) fn new(config: &NatsConfig, lanes: Vec<LaneQueue>) -> Self {
        Self { lanes, alerts_max: config.queue_alerts_max, bytes_max: config.queue_bytes_max }
    }
}

impl Lanes for NatsOutput {
    fn push(&self, batch: Outgoing) -> Result<(), Outgoing> {
        let Some(lane) = self.lanes.get(usize::from(batch.lane)) else { return Err(batch) };
        let (alerts, bytes) = (batch.alerts as usize, bytes_of(&batch));
        let (alerts_before, bytes_before) = lane.load.add(alerts, bytes);
        // An empty lane takes whatever comes, or a batch beyond its limits would never go.
        let full = (alerts_before > 0 && alerts_before + alerts > self.alerts_max)
            || (bytes_before > 0 && bytes_before + bytes > self.bytes_max);
        let sent = if full { Err(TrySendError::Full(batch)) } else { lane.queue.try_send(batch) };
        match sent {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(batch)) => {
                lane.load.taken(&batch);
                lane.load.gone(&batch);
                Err(batch)
            }
            // The process is ending, which is what a dropped ticket says.
            Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    fn is_ready(&self, lane: u16) -> bool {
        let Some(lane) = self.lanes.get(usize::from(lane)) else { return false };
        lane.status.link.state().can_publish() && !lane.status.pause.is_on(Instant::now())
    }

    fn has_room(&self, lane: u16) -> bool {
        let Some(lane) = self.lanes.get(usize::from(lane)) else { return false };
        let bytes = lane.load.bytes.load(Ordering::Relaxed);
        // One message tells whether a lane that was refused is so still.
        if lane.status.pause.was_refused() {
            return bytes == 0;
        }
        lane.load.alerts.load(Ordering::Relaxed) <= self.alerts_max / REPLAY_PART
            && bytes <= self.bytes_max / REPLAY_PART
    }
}
