//! A stream by a consumer that is asked for messages, a few at a time.
//!
//! A durable consumer is kept by the server, with what was acknowledged, over this program's end. Without
//! one, the stream is read in its order and nothing is acknowledged: a consumer that is lost, or has lost
//! a message on the way, is made anew behind the last message that came. The client's own ordered
//! consumer does not go on when a server has started again.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::{self, Context, stream::Stream};
use futures_util::StreamExt as _;

use super::{Fate, From, Received, Tail, policy, service};
use crate::exit::{Exit, Failure};

/// Messages asked for at a time.
const BATCH: usize = 64;
/// How long the server keeps such a request; what it sends after this program has ended comes again only
/// after the consumer's time for acknowledgements.
const EXPIRES: Duration = Duration::from_secs(1);
/// A request that is answered neither by a message nor by its end has no server, or no consumer, that knows
/// of it.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// Pause before another attempt where one has failed, as while a server starts.
const PAUSE: Duration = Duration::from_millis(250);
/// What this program says of itself to those who look at the server's consumers.
const DESCRIPTION: &str = "sensor-gateway alerts tail";

/// A consumer and what it has sent.
pub(in crate::alerts) struct Pull {
    context: Context,
    /// Names of the stream and of the durable consumer.
    stream: String,
    durable: Option<String>,
    subject: String,
    consumer: Consumer<pull::Config>,
    batch: Option<pull::Batch>,
    follow: bool,
    /// The batch that is open has brought nothing yet.
    empty: bool,
    /// All that was asked for has come.
    ended: bool,
    /// Number of the last message that came, at this consumer, and of the next one in the stream.
    last: u64,
    next: u64,
}

