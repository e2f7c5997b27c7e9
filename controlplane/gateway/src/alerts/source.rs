//! Where messages come from: a stream, or the bare subjects.

mod pull;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::{self, AckKind};
use async_nats::{Client, HeaderMap, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::args::{From, Tail};
use crate::exit::{Exit, Failure};

use pull::Pull;

/// Header of a batch that the sensor sends again from its spool.
const REPLAY: &str = "Sensor-Replay";

/// A message.
pub(super) struct Received {
    pub(super) subject: String,
    pub(super) payload: Bytes,
    /// It was sent again from the sensor's spool.
    pub(super) replay: bool,
    /// What a durable consumer waits for.
    settle: Option<jetstream::Message>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of it is printed, or filtered out.
    Done,
    /// It is no message of alerts, and will not become one.
    Unreadable,
    /// It was not printed to its end: a durable consumer gets it again.
    Again,
}

impl Received {
    fn new(message: &async_nats::Message, settle: Option<jetstream::Message>) -> Self {
        Self {
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
            replay: is_replay(message.headers.as_ref()),
            settle,
        }
    }

    /// Tells the server, where it waits to be told.
    pub(super) async fn settle(self, fate: Fate) {
        let Some(message) = self.settle else { return };
        let kind = match fate {
            Fate::Done => AckKind::Ack,
            Fate::Unreadable => AckKind::Term,
            Fate::Again => AckKind::Nak(None),
        };
        if let Err(error) = message.ack_with(kind).await {
            eprintln!("{}: not acknowledged, and will come again: {error}", message.subject);
        }
    }
}

fn is_replay(headers: Option<&HeaderMap>) -> bool {
    headers.and_then(|headers| headers.get(REPLAY)).is_some_and(|value| value.as_str() == "1")
}

/// Where messages come from.
pub(super) enum Source {
    Core(Subscriber),
    Stream(Box<Pull>),
}

impl Source {
    /// Opens what the command line says.
    ///
    /// # Errors
    /// [`Exit::Service`] where the server does not give it.
    pub(super) async fn open(
        client: &Client,
        args: &Tail,
        stream: &str,
        subject: &str,
    ) -> Result<Self, Failure> {
        if args.core {
            let subscriber = client.subscribe(subject.to_owned()).await.map_err(service)?;
            // A subscription is only queued until then: to say that it listens would not be true yet.
            client.flush().await.map_err(service)?;
            return Ok(Self::Core(subscriber));
        }
        let context = jetstream::new(client.clone());
        let stream = context.get_stream(stream).await.map_err(|error| {
            let mend = "the sensor makes it when it first publishes; --core needs none, and \
                        nats.stream.name names another";
            service(format!("stream {stream}: {error}; {mend}"))
        })?;
        Ok(Self::Stream(Box::new(Pull::open(context, &stream, subject, args).await?)))
    }

    /// The next message; `None` at the end of what was asked for. No message is lost if the wait is
    /// given up.
    ///
    /// # Errors
    /// [`Exit::Runtime`] where there will be none any more.
    pub(super) async fn next(&mut self) -> Result<Option<Received>, Failure> {
        match self {
            Self::Core(subscriber) => {
                let message = subscriber.next().await;
                Ok(message.map(|message| Received::new(&message, None)))
            }
            Self::Stream(pull) => pull.next().await,
        }
    }

    /// Gives back what has come and was not asked for.
    pub(super) async fn close(self) {
        if let Self::Stream(pull) = self {
            pull.close().await;
        }
    }
}

/// The policy for a new consumer that begins at `from`.
fn policy(from: From) -> Result<DeliverPolicy, Failure> {
    Ok(match from {
        From::New => DeliverPolicy::New,
        From::All => DeliverPolicy::All,
        From::Last(time) => {
            let now = i128::from(control::wall_ns_now());
            let begin = now.saturating_sub(i128::try_from(time.as_nanos()).unwrap_or(i128::MAX));
            // No stream is older than 1970.
            let start_time = async_nats::datetime::from_nanos(begin.max(0)).map_err(service)?;
            DeliverPolicy::ByStartTime { start_time }
        }
    })
}

fn service(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Service, format!("NATS: {error}"))
}
