//! A lane's connection, and what is known of its state.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::Context;
use async_nats::{Client, Event, Server};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::health::{LinkCell, LinkHealth, LinkState};
use super::options::{NatsError, Secrets, lane_options};
use super::stream::{self, StreamStatus};
use crate::SensorIdentity;
use crate::config::{Delivery, NatsConfig, StreamConfig};

/// Pause before a stream that was refused is asked for again.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);
/// Pause before a stream that did not listen is asked for again: one that was just made needs a moment.
const SILENT_PAUSE: Duration = Duration::from_millis(20);

/// One lane's connection.
pub(super) struct Link {
    pub(super) client: Client,
    cell: Arc<LinkCell>,
    changes: watch::Receiver<LinkState>,
    keeper: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Link {
    /// Starts to connect; returns at once.
    pub(super) async fn connect(
        config: &NatsConfig,
        secrets: &Secrets,
        identity: &SensorIdentity,
        lane: u16,
        health: &Arc<LinkHealth>,
        stream: &Arc<StreamStatus>,
    ) -> Result<Self, NatsError> {
        let name = format!("sensor {}.{} lane {lane}", identity.site, identity.sensor);
        let cell = Arc::new(LinkCell::new(Arc::clone(health)));
        let events = Arc::clone(&cell);
        let up = match config.delivery {
            Delivery::JetStream => LinkState::Preparing,
            Delivery::Core => LinkState::Ready,
        };
        let attempts = Arc::clone(&cell);
        let options = lane_options(config, secrets, name)?
            .event_callback(move |event| {
                on_event(&events, &event, up);
                std::future::ready(())
            })
            // Asked before each round of attempts, and told there why the last one has failed; the event
            // tells no more than the kind. `None`: the client chooses the server.
            .reconnect_to_server_callback(move |servers, _| {
                not_connected(&attempts, &servers);
                std::future::ready(None)
            });
        let servers = config.servers.iter().map(|server| server.parse());
        let servers: Vec<async_nats::ServerAddr> = servers.collect::<Result<_, _>>()?;
        let client = options.connect(servers).await?;
        let jetstream = stream::context(client.clone(), config);
        let kept = Kept {
            jetstream,
            config: config.stream.clone(),
            subject: format!("sensor.{}.{}.alert.1", identity.site, identity.sensor),
            status: Arc::clone(stream),
        };
        let keeper = tokio::spawn(keep_prepared(Arc::clone(&cell), kept));
        let changes = cell.subscribe();
        Ok(Self { client, cell, changes, keeper })
    }

    /// The state, to be watched and told of.
    pub(super) fn cell(&self) -> &Arc<LinkCell> {
        &self.cell
    }

    /// Waits until the state changes.
    pub(super) async fn changed(&mut self) {
        // The cell that would close it is held by `self`.
        let _ = self.changes.changed().await;
    }

    /// The state now. The client is asked as well, since it knows of a loss before its event comes.
    pub(super) fn state_now(&self) -> LinkState {
        let state = self.cell.state();
        if state.can_publish() && !self.is_connected() { LinkState::Down } else { state }
    }

    /// Whether the client has a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// How often a connection was made: a message is known to have gone over the connection of now only if
    /// this has not changed since.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }
}

fn on_event(cell: &LinkCell, event: &Event, up: LinkState) {
    if matches!(event, Event::Connected) {
        cell.connected();
    }
    match event {
        Event::Connected if up == LinkState::Ready => cell.go(|_| true, up, ""),
        Event::Connected => cell.go(|_| true, up, "the stream is being looked for"),
        Event::Disconnected | Event::Closed => {
            cell.go(|_| true, LinkState::Down, "the connection was lost");
        }
        other => tracing::debug!(event = %other, "NATS"),
    }
}

/// The attempts to connect to `servers` have failed, if any was made.
fn not_connected(cell: &LinkCell, servers: &[Server]) {
    let reasons: Vec<String> = servers
        .iter()
        .filter_map(|server| {
            let error = in_words(server.last_error.as_deref()?);
            Some(format!("{}:{}: {error}", server.addr.host(), server.addr.port()))
        })
        .collect();
    if !reasons.is_empty() {
        let waits = |state| matches!(state, LinkState::Connecting | LinkState::Down);
        cell.go(waits, LinkState::Down, &reasons.join("; "));
    }
}

/// Why no connection could be made, and the mend where there is one.
fn in_words(error: &str) -> String {
    let mend = if error.starts_with("authorization violation")
        || error.starts_with("failed signing nonce")
    {
        "; look at nats.user, token_file, credentials_file or nkey_file, and at the server's accounts"
    } else if error.contains("peer certificate") || error.contains("UnknownIssuer") {
        "; look at nats.ca_file, and whether the server's certificate has its host's name"
    } else if error.contains("received fatal alert") || error.starts_with("TLS error") {
        "; look at nats.ca_file, cert_file and key_file"
    } else if error.contains("received corrupt message") {
        "; the server does not speak TLS there"
    } else {
        ""
    };
    format!("{error}{mend}")
}

/// The stream that is kept.
struct Kept {
    jetstream: Context,
    config: StreamConfig,
    /// A subject that the sensor publishes to.
    subject: String,
    status: Arc<StreamStatus>,
}

/// Looks for the stream whenever the link is up again, or nobody has listened.
async fn keep_prepared(cell: Arc<LinkCell>, kept: Kept) {
    let mut state = cell.subscribe();
    let wanted = |state: &LinkState| matches!(state, LinkState::Preparing | LinkState::Refused);
    let up = |state: LinkState| matches!(state, LinkState::Preparing | LinkState::Refused);
    let mut silent = false;
    loop {
        let Ok(found) = state.wait_for(wanted).await.map(|state| *state) else { return };
        if found == LinkState::Refused {
            tokio::time::sleep(REFUSED_PAUSE).await;
        } else {
            silent = cell.was_silent();
            if silent {
                tokio::time::sleep(SILENT_PAUSE).await;
            }
        }
        let refused = match stream::ensure(&kept.jetstream, &kept.config).await {
            Ok(found) => {
                kept.status.found(&found, &kept.config);
                // Only where nobody listened: the server may map subjects to those of the stream.
                (silent && !stream::listens(&found, &kept.subject))
                    .then(|| format!("it does not listen to {}; alter its subjects", kept.subject))
            }
            Err(error) => Some(error),
        };
        match refused {
            None => cell.go(up, LinkState::Ready, ""),
            Some(error) => {
                let reason = format!("stream {}: {error}", kept.config.name);
                cell.go(up, LinkState::Refused, &reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_refusal_names_its_mend() {
        let words = in_words("authorization violation");
        assert!(words.starts_with("authorization violation; look at nats.user"), "{words}");
        assert!(in_words("IO error: invalid peer certificate: Expired").contains("nats.ca_file"));
        assert_eq!(in_words("timed out"), "timed out");
    }
}
