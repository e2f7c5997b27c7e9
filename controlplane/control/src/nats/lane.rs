//! One lane: from its queue to messages, and from their acknowledgements to the ledger.
//!
//! Acknowledgements come over one subscription of the lane, by the number of their message, so that a
//! message costs neither a task nor a timer, and one whose answer never comes leaves nothing behind.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, Subscriber};
use contract::AlertDrop;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answer::Answer;
use super::in_flight::{InFlight, Sent};
use super::link::Link;
use super::pause::nanoseconds;
use super::queue::QueueLoad;
use super::status::{LaneStatus, Undelivered};
use super::{LinkState, NatsError, REPLAY_HEADER};
use crate::config::{Delivery, NatsConfig};
use crate::delivery::Outgoing;
use crate::tally::Outcome;
use crate::time::Clock;

/// What a message has beside the batch, for servers whose `max_payload` is small: headers, in bytes.
const MESSAGE_HEADER_BYTES: usize = 512;
/// Times that a message to which no stream listens is sent again, where nothing else holds its batch: a
/// stream can be found a moment before it listens, when another lane has just made it.
const RESENDS_MAX: usize = 5;
/// A lane that fails is well again when for so long messages were stored and none was refused: a stream that is
/// full all but for moments does not change its state, and the log, with every message.
const CALM: Duration = Duration::from_secs(1);
/// Header that lets JetStream drop a message that comes twice.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// What a lane works with.
pub(super) struct LaneParts {
    pub(super) link: Link,
    pub(super) status: Arc<LaneStatus>,
    pub(super) load: Arc<QueueLoad>,
    pub(super) clock: Clock,
    /// Largest payload that every server takes, shared with whoever builds them.
    pub(super) bytes_max: Arc<AtomicUsize>,
}

/// The client has written a message.
struct Written {
    number: u64,
    handed_over: Instant,
    connects: u64,
    flushed: bool,
}

/// A lane's task.
pub(super) struct Lane {
    parts: LaneParts,
    delivery: Delivery,
    ack_timeout: Duration,
    in_flight_max: usize,
    /// Answers come to this subject, followed by `.` and the number of their message.
    inbox: String,
    answers: Subscriber,
    next_number: u64,
    in_flight: InFlight,
    /// Waits for messages to be written. Over core NATS that is what delivers them.
    writes: FuturesUnordered<BoxFuture<'static, Written>>,
    /// Batches that nothing else holds, and how often each was sent; they wait for the stream.
    waiting: VecDeque<(Outgoing, usize)>,
    /// When a lane that fails is well again, unless a message is refused before.
    well_at: Option<Instant>,
}

impl Lane {
    /// A lane that is ready to run.
    ///
    /// # Errors
    /// The client refuses the subscription.
    pub(super) async fn new(config: &NatsConfig, parts: LaneParts) -> Result<Self, NatsError> {
        let inbox = parts.link.client.new_inbox();
        let answers = parts.link.client.subscribe(format!("{inbox}.*")).await?;
        Ok(Self {
            parts,
            delivery: config.delivery,
            ack_timeout: Duration::from_millis(config.ack_timeout_ms),
            in_flight_max: config.acks_in_flight_max,
            inbox,
            answers,
            next_number: 0,
            in_flight: InFlight::default(),
            writes: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            well_at: None,
        })
    }

