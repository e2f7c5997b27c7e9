//! One lane: from its queue to messages, and from their acknowledgements to the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alert_schema::{BATCH_BYTES_MAX, BatchEncoder, PushError};
use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use contract::{AlertDrop, Counter, LatencyHistogram};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use super::link::{Link, LinkState};
use crate::SensorIdentity;
use crate::alert::Alert;
use crate::config::{Delivery, NatsConfig};
use crate::tally::{Outcome, Ticket};
use crate::time::wall_ns_now;

/// Alerts of one window; more go into the next.
const WINDOW_ALERTS_MAX: usize = 4_096;
/// What a message has beside the batch, for servers whose `max_payload` is small: headers, in bytes.
const MESSAGE_HEADER_BYTES: usize = 512;
/// Times that a message to which no stream listens is sent again.
const RESENDS_MAX: usize = 5;
/// Pause before it is.
const RESEND_PAUSE: Duration = Duration::from_millis(20);
/// Header that lets JetStream drop a message that comes twice.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// An alert in a lane's queue.
pub(super) struct Queued {
    pub(super) alert: Arc<Alert>,
    pub(super) ticket: Ticket,
    /// What it counts for in the queue's bytes.
    pub(super) bytes: usize,
}

/// What a lane has done. Its task is the only writer.
#[derive(Debug, Default)]
pub(crate) struct LaneCounters {
    /// Messages published.
    pub(crate) messages: Counter,
    /// Bytes of these messages.
    pub(crate) bytes: Counter,
    /// Messages that JetStream already had.
    pub(crate) duplicates: Counter,
    /// Nanoseconds to hand a message to the connection.
    pub(crate) publish_enqueue_ns: LatencyHistogram,
    /// Nanoseconds until JetStream acknowledged it.
    pub(crate) publish_ack_ns: LatencyHistogram,
}

/// An acknowledgement, as the task that waited for it tells it.
struct Acknowledgement {
    outcome: Outcome,
    duplicate: bool,
    took: Duration,
}

/// A lane's task.
pub(super) struct Lane {
    link: Link,
    delivery: Delivery,
    encoder: BatchEncoder,
    subject_prefix: String,
    message_id_prefix: String,
    window: Duration,
    ack_timeout: Duration,
    /// Places for messages that wait for their acknowledgement.
    places: Arc<Semaphore>,
    acks: JoinSet<Acknowledgement>,
    /// What these messages hold, by task. Kept here and not by the tasks, so that it is counted when the
    /// lane is given up, and not when the runtime comes to drop the tasks.
    waiting: HashMap<task::Id, Ticket>,
    counters: Arc<LaneCounters>,
    /// The server's `max_payload` has been looked at.
    sized: bool,
    index: u16,
    identity: SensorIdentity,
}

impl Lane {
    pub(super) fn new(
        index: u16,
        config: &NatsConfig,
        identity: &SensorIdentity,
        link: Link,
        counters: Arc<LaneCounters>,
    ) -> Self {
        let SensorIdentity { site, sensor, boot } = identity;
        Self {
            link,
            delivery: config.delivery,
            encoder: BatchEncoder::new(site, sensor, boot, index, BATCH_BYTES_MAX),
            subject_prefix: format!("sensor.{site}.{sensor}.alert"),
            message_id_prefix: format!("{sensor}.{boot}.{index}"),
            window: Duration::from_micros(config.window_us),
            ack_timeout: Duration::from_millis(config.ack_timeout_ms),
            places: Arc::new(Semaphore::new(config.acks_in_flight_max)),
            acks: JoinSet::new(),
            waiting: HashMap::new(),
            counters,
            sized: false,
            index,
            identity: identity.clone(),
        }
    }

