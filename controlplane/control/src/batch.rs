//! Alerts into messages, in the drain's thread.
//!
//! ```text
//! record ─ flow id ─► lane ─ severity ─► open AlertBatch ─ full, or its window ends ─► Outgoing
//! ```
//!
//! An alert is written once, from its record into the memory that is sent. A lane that has closed no
//! batch for the length of the window closes what is open at the end of the drain's round; under load it
//! closes once a window.

mod open;
mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alert_schema::{BATCH_BYTES_MAX, PushError};
use contract::{AlertDrop, LatencyHistogram};

use crate::SensorIdentity;
use crate::alert::{AlertView, mix_flow};
use crate::delivery::{Duty, Intake, Outgoing};
use crate::tally::{Claim, Outcome};
use crate::time::Clock;
use open::OpenBatch;
use pool::BufferPool;

/// Open batches of a lane, one for each severity. One more severity closes the oldest.
const OPEN_MAX: usize = 32;
/// Closed batches that are kept for their tables and lists, to be opened again.
const SPARE_MAX: usize = 32;

/// Times of alerts in the drain's thread, which is the only writer; ns.
#[derive(Debug, Default)]
pub(crate) struct DrainLatency {
    /// From the packet's reception until the alert was raised.
    pub(crate) detection: LatencyHistogram,
    /// From then until it was read from the ring.
    pub(crate) queueing: LatencyHistogram,
    /// From then until its batch was closed.
    pub(crate) batching: LatencyHistogram,
}

/// Builds the messages of all lanes.
pub(crate) struct Batcher {
    identity: SensorIdentity,
    lanes: Box<[Lane]>,
    spare: Vec<OpenBatch>,
    pool: Arc<BufferPool>,
    /// Largest message that every server takes, bytes.
    bytes_max: Arc<AtomicUsize>,
    window_ns: u64,
    clock: Clock,
    latency: Arc<DrainLatency>,
    next: Box<dyn Intake>,
}

/// The batches of one lane.
struct Lane {
    index: u16,
    /// Sequence of the last batch closed.
    sequence: u64,
    open: Vec<OpenBatch>,
    /// Bytes that the last batch of each severity had, for the size of the next one's buffer.
    sizes: Box<[u32; 256]>,
    /// When what is open is closed.
    due_ns: u64,
}

/// What a [`Batcher`] is made of.
pub(crate) struct BatcherParts {
    /// Who the sensor is.
    pub(crate) identity: SensorIdentity,
    /// Number of lanes.
    pub(crate) lanes: u16,
    /// Longest wait under load, ns.
    pub(crate) window_ns: u64,
    /// Largest message that every server takes, bytes; never above [`BATCH_BYTES_MAX`].
    pub(crate) bytes_max: Arc<AtomicUsize>,
    /// The workers' clock.
    pub(crate) clock: Clock,
    /// Where times are recorded.
    pub(crate) latency: Arc<DrainLatency>,
    /// Where closed batches go.
    pub(crate) next: Box<dyn Intake>,
}

impl Batcher {
    /// A batcher with nothing open.
    pub(crate) fn new(parts: BatcherParts) -> Self {
        let lanes = (0..parts.lanes).map(|index| Lane {
            index,
            sequence: 0,
            open: Vec::with_capacity(OPEN_MAX),
            sizes: Box::new([0; 256]),
            due_ns: 0,
        });
        Self {
            identity: parts.identity,
            lanes: lanes.collect(),
            spare: Vec::with_capacity(SPARE_MAX),
            pool: Arc::new(BufferPool::default()),
            bytes_max: parts.bytes_max,
            window_ns: parts.window_ns,
            clock: parts.clock,
            latency: parts.latency,
            next: parts.next,
        }
    }

