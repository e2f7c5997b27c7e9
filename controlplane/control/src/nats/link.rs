//! A lane's connection and what is known of its state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::{Client, Event};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::options::{NatsError, connect_options};
use super::stream;
use crate::SensorIdentity;
use crate::config::{Delivery, NatsConfig};

/// Pause before a stream that was refused is asked for again.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);

/// State of a lane's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// The first attempt to connect is under way.
    Connecting,
    /// No server.
    Down,
    /// Connected; the stream is being looked for.
    Preparing,
    /// Messages can be published.
    Ready,
    /// Connected, but the stream can be neither found nor made.
    Refused,
}

impl LinkState {
    /// The name used in `/api/v1/stats`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Down => "down",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Refused => "refused",
        }
    }
}

/// The state of all links together: what is logged, once for each change.
#[derive(Debug)]
pub(crate) struct LinkHealth {
    lanes: u64,
    ready: AtomicU64,
    /// Times that a link was lost.
    pub(crate) disconnects: AtomicU64,
    /// The lanes are closing their links themselves.
    ending: AtomicBool,
}

impl LinkHealth {
    pub(crate) fn new(lanes: u16) -> Self {
        Self {
            lanes: lanes.into(),
            ready: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        }
    }

    /// Whether every link is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) == self.lanes
    }

    /// From now on a link that closes is in order.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn changed(&self, from: LinkState, to: LinkState) {
        let (was_ready, is_ready) = (from == LinkState::Ready, to == LinkState::Ready);
        if is_ready && !was_ready {
            if self.ready.fetch_add(1, Ordering::Relaxed) + 1 == self.lanes {
                tracing::info!(lanes = self.lanes, "NATS takes alerts");
            }
        } else if was_ready && !is_ready {
            let first = self.ready.fetch_sub(1, Ordering::Relaxed) == self.lanes;
            if self.ending.load(Ordering::Relaxed) {
                return;
            }
            self.disconnects.fetch_add(1, Ordering::Relaxed);
            if first {
                tracing::warn!("NATS is down; alerts are lost and counted until it is back");
            }
        }
    }
}

/// A state that tells the health of its changes.
struct StateCell {
    state: watch::Sender<LinkState>,
    health: Arc<LinkHealth>,
}

impl StateCell {
    /// Goes from a state that `from` accepts to `to`; whether it did.
    fn go(&self, from: impl Fn(LinkState) -> bool, to: LinkState) -> bool {
        self.state.send_if_modified(|state| {
            if *state == to || !from(*state) {
                return false;
            }
            self.health.changed(*state, to);
            *state = to;
            true
        })
    }
}

/// One lane's connection.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    state: watch::Receiver<LinkState>,
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
        identity: &SensorIdentity,
        lane: u16,
        health: &Arc<LinkHealth>,
    ) -> Result<Self, NatsError> {
        let name = format!("sensor {}.{} lane {lane}", identity.site, identity.sensor);
        let (sender, state) = watch::channel(LinkState::Connecting);
        let cell = Arc::new(StateCell { state: sender, health: Arc::clone(health) });
        let events = Arc::clone(&cell);
        let up = match config.delivery {
            Delivery::JetStream => LinkState::Preparing,
            Delivery::Core => LinkState::Ready,
        };
        let options = connect_options(config, name).await?.event_callback(move |event| {
            let events = Arc::clone(&events);
            async move { on_event(&events, &event, up) }
        });
        let servers = config.servers.iter().map(|server| server.parse());
        let servers: Vec<async_nats::ServerAddr> = servers.collect::<Result<_, _>>()?;
        let client = options.connect(servers).await?;
        let jetstream = stream::context(client.clone(), config);
        let keeper = keep_prepared(cell, jetstream.clone(), config.stream.clone(), lane);
        Ok(Self { client, jetstream, state, keeper: tokio::spawn(keeper) })
    }

    /// The state, to be watched.
    pub(super) fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// The state now. The client is asked as well, since it knows of a loss before its event comes.
    pub(super) fn state_now(&self) -> LinkState {
        let state = *self.state.borrow();
        let connected = self.client.connection_state() == async_nats::connection::State::Connected;
        if state == LinkState::Ready && !connected { LinkState::Down } else { state }
    }

    /// Waits until it is known whether messages can be published.
    pub(super) async fn settled(&mut self) -> LinkState {
        let settled =
            |state: &LinkState| !matches!(state, LinkState::Connecting | LinkState::Preparing);
        if self.state.wait_for(settled).await.is_err() {
            return LinkState::Down;
        }
        self.state_now()
    }

    /// How often a connection was made: a message is known to have been taken only if this has not
    /// changed since.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }
}

fn on_event(cell: &StateCell, event: &Event, up: LinkState) {
    match event {
        Event::Connected => {
            cell.go(|_| true, up);
        }
        Event::Disconnected | Event::Closed => {
            cell.go(|_| true, LinkState::Down);
        }
        Event::ClientError(error) => {
            if cell.go(|state| state == LinkState::Connecting, LinkState::Down) {
                tracing::warn!(%error, "NATS cannot be reached; alerts are lost and counted until it is");
            }
        }
        other => tracing::debug!(event = %other, "NATS"),
    }
}

/// Looks for the stream whenever the link is up again.
async fn keep_prepared(
    cell: Arc<StateCell>,
    jetstream: Context,
    config: crate::config::StreamConfig,
    lane: u16,
) {
    let mut state = cell.state.subscribe();
    loop {
        let wanted = |state: &LinkState| matches!(state, LinkState::Preparing | LinkState::Refused);
        let Ok(found) = state.wait_for(wanted).await.map(|state| *state) else { return };
        if found == LinkState::Refused {
            tokio::time::sleep(REFUSED_PAUSE).await;
        }
        let up = |state| matches!(state, LinkState::Preparing | LinkState::Refused);
        match stream::ensure(&jetstream, &config).await {
            Ok(()) => {
                cell.go(up, LinkState::Ready);
            }
            Err(error) => {
                let first = cell.go(|state| state == LinkState::Preparing, LinkState::Refused);
                if first && lane == 0 {
                    tracing::warn!(stream = config.name, error, "the alert stream cannot be used");
                }
            }
        }
    }
}