    /// Publishes until the queue is closed and empty and every acknowledgement has come.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Queued>, bytes: Arc<AtomicUsize>) {
        let mut window = Vec::new();
        // An idle lane does not wait: its window has ended long ago.
        let mut window_end = Instant::now();
        loop {
            tokio::select! {
                Some(done) = self.acks.join_next_with_id() => self.acknowledged(done),
                first = queue.recv() => {
                    let Some(first) = first else { break };
                    collect(&mut window, first, &mut queue, window_end).await;
                    let taken = window.iter().map(|queued| queued.bytes).sum();
                    bytes.fetch_sub(taken, Ordering::Relaxed);
                    self.publish(&mut window).await;
                    window_end = Instant::now() + self.window;
                }
            }
        }
        while let Some(done) = self.acks.join_next_with_id().await {
            self.acknowledged(done);
        }
    }

    /// Publishes the alerts of one window, a batch for each severity, and empties it.
    async fn publish(&mut self, window: &mut Vec<Queued>) {
        let lost = match self.link.settled().await {
            LinkState::Ready => None,
            LinkState::Refused => Some(AlertDrop::PublishFailed),
            LinkState::Connecting | LinkState::Down | LinkState::Preparing => {
                Some(AlertDrop::NatsDown)
            }
        };
        if let Some(cause) = lost {
            for queued in window.drain(..) {
                queued.ticket.end(Outcome::Dropped(cause));
            }
            return;
        }
        self.fit_to_server();
        // Stable: alerts of one severity keep their order.
        window.sort_by_key(|queued| queued.alert.signature.severity);
        let connects = self.link.connects();
        let mut taken = Vec::new();
        let mut batch: Option<(u8, Ticket)> = None;
        for Queued { alert, ticket, .. } in window.drain(..) {
            let severity = alert.signature.severity;
            if batch.as_ref().is_some_and(|(open, _)| *open != severity) {
                self.close(&mut batch, &mut taken).await;
            }
            let mut pushed = self.encoder.push(&alert.fields());
            if pushed == Err(PushError::Full) {
                self.close(&mut batch, &mut taken).await;
                pushed = self.encoder.push(&alert.fields());
            }
            match (pushed, &mut batch) {
                // No message of this server can hold it.
                (Err(_), _) => ticket.end(Outcome::Dropped(AlertDrop::PublishFailed)),
                (Ok(()), Some((_, open))) => open.absorb(ticket),
                (Ok(()), None) => batch = Some((severity, ticket)),
            }
        }
        self.close(&mut batch, &mut taken).await;
        self.confirm_taken(connects, taken).await;
    }

    /// Closes and publishes the open batch.
    async fn close(&mut self, batch: &mut Option<(u8, Ticket)>, taken: &mut Vec<Ticket>) {
        let Some((severity, ticket)) = batch.take() else { return };
        let (sequence, payload) = self
            .encoder
            .finish(wall_ns_now(), |sequence, bytes| (sequence, Bytes::copy_from_slice(bytes)));
        let message = Message {
            subject: format!("{}.{severity}", self.subject_prefix),
            id: format!("{}.{sequence}", self.message_id_prefix),
            payload,
        };
        let bytes = message.payload.len() as u64;
        match self.delivery {
            Delivery::JetStream => self.publish_acknowledged(message, ticket).await,
            Delivery::Core => self.publish_plain(message, ticket, taken).await,
        }
        self.counters.messages.increment();
        self.counters.bytes.add(bytes);
    }

    /// Publishes over JetStream; a task of its own waits for the acknowledgement.
    async fn publish_acknowledged(&mut self, message: Message, ticket: Ticket) {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
        if self.link.state_now() != LinkState::Ready {
            ticket.end(Outcome::Dropped(AlertDrop::NatsDown));
            return;
        }
        let start = Instant::now();
        let sent = message.send(&self.link.jetstream).await;
        self.counters.publish_enqueue_ns.record(nanoseconds(start.elapsed()));
        let ack = match sent {
            Ok(ack) => ack,
            Err(error) => {
                tracing::debug!(%error, id = message.id, "a batch could not be published");
                ticket.end(Outcome::Dropped(AlertDrop::PublishFailed));
                return;
            }
        };
        let jetstream = self.link.jetstream.clone();
        let waits = self.acks.spawn(async move {
            let answer = message.acknowledged(&jetstream, ack).await;
            drop(place);
            let took = start.elapsed();
            match answer {
                Ok(ack) => Acknowledgement {
                    outcome: Outcome::Acknowledged,
                    duplicate: ack.duplicate,
                    took,
                },
                Err(error) => {
                    tracing::debug!(%error, id = message.id, "a batch was not acknowledged");
                    let outcome = Outcome::Dropped(AlertDrop::PublishFailed);
                    Acknowledgement { outcome, duplicate: false, took }
                }
            }
        });
        self.waiting.insert(waits.id(), ticket);
    }

    /// Publishes over core NATS. `taken` gets the ticket, for [`Lane::confirm_taken`].
    async fn publish_plain(&mut self, message: Message, ticket: Ticket, taken: &mut Vec<Ticket>) {
        let start = Instant::now();
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, message.id);
        let publish =
            self.link.client.publish_with_headers(message.subject, headers, message.payload);
        // The client's queue is full while its server does not read.
        let sent = tokio::time::timeout(self.ack_timeout, publish).await;
        self.counters.publish_enqueue_ns.record(nanoseconds(start.elapsed()));
        match sent {
            Ok(Ok(())) => taken.push(ticket),
            Ok(Err(_)) | Err(_) => ticket.end(Outcome::Dropped(AlertDrop::PublishFailed)),
        }
    }

    /// Core NATS: the messages of a window are taken if they could be flushed over the connection over
    /// which they were published.
    async fn confirm_taken(&mut self, connects: u64, taken: Vec<Ticket>) {
        if taken.is_empty() {
            return;
        }
        let flushed = tokio::time::timeout(self.ack_timeout, self.link.client.flush()).await;
        let same = self.link.connects() == connects;
        let outcome = match flushed {
            Ok(Ok(())) if same => Outcome::Sent,
            Ok(Ok(())) => Outcome::Dropped(AlertDrop::NatsDown),
            Ok(Err(_)) | Err(_) => Outcome::Dropped(AlertDrop::PublishFailed),
        };
        for ticket in taken {
            ticket.end(outcome);
        }
    }

    fn acknowledged(&mut self, done: Result<(task::Id, Acknowledgement), JoinError>) {
        let (id, done) = match done {
            Ok(done) => done,
            // The task has panicked; it is not known what became of its message.
            Err(error) => {
                if let Some(ticket) = self.waiting.remove(&error.id()) {
                    ticket.end(Outcome::Dropped(AlertDrop::PublishFailed));
                }
                return;
            }
        };
        if done.outcome == Outcome::Acknowledged {
            self.counters.publish_ack_ns.record(nanoseconds(done.took));
        }
        self.counters.duplicates.add(done.duplicate.into());
        if let Some(ticket) = self.waiting.remove(&id) {
            ticket.end(done.outcome);
        }
    }

    /// Once: smaller batches for a server that takes smaller messages. No batch is open then, and none
    /// has been published.
    fn fit_to_server(&mut self) {
        if std::mem::replace(&mut self.sized, true) {
            return;
        }
        let room = self.link.client.max_payload().saturating_sub(MESSAGE_HEADER_BYTES);
        if room < BATCH_BYTES_MAX {
            let SensorIdentity { site, sensor, boot } = &self.identity;
            self.encoder = BatchEncoder::new(site, sensor, boot, self.index, room);
        }
    }
}