    /// Publishes until the queue is closed and empty and every acknowledgement has come.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Outgoing>) {
        let mut open = true;
        while open || !self.in_flight.is_empty() || !self.waiting.is_empty() {
            let deadline = self.in_flight.deadline(self.ack_timeout);
            let has_place = self.in_flight.len().max(self.writes.len()) < self.in_flight_max;
            let sends_again =
                has_place && !self.waiting.is_empty() && self.parts.link.state_now().can_publish();
            tokio::select! {
                biased;
                () = self.parts.link.changed() => self.link_changed(),
                Some(written) = self.writes.next() => self.written(&written),
                Some(answer) = self.answers.next() => self.answered(&answer),
                () = until(deadline) => self.give_up_expired(),
                () = until(self.well_at) => {
                    self.well_at = None;
                    self.parts.status.link.well();
                }
                () = std::future::ready(()), if sends_again => self.send_again().await,
                batch = queue.recv(), if open && has_place && self.waiting.is_empty() => match batch {
                    Some(batch) => {
                        self.parts.load.taken(&batch);
                        self.take(batch).await;
                    }
                    None => open = false,
                },
            }
            let in_flight = self.in_flight.len() as u64;
            self.parts.status.counters.in_flight.store(in_flight, Ordering::Relaxed);
        }
    }

    /// Publishes a batch of the queue. While the link is not up it is lost, goes back to who holds it, or
    /// waits, if it is not known yet whether it can be published.
    async fn take(&mut self, batch: Outgoing) {
        match self.parts.link.state_now() {
            LinkState::Ready | LinkState::Failing => self.publish(batch, 0).await,
            LinkState::Connecting | LinkState::Preparing if !batch.can_go_back() => {
                self.waiting.push_back((batch, 0));
            }
            LinkState::Refused => self.give_up(batch, Undelivered::Refused),
            LinkState::Connecting | LinkState::Preparing | LinkState::Down => {
                self.give_up(batch, Undelivered::Down);
            }
        }
    }

    async fn send_again(&mut self) {
        if let Some((batch, tries)) = self.waiting.pop_front() {
            self.publish(batch, tries).await;
        }
    }

    /// Hands a batch over to the client.
    async fn publish(&mut self, batch: Outgoing, tries: usize) {
        let client = &self.parts.link.client;
        let room = client.max_payload().saturating_sub(MESSAGE_HEADER_BYTES);
        self.parts.bytes_max.fetch_min(room, Ordering::Relaxed);
        let bytes = batch.payload.len();
        if bytes > room {
            tracing::debug!(id = batch.id, bytes, room, "a batch is larger than the server takes");
            self.fail(batch);
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        let connects = self.parts.link.connects();
        let handed_over = Instant::now();
        let message = message(client, self.delivery, &batch, format!("{}.{number}", self.inbox));
        // The client's queue has room for all that may be on its way; a server that does not read, and
        // reconnections in between, can fill it all the same.
        match tokio::time::timeout(self.ack_timeout, message).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, id = batch.id, "a batch could not be published");
                self.give_up(batch, Undelivered::Down);
                return;
            }
            Err(_) => {
                self.refused("the server does not read what is written to it", handed_over);
                self.give_up(batch, Undelivered::Timeout);
                return;
            }
        }
        let client = client.clone();
        self.writes.push(Box::pin(async move {
            let flushed = client.flush().await.is_ok();
            Written { number, handed_over, connects, flushed }
        }));
        let counters = &self.parts.status.counters;
        counters.messages.increment();
        counters.bytes.add(bytes as u64);
        counters.alerts.add(batch.alerts.into());
        self.in_flight.insert(number, Sent { batch, at: handed_over, connects, tries });
    }

    /// The client has written a message, or never will.
    fn written(&mut self, written: &Written) {
        let same = written.connects == self.parts.link.connects();
        if written.flushed && same {
            let took = nanoseconds(written.handed_over.elapsed());
            self.parts.status.counters.publish_enqueue_ns.record(took);
        }
        if self.delivery == Delivery::Core
            && let Some(sent) = self.in_flight.remove(written.number)
        {
            if written.flushed && same {
                self.stored();
                self.deliver(sent.batch, Outcome::Sent);
            } else {
                self.give_up(sent.batch, Undelivered::Down);
            }
        }
    }

    /// The server has answered.
    fn answered(&mut self, message: &Message) {
        let number = message.subject.rsplit('.').next().and_then(|number| number.parse().ok());
        // An answer to a message that was given up comes too late.
        let Some(sent) = number.and_then(|number| self.in_flight.remove(number)) else { return };
        let status = &self.parts.status;
        match Answer::of(message) {
            Answer::Stored { duplicate } => {
                let counters = &status.counters;
                counters.acknowledged.increment();
                counters.duplicates.add(duplicate.into());
                counters.publish_ack_ns.record(nanoseconds(sent.at.elapsed()));
                let now = self.parts.clock.now_ns();
                for received_ns in &sent.batch.received_ns {
                    counters.end_to_end_ns.record(now.saturating_sub(*received_ns));
                }
                self.stored();
                self.deliver(sent.batch, Outcome::Acknowledged);
            }
            Answer::NoStream => {
                status.link.nobody_listens();
                status.pause.refused(sent.at, Instant::now());
                if sent.batch.can_go_back() || sent.tries == RESENDS_MAX {
                    self.give_up(sent.batch, Undelivered::NoStream);
                } else {
                    self.waiting.push_back((sent.batch, sent.tries + 1));
                }
            }
            Answer::Later(reason) => {
                self.refused(&reason, sent.at);
                self.give_up(sent.batch, Undelivered::NotStored);
            }
            Answer::Never(reason) => {
                tracing::debug!(reason, id = sent.batch.id, "a batch is refused for ever");
                self.fail(sent.batch);
            }
        }
    }

    /// A message was stored, or over core NATS taken.
    fn stored(&mut self) {
        let status = &self.parts.status;
        status.pause.taken();
        if status.link.state() == LinkState::Failing {
            self.well_at.get_or_insert_with(|| Instant::now() + CALM);
        }
    }

    /// A message that was handed over at `sent` was not stored, because of `reason`.
    fn refused(&mut self, reason: &str, sent: Instant) {
        self.well_at = None;
        self.parts.status.link.failing(reason);
        self.parts.status.pause.refused(sent, Instant::now());
    }

    /// The wait for the oldest messages has ended.
    fn give_up_expired(&mut self) {
        let now = Instant::now();
        while let Some(sent) = self.in_flight.expired(self.ack_timeout, now) {
            let what = match self.delivery {
                Delivery::JetStream => "no acknowledgement",
                Delivery::Core => "not written",
            };
            self.refused(&format!("{what} within {:?}", self.ack_timeout), sent.at);
            self.give_up(sent.batch, Undelivered::Timeout);
        }
    }

    /// What went over a connection that is gone is not waited for: if it was stored, the server knows it
    /// by its id when it comes again.
    fn link_changed(&mut self) {
        let link = &self.parts.link;
        let lost = if link.is_connected() {
            link.connects()
        } else {
            // They would end with the next connection only, and keep the queue waiting until then.
            self.writes.clear();
            u64::MAX
        };
        while let Some(sent) = self.in_flight.stranded(lost) {
            self.give_up(sent.batch, Undelivered::Down);
        }
        let why = match self.parts.link.state_now() {
            LinkState::Down => Undelivered::Down,
            LinkState::Refused => Undelivered::Refused,
            _ => return,
        };
        while let Some((batch, _)) = self.waiting.pop_front() {
            self.give_up(batch, why);
        }
    }

    fn deliver(&self, batch: Outgoing, outcome: Outcome) {
        self.parts.load.gone(&batch);
        batch.duty.delivered(outcome);
    }

    /// The batch goes back to who holds it, or is lost.
    fn give_up(&self, batch: Outgoing, why: Undelivered) {
        self.parts.load.gone(&batch);
        self.parts.status.counters.undelivered[why as usize].increment();
        batch.lost(match why {
            Undelivered::Down => AlertDrop::NatsDown,
            _ => AlertDrop::PublishFailed,
        });
    }

    /// The batch can never be published.
    fn fail(&self, batch: Outgoing) {
        self.parts.load.gone(&batch);
        self.parts.status.counters.undelivered[Undelivered::TooLarge as usize].increment();
        batch.failed(AlertDrop::PublishFailed);
    }
}

/// Hands a message over to the client.
fn message(
    client: &Client,
    delivery: Delivery,
    batch: &Outgoing,
    answer_to: String,
) -> impl Future<Output = Result<(), async_nats::PublishError>> {
    let mut headers = HeaderMap::new();
    headers.insert(MESSAGE_ID, batch.id.as_str());
    if batch.replay {
        headers.insert(REPLAY_HEADER, "1");
    }
    let (subject, payload) = (batch.subject.clone(), batch.payload.clone());
    async move {
        match delivery {
            Delivery::JetStream => {
                let publish =
                    client.publish_with_reply_and_headers(subject, answer_to, headers, payload);
                publish.await
            }
            Delivery::Core => client.publish_with_headers(subject, headers, payload).await,
        }
    }
}

/// Waits until `deadline`; for ever without one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
