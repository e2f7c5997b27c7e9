//! A stream in its order, without acknowledgements: the client makes its consumer anew where messages
//! were missed.

use async_nats::jetstream::consumer::pull;
use futures_util::StreamExt as _;

use super::{From, Received, Stream, Tail, policy, service};
use crate::exit::{Exit, Failure};

/// A stream, read in its order.
pub(in crate::alerts) struct Ordered {
    messages: pull::Ordered,
    /// First message of the stream that was asked for. A consumer that is made anew before its first
    /// message begins at the first of all.
    first: u64,
    follow: bool,
    ended: bool,
}

impl Ordered {
    pub(super) async fn open(stream: &Stream, subject: &str, args: &Tail) -> Result<Self, Failure> {
        let from = args.from.unwrap_or(From::New);
        let config = pull::OrderedConfig {
            filter_subject: subject.to_owned(),
            deliver_policy: policy(from)?,
            ..Default::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(service)?;
        let info = consumer.cached_info();
        // Nothing before what the consumer was made behind.
        let first = if from == From::All { 0 } else { info.delivered.stream_sequence + 1 };
        let follow = !args.no_follow;
        let ended = !follow && info.num_pending == 0;
        let messages = consumer.messages().await.map_err(service)?;
        Ok(Self { messages, first, follow, ended })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Received>, Failure> {
        while !self.ended {
            let failed = |error: &dyn std::fmt::Display| {
                Failure::new(Exit::Runtime, format!("the stream cannot be read any more: {error}"))
            };
            let Some(message) = self.messages.next().await else { return Ok(None) };
            let message = message.map_err(|error| failed(&error))?;
            let info = message.info().map_err(|error| failed(&error))?;
            self.ended = !self.follow && info.pending == 0;
            if info.stream_sequence >= self.first {
                return Ok(Some(Received::new(&message, None)));
            }
        }
        Ok(None)
    }
}