/// A message on its way.
struct Message {
    subject: String,
    id: String,
    payload: Bytes,
}

impl Message {
    /// Hands the message to JetStream's connection.
    async fn send(&self, jetstream: &Context) -> Result<PublishAckFuture, PublishError> {
        let publish = PublishMessage::build().payload(self.payload.clone()).message_id(&self.id);
        jetstream.send_publish(self.subject.clone(), publish).await
    }

    /// Waits for the acknowledgement of the message, which was sent.
    ///
    /// A stream can be found a moment before it listens, when another lane has just made it. The server
    /// then says that nobody listens, so that nothing was stored, and the message is sent again.
    async fn acknowledged(
        &self,
        jetstream: &Context,
        mut ack: PublishAckFuture,
    ) -> Result<PublishAck, PublishError> {
        for _ in 0..RESENDS_MAX {
            match ack.await {
                Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {}
                answer => return answer,
            }
            tokio::time::sleep(RESEND_PAUSE).await;
            ack = self.send(jetstream).await?;
        }
        ack.await
    }
}

/// Fills a window: what is there now, and until `end` what comes, as far as one message holds it.
async fn collect(
    window: &mut Vec<Queued>,
    first: Queued,
    queue: &mut mpsc::Receiver<Queued>,
    end: Instant,
) {
    let mut bytes = first.bytes;
    window.push(first);
    while window.len() < WINDOW_ALERTS_MAX && bytes < BATCH_BYTES_MAX {
        let next = match queue.try_recv() {
            Ok(next) => next,
            Err(_) => match tokio::time::timeout_at(end, queue.recv()).await {
                Ok(Some(next)) => next,
                Ok(None) | Err(_) => return,
            },
        };
        bytes += next.bytes;
        window.push(next);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
