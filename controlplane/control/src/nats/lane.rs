//! One lane: from its queue to messages, and from their acknowledgements to the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use contract::{AlertDrop, Counter, LatencyHistogram};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use super::QueueLoad;
use super::link::{Link, LinkState};
use crate::config::{Delivery, NatsConfig};
use crate::delivery::Outgoing;
use crate::tally::Outcome;
use crate::time::Clock;

/// Messages that are published, and over core NATS flushed, together.
const MESSAGES_MAX: usize = 64;
/// What a message has beside the batch, for servers whose `max_payload` is small: headers, in bytes.
const MESSAGE_HEADER_BYTES: usize = 512;
/// Times that a message to which no stream listens is sent again.
const RESENDS_MAX: usize = 5;
/// Pause before it is.
const RESEND_PAUSE: Duration = Duration::from_millis(20);
/// Header that lets JetStream drop a message that comes twice.
const MESSAGE_ID: &str = "Nats-Msg-Id";

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
    /// Nanoseconds from the reception of an alert's packet until JetStream acknowledged the alert.
    pub(crate) end_to_end_ns: LatencyHistogram,
}

/// An acknowledgement, as the task that waited for it tells it.
struct Acknowledgement {
    acknowledged: bool,
    duplicate: bool,
    took: Duration,
}

/// A lane's task.
pub(super) struct Lane {
    link: Link,
    delivery: Delivery,
    ack_timeout: Duration,
    /// Places for messages that wait for their acknowledgement.
    places: Arc<Semaphore>,
    acks: JoinSet<Acknowledgement>,
    /// These messages, by task. Kept here and not by the tasks, so that they are counted when the lane is
    /// given up, and not when the runtime comes to drop the tasks.
    waiting: HashMap<task::Id, Outgoing>,
    counters: Arc<LaneCounters>,
    clock: Clock,
    /// Largest message that every server takes, shared with whoever builds them.
    bytes_max: Arc<AtomicUsize>,
}