impl Pull {
    /// Opens the consumer that the command line asks for.
    pub(super) async fn open(
        context: Context,
        stream: &Stream,
        subject: &str,
        args: &Tail,
    ) -> Result<Self, Failure> {
        let consumer = match &args.durable {
            Some(name) => durable(stream, name, subject, args).await?,
            None => ordered(stream, subject, policy(args.from.unwrap_or(From::New))?)
                .await
                .map_err(service)?,
        };
        let info = consumer.cached_info();
        let (next, follow) = (info.delivered.stream_sequence + 1, !args.no_follow);
        let ended = args.durable.is_none() && !follow && info.num_pending == 0;
        Ok(Self {
            context,
            stream: info.stream_name.clone(),
            durable: args.durable.clone(),
            subject: subject.to_owned(),
            consumer,
            batch: None,
            follow,
            empty: true,
            ended,
            last: 0,
            next,
        })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Received>, Failure> {
        while !self.ended {
            let came = match &mut self.batch {
                Some(batch) => tokio::time::timeout(SILENCE_MAX, batch.next()).await,
                closed => match request(&self.consumer, self.follow).await {
                    Ok(batch) => {
                        self.empty = true;
                        *closed = Some(batch);
                        continue;
                    }
                    Err(error) => Ok(Some(Err(error.into()))),
                },
            };
            let came = came.unwrap_or_else(|silence| Some(Err(silence.into())));
            match came {
                Some(Ok(message)) => {
                    self.empty = false;
                    if let Some(received) = self.take(message).await? {
                        return Ok(Some(received));
                    }
                }
                Some(Err(error)) => {
                    self.batch = None;
                    self.mend(&error).await?;
                }
                None => {
                    self.batch = None;
                    self.ended = self.empty && !self.follow;
                }
            }
        }
        Ok(None)
    }

    /// A message that came; `None` if one before it was lost on the way, and it will come again behind it.
    async fn take(&mut self, message: jetstream::Message) -> Result<Option<Received>, Failure> {
        let received = message.message.clone();
        if self.durable.is_some() {
            return Ok(Some(Received::new(&received, Some(message))));
        }
        let place =
            message.info().map(|info| (info.consumer_sequence, info.stream_sequence, info.pending));
        let (number, sequence, pending) = place.map_err(runtime)?;
        if number != self.last + 1 {
            self.make_anew().await?;
            return Ok(None);
        }
        (self.last, self.next) = (number, sequence + 1);
        self.ended = !self.follow && pending == 0;
        Ok(Some(Received::new(&received, None)))
    }

    /// After a request has failed: waits, and sees to a consumer that is gone.
    async fn mend(&mut self, error: &async_nats::Error) -> Result<(), Failure> {
        tokio::time::sleep(PAUSE).await;
        let Some(name) = &self.durable else { return self.make_anew().await };
        // While the server is away neither can be known, and the next request tells.
        let Ok(stream) = self.context.get_stream_no_info(&self.stream).await else { return Ok(()) };
        let info = stream.consumer_info(name).await;
        if info.is_err_and(|error| error.kind() == ConsumerInfoErrorKind::NotFound) {
            let message = format!("--durable {name}: the consumer was deleted: {error}");
            return Err(Failure::new(Exit::Runtime, message));
        }
        Ok(())
    }

    /// Makes a consumer that goes on behind the last message, as soon as the server allows it.
    async fn make_anew(&mut self) -> Result<(), Failure> {
        self.batch = None;
        let mut said = false;
        loop {
            let error = match self.try_anew().await {
                Ok(()) => return Ok(()),
                Err(error) if !self.follow => return Err(runtime(error)),
                Err(error) => error,
            };
            if !said {
                eprintln!("NATS: the stream cannot be read, and is tried again: {error}");
                said = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_anew(&mut self) -> Result<(), async_nats::Error> {
        let stream = self.context.get_stream(&self.stream).await?;
        if stream.cached_info().state.last_sequence + 1 < self.next {
            eprintln!("NATS: the stream was made anew, and is read from its beginning");
            self.next = 1;
        }
        let policy = DeliverPolicy::ByStartSequence { start_sequence: self.next };
        self.consumer = ordered(&stream, &self.subject, policy).await?;
        self.last = 0;
        Ok(())
    }

    /// Gives back what the server sends until the open request ends, so that the next run gets it at once.
    pub(super) async fn close(mut self) {
        let (Some(mut batch), true) = (self.batch.take(), self.durable.is_some()) else { return };
        let give_back = async {
            while let Some(Ok(message)) = batch.next().await {
                let received = message.message.clone();
                Received::new(&received, Some(message)).settle(Fate::Again).await;
            }
        };
        // The request ends by itself; a server that is gone is not waited for.
        let _ = tokio::time::timeout(2 * EXPIRES, give_back).await;
    }
}

/// The durable consumer `name`, made where it is absent.
async fn durable(
    stream: &Stream,
    name: &str,
    subject: &str,
    args: &Tail,
) -> Result<Consumer<pull::Config>, Failure> {
    match stream.consumer_info(name).await {
        Ok(info) if info.config.filter_subject != subject => {
            let message = format!(
                "--durable {name}: this consumer is for {}, not for {subject}; name another, or give \
                 the --site and --sensor that it was made with",
                info.config.filter_subject
            );
            Err(Failure::new(Exit::Usage, message))
        }
        Ok(_) => stream.get_consumer(name).await.map_err(service),
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {
            let config = pull::Config {
                durable_name: Some(name.to_owned()),
                description: Some(DESCRIPTION.to_owned()),
                filter_subject: subject.to_owned(),
                deliver_policy: policy(args.from.unwrap_or(From::New))?,
                ack_policy: AckPolicy::Explicit,
                ..Default::default()
            };
            stream.create_consumer(config).await.map_err(service)
        }
        Err(error) => Err(service(error)),
    }
}

/// A consumer without a name, which the server forgets once nobody asks it any more.
async fn ordered(
    stream: &Stream,
    subject: &str,
    deliver_policy: DeliverPolicy,
) -> Result<Consumer<pull::Config>, jetstream::stream::ConsumerError> {
    let config = pull::Config {
        description: Some(DESCRIPTION.to_owned()),
        filter_subject: subject.to_owned(),
        deliver_policy,
        ack_policy: AckPolicy::None,
        num_replicas: 1,
        memory_storage: true,
        ..Default::default()
    };
    stream.create_consumer(config).await
}

/// Asks for messages: for those that there are, or also for those that come within [`EXPIRES`].
async fn request(
    consumer: &Consumer<pull::Config>,
    follow: bool,
) -> Result<pull::Batch, pull::BatchError> {
    if follow {
        consumer.batch().max_messages(BATCH).expires(EXPIRES).messages().await
    } else {
        consumer.fetch().max_messages(BATCH).messages().await
    }
}

fn runtime(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Runtime, format!("NATS: the stream cannot be read any more: {error}"))
}
