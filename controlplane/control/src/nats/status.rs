//! What the lanes have done, and how they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::{Counter, LatencyHistogram};
use tokio::time::Instant;

use super::durability::{Durability, DurabilityStatus};
use super::health::{LinkCell, LinkHealth};
use super::pause::Pause;
use super::stream::StreamStatus;

/// What all lanes have done, and how they are.
#[derive(Clone)]
pub(crate) struct NatsStatus {
    /// The lanes, by index.
    pub(crate) lanes: Vec<Arc<LaneStatus>>,
    pub(crate) health: Arc<LinkHealth>,
    pub(super) stream: Arc<StreamStatus>,
    pub(super) durability: Arc<DurabilityStatus>,
}

impl NatsStatus {
    pub(super) fn new(health: Arc<LinkHealth>) -> Self {
        Self { lanes: Vec::new(), health, stream: Arc::default(), durability: Arc::default() }
    }

    /// How the stream differs from `[nats.stream]`, a sentence for each setting.
    pub(crate) fn differences(&self) -> Vec<String> {
        self.stream.differences()
    }

    /// How durable what JetStream acknowledges is; `None` where that is not known.
    pub(crate) fn durability(&self) -> Option<Durability> {
        self.durability.now()
    }

    /// Why alerts cannot leave, for each lane of which that is true.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let lanes = self.lanes.iter().enumerate();
        let lanes = lanes.map(|(index, lane)| (index, lane.link.state(), lane.link.reason()));
        lanes
            .filter(|(_, _, reason)| !reason.is_empty())
            .map(|(index, state, reason)| format!("lane {index} is {}: {reason}", state.name()))
            .collect()
    }
}

/// Why a batch went back, or was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// The link was down, or was lost before the acknowledgement came.
    Down,
    /// The stream can be neither found nor made.
    Refused,
    /// No acknowledgement within `nats.ack_timeout_ms`.
    Timeout,
    /// No stream listened.
    NoStream,
    /// The stream did not take it: full, not enough resources …
    NotStored,
    /// No server, or no stream, takes a message of its size.
    TooLarge,
}

impl Undelivered {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Down, Self::Refused, Self::Timeout, Self::NoStream, Self::NotStored, Self::TooLarge];

    /// The name used in `/api/v1/stats`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::NoStream => "no_stream",
            Self::NotStored => "not_stored",
            Self::TooLarge => "too_large",
        }
    }
}

/// What a lane has done, and how it is.
#[derive(Debug)]
pub(crate) struct LaneStatus {
    /// Its link.
    pub(crate) link: Arc<LinkCell>,
    pub(crate) counters: LaneCounters,
    pub(super) pause: Pause,
}

impl LaneStatus {
    pub(super) fn new(link: Arc<LinkCell>) -> Self {
        Self { link, counters: LaneCounters::default(), pause: Pause::new(Instant::now()) }
    }
}

/// What a lane has done. Its task is the only writer.
#[derive(Debug, Default)]
pub(crate) struct LaneCounters {
    /// Messages published.
    pub(crate) messages: Counter,
    /// Bytes of these messages.
    pub(crate) bytes: Counter,
    /// Alerts in these messages.
    pub(crate) alerts: Counter,
    /// Messages that JetStream has acknowledged.
    pub(crate) acknowledged: Counter,
    /// Messages that JetStream already had.
    pub(crate) duplicates: Counter,
    /// Batches that went back or were lost, by cause.
    pub(crate) undelivered: [Counter; Undelivered::COUNT],
    /// Messages that wait for their acknowledgement: a gauge.
    pub(crate) in_flight: AtomicU64,
    /// Nanoseconds from handing a message over until the client has written it.
    pub(crate) publish_enqueue_ns: LatencyHistogram,
    /// Nanoseconds until JetStream acknowledged it.
    pub(crate) publish_ack_ns: LatencyHistogram,
    /// Nanoseconds from the reception of an alert's packet until JetStream acknowledged the alert.
    pub(crate) end_to_end_ns: LatencyHistogram,
}

impl LaneCounters {
    /// Messages that wait for their acknowledgement.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }
}