    /// Writes an alert, read from its ring at `drained_ns`, into the batch of its lane and severity.
    pub(crate) fn push(&mut self, alert: &AlertView<'_>, drained_ns: u64, claim: Claim<'_>) {
        let lane = lane_of(alert.header.flow, self.lanes.len());
        let fields = alert.fields();
        let mut at = self.open(lane, fields.signature.severity);
        let mut pushed = self.lanes[lane].open[at].encoder.push(&fields);
        if pushed == Err(PushError::Full) {
            self.close(lane, at);
            at = self.open(lane, fields.signature.severity);
            pushed = self.lanes[lane].open[at].encoder.push(&fields);
        }
        match pushed {
            Ok(()) => self.lanes[lane].open[at].pushed(alert.header.rx_ns, drained_ns, claim),
            // No message that the servers take can hold it.
            Err(PushError::Full | PushError::TooLarge) => {
                claim.end(Outcome::Dropped(AlertDrop::PublishFailed));
            }
        }
    }

    /// Closes what is due.
    pub(crate) fn round_ended(&mut self) {
        if self.lanes.iter().all(|lane| lane.open.is_empty()) {
            return;
        }
        let now = self.clock.now_ns();
        for lane in 0..self.lanes.len() {
            let Lane { open, due_ns, .. } = &mut self.lanes[lane];
            if !open.is_empty() && now >= *due_ns {
                *due_ns = now.saturating_add(self.window_ns);
                self.close_all(lane);
            }
        }
    }

    /// Closes everything.
    pub(crate) fn close_every_batch(&mut self) {
        for lane in 0..self.lanes.len() {
            self.close_all(lane);
        }
    }

    fn close_all(&mut self, lane: usize) {
        while !self.lanes[lane].open.is_empty() {
            self.close(lane, 0);
        }
    }

    /// Where the open batch of `severity` is among those of the lane, which are in the order in which
    /// they were opened.
    fn open(&mut self, lane: usize, severity: u8) -> usize {
        let open = &self.lanes[lane].open;
        if let Some(at) = open.iter().position(|batch| batch.severity == severity) {
            return at;
        }
        if open.len() >= OPEN_MAX {
            self.close(lane, 0);
        }
        let mut batch = self.spare.pop().unwrap_or_else(|| OpenBatch::new(&self.identity));
        let lane = &mut self.lanes[lane];
        let buffer = self.pool.take(lane.sizes[usize::from(severity)] as usize);
        batch.severity = severity;
        batch.encoder.begin(buffer, self.bytes_max.load(Ordering::Relaxed));
        lane.open.push(batch);
        lane.open.len() - 1
    }

    /// Closes an open batch and hands it on.
    fn close(&mut self, lane: usize, at: usize) {
        let lane = &mut self.lanes[lane];
        let mut batch = lane.open.remove(at);
        // None was opened for an alert that no message can hold.
        if let Some(ticket) = batch.ticket.take() {
            lane.sequence += 1;
            let encoded = batch.encoder.finish(lane.index, lane.sequence, self.clock.wall_ns());
            lane.sizes[usize::from(batch.severity)] = encoded.as_ref().len() as u32;
            let now = self.clock.now_ns();
            for drained_ns in batch.drained_ns.drain(..) {
                self.latency.batching.record(now.saturating_sub(drained_ns));
            }
            let SensorIdentity { site, sensor, boot } = &self.identity;
            self.next.take(Outgoing {
                lane: lane.index,
                subject: format!("sensor.{site}.{sensor}.alert.{}", batch.severity),
                id: format!("{sensor}.{boot}.{}.{}", lane.index, lane.sequence),
                payload: self.pool.message(encoded),
                alerts: batch.received_ns.len() as u32,
                received_ns: batch.received_ns.as_slice().into(),
                replay: false,
                duty: Duty::Memory(ticket),
            });
            batch.received_ns.clear();
        }
        if self.spare.len() < SPARE_MAX {
            self.spare.push(batch);
        }
    }
}

/// The lane of a flow.
fn lane_of(flow: u64, lanes: usize) -> usize {
    mix_flow(flow) as usize % lanes.max(1)
}

/// The limit of a batch until a server says that it takes less.
pub(crate) fn batch_limit() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(BATCH_BYTES_MAX))
}

#[cfg(test)]
mod tests;
