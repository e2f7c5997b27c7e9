//! A durable consumer: the server remembers what was acknowledged, over this program's end.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use futures_util::StreamExt as _;

use super::{Fate, From, Received, Stream, Tail, policy, service};
use crate::exit::{Exit, Failure};

/// Messages asked for at a time.
const BATCH: usize = 64;
/// How long the server keeps such a request; what it sends after this program has ended comes again only
/// after the consumer's time for acknowledgements.
const EXPIRES: Duration = Duration::from_secs(1);
/// Pause before another request where one has failed, as while a server starts.
const PAUSE: Duration = Duration::from_millis(250);

/// A durable consumer and what it has sent.
pub(in crate::alerts) struct Durable {
    stream: Stream,
    name: String,
    consumer: Consumer<pull::Config>,
    batch: Option<pull::Batch>,
    follow: bool,
    /// The batch that is open has brought nothing yet.
    empty: bool,
}

impl Durable {
    pub(super) async fn open(
        stream: Stream,
        name: &str,
        subject: &str,
        args: &Tail,
    ) -> Result<Self, Failure> {
        let consumer = match stream.consumer_info(name).await {
            Ok(info) => {
                if info.config.filter_subject != subject {
                    let message = format!(
                        "--durable {name}: this consumer is for {}, not for {subject}; name another, or \
                         give the --site and --sensor that it was made with",
                        info.config.filter_subject
                    );
                    return Err(Failure::new(Exit::Usage, message));
                }
                stream.get_consumer(name).await.map_err(service)?
            }
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {
                let config = pull::Config {
                    durable_name: Some(name.to_owned()),
                    description: Some("sensor-gateway alerts tail".to_owned()),
                    filter_subject: subject.to_owned(),
                    deliver_policy: policy(args.from.unwrap_or(From::New))?,
                    ack_policy: AckPolicy::Explicit,
                    ..Default::default()
                };
                stream.create_consumer(config).await.map_err(service)?
            }
            Err(error) => return Err(service(error)),
        };
        let (name, follow) = (name.to_owned(), !args.no_follow);
        Ok(Self { stream, name, consumer, batch: None, follow, empty: true })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Received>, Failure> {
        loop {
            let batch = match &mut self.batch {
                Some(batch) => batch,
                closed => {
                    self.empty = true;
                    closed.insert(request(&self.consumer, self.follow).await?)
                }
            };
            match batch.next().await {
                Some(Ok(message)) => {
                    self.empty = false;
                    let received = message.message.clone();
                    return Ok(Some(Received::new(&received, Some(message))));
                }
                Some(Err(error)) => {
                    self.batch = None;
                    self.look_after(&error).await?;
                }
                None => {
                    self.batch = None;
                    if self.empty && !self.follow {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Waits before the next request, unless the consumer is gone.
    async fn look_after(&self, error: &async_nats::Error) -> Result<(), Failure> {
        let info = self.stream.consumer_info(&self.name).await;
        if info.is_err_and(|error| error.kind() == ConsumerInfoErrorKind::NotFound) {
            let message = format!("--durable {}: the consumer was deleted: {error}", self.name);
            return Err(Failure::new(Exit::Runtime, message));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// Gives back what the server sends until the open request ends, so that the next run gets it at once.
    pub(super) async fn close(mut self) {
        let Some(mut batch) = self.batch.take() else { return };
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

/// Asks for messages: for those that there are, or also for those that come within [`EXPIRES`].
async fn request(consumer: &Consumer<pull::Config>, follow: bool) -> Result<pull::Batch, Failure> {
    let batch = if follow {
        consumer.batch().max_messages(BATCH).expires(EXPIRES).messages().await
    } else {
        consumer.fetch().max_messages(BATCH).messages().await
    };
    batch.map_err(|error| Failure::new(Exit::Runtime, format!("NATS: {error}")))
}