impl Lane {
    pub(super) fn new(
        config: &NatsConfig,
        link: Link,
        counters: Arc<LaneCounters>,
        clock: Clock,
        bytes_max: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            link,
            delivery: config.delivery,
            ack_timeout: Duration::from_millis(config.ack_timeout_ms),
            places: Arc::new(Semaphore::new(config.acks_in_flight_max)),
            acks: JoinSet::new(),
            waiting: HashMap::new(),
            counters,
            clock,
            bytes_max,
        }
    }

    /// Publishes until the queue is closed and empty and every acknowledgement has come.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Outgoing>, load: Arc<QueueLoad>) {
        let mut batches = Vec::with_capacity(MESSAGES_MAX);
        loop {
            tokio::select! {
                Some(done) = self.acks.join_next_with_id() => self.acknowledged(done),
                taken = queue.recv_many(&mut batches, MESSAGES_MAX) => {
                    if taken == 0 {
                        break;
                    }
                    batches.iter().for_each(|batch| load.remove(batch));
                    self.publish(&mut batches).await;
                }
            }
        }
        while let Some(done) = self.acks.join_next_with_id().await {
            self.acknowledged(done);
        }
    }

    /// Publishes `batches`, and empties it.
    async fn publish(&mut self, batches: &mut Vec<Outgoing>) {
        let lost = match self.link.settled().await {
            LinkState::Ready => None,
            LinkState::Refused => Some(AlertDrop::PublishFailed),
            LinkState::Connecting | LinkState::Down | LinkState::Preparing => {
                Some(AlertDrop::NatsDown)
            }
        };
        if let Some(cause) = lost {
            batches.drain(..).for_each(|batch| batch.lost(cause));
            return;
        }
        let room = self.link.client.max_payload().saturating_sub(MESSAGE_HEADER_BYTES);
        self.bytes_max.fetch_min(room, Ordering::Relaxed);
        let connects = self.link.connects();
        let mut taken = Vec::new();
        for batch in batches.drain(..) {
            let bytes = batch.payload.len();
            if bytes > room {
                batch.lost(AlertDrop::PublishFailed);
                continue;
            }
            match self.delivery {
                Delivery::JetStream => self.publish_acknowledged(batch).await,
                Delivery::Core => self.publish_plain(batch, &mut taken).await,
            }
            self.counters.messages.increment();
            self.counters.bytes.add(bytes as u64);
        }
        self.confirm_taken(connects, taken).await;
    }

    /// Publishes over JetStream; a task of its own waits for the acknowledgement.
    async fn publish_acknowledged(&mut self, batch: Outgoing) {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
        if self.link.state_now() != LinkState::Ready {
            batch.lost(AlertDrop::NatsDown);
            return;
        }
        let message = Message {
            subject: batch.subject.clone(),
            id: batch.id.clone(),
            payload: batch.payload.clone(),
        };
        let start = Instant::now();
        let sent = message.send(&self.link.jetstream).await;
        self.counters.publish_enqueue_ns.record(nanoseconds(start.elapsed()));
        let ack = match sent {
            Ok(ack) => ack,
            Err(error) => {
                tracing::debug!(%error, id = message.id, "a batch could not be published");
                batch.lost(AlertDrop::PublishFailed);
                return;
            }
        };
        let jetstream = self.link.jetstream.clone();
        let waits = self.acks.spawn(async move {
            let answer = message.acknowledged(&jetstream, ack).await;
            drop(place);
            let took = start.elapsed();
            if let Err(error) = &answer {
                tracing::debug!(%error, id = message.id, "a batch was not acknowledged");
            }
            let duplicate = answer.as_ref().is_ok_and(|ack| ack.duplicate);
            Acknowledgement { acknowledged: answer.is_ok(), duplicate, took }
        });
        self.waiting.insert(waits.id(), batch);
    }

    /// Publishes over core NATS. `taken` gets the batch, for [`Lane::confirm_taken`].
    async fn publish_plain(&mut self, batch: Outgoing, taken: &mut Vec<Outgoing>) {
        let start = Instant::now();
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, batch.id.as_str());
        let (subject, payload) = (batch.subject.clone(), batch.payload.clone());
        let publish = self.link.client.publish_with_headers(subject, headers, payload);
        // The client's queue is full while its server does not read.
        let sent = tokio::time::timeout(self.ack_timeout, publish).await;
        self.counters.publish_enqueue_ns.record(nanoseconds(start.elapsed()));
        match sent {
            Ok(Ok(())) => taken.push(batch),
            Ok(Err(_)) | Err(_) => batch.lost(AlertDrop::PublishFailed),
        }
    }

    /// Core NATS: messages that were published together are taken if they could be flushed over the
    /// connection over which they were published.
    async fn confirm_taken(&mut self, connects: u64, taken: Vec<Outgoing>) {
        if taken.is_empty() {
            return;
        }
        let flushed = tokio::time::timeout(self.ack_timeout, self.link.client.flush()).await;
        let same = self.link.connects() == connects;
        let lost = match flushed {
            Ok(Ok(())) if same => None,
            Ok(Ok(())) => Some(AlertDrop::NatsDown),
            Ok(Err(_)) | Err(_) => Some(AlertDrop::PublishFailed),
        };
        for batch in taken {
            match lost {
                None => batch.duty.delivered(Outcome::Sent),
                Some(cause) => batch.lost(cause),
            }
        }
    }

    fn acknowledged(&mut self, done: Result<(task::Id, Acknowledgement), JoinError>) {
        let (id, done) = match done {
            Ok((id, done)) => (id, Some(done)),
            // The task has panicked; it is not known what became of its message.
            Err(error) => (error.id(), None),
        };
        let Some(batch) = self.waiting.remove(&id) else { return };
        let Some(done) = done.filter(|done| done.acknowledged) else {
            batch.lost(AlertDrop::PublishFailed);
            return;
        };
        self.counters.publish_ack_ns.record(nanoseconds(done.took));
        self.counters.duplicates.add(done.duplicate.into());
        let now = self.clock.now_ns();
        for received_ns in &batch.received_ns {
            self.counters.end_to_end_ns.record(now.saturating_sub(*received_ns));
        }
        batch.duty.delivered(Outcome::Acknowledged);
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

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
