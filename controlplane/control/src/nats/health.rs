//! The states of the links: what is told of them, and what is logged, once for each change.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

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
    /// Connected, but of late messages were not stored: the stream is full, the server does not answer …
    Failing,
    /// Connected, but the stream can be neither found nor made, or does not listen.
    Refused,
}

impl LinkState {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Connecting, Self::Down, Self::Preparing, Self::Ready, Self::Failing, Self::Refused];

    /// The name used in `/api/v1/stats`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Down => "down",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Failing => "failing",
            Self::Refused => "refused",
        }
    }

    /// Whether messages are published in this state. Those of a failing link are its probes.
    pub(super) const fn can_publish(self) -> bool {
        matches!(self, Self::Ready | Self::Failing)
    }
}

/// The state of all links together.
#[derive(Debug)]
pub(crate) struct LinkHealth {
    lanes: u64,
    ready: AtomicU64,
    /// Times that a link was lost.
    pub(crate) disconnects: AtomicU64,
    /// The lanes are closing their links themselves.
    ending: AtomicBool,
    /// What was last logged as the reason why alerts cannot leave; empty while they can.
    logged: Mutex<String>,
}

impl LinkHealth {
    pub(super) fn new(lanes: u16) -> Self {
        Self {
            lanes: lanes.into(),
            ready: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            ending: AtomicBool::new(false),
            logged: Mutex::new(String::new()),
        }
    }

    /// Whether every link is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) == self.lanes
    }

    /// From now on a link that closes is in order.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn changed(&self, from: LinkState, to: LinkState, reason: &str) {
        let (was_ready, is_ready) = (from == LinkState::Ready, to == LinkState::Ready);
        if is_ready && !was_ready {
            if self.ready.fetch_add(1, Ordering::Relaxed) + 1 == self.lanes {
                self.lock().clear();
                tracing::info!(lanes = self.lanes, "NATS takes alerts");
            }
        } else if was_ready && !is_ready {
            self.ready.fetch_sub(1, Ordering::Relaxed);
        }
        if self.ending.load(Ordering::Relaxed) {
            return;
        }
        let up = !matches!(from, LinkState::Connecting | LinkState::Down);
        if up && to == LinkState::Down {
            self.disconnects.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(to, LinkState::Down | LinkState::Failing | LinkState::Refused) {
            self.log(reason);
        }
    }

    /// Logs why alerts cannot leave, unless that was the last that was logged.
    fn log(&self, reason: &str) {
        let mut logged = self.lock();
        if *logged != reason {
            reason.clone_into(&mut logged);
            tracing::warn!(reason, "NATS does not take alerts");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, String> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link's state, which tells the health of its changes.
#[derive(Debug)]
pub(crate) struct LinkCell {
    state: watch::Sender<LinkState>,
    /// Why it is not ready; empty where it is.
    reason: Mutex<String>,
    /// Nobody listened to the last message.
    silent: AtomicBool,
    /// Connections that were made.
    connects: AtomicU64,
    health: Arc<LinkHealth>,
}

impl LinkCell {
    pub(super) fn new(health: Arc<LinkHealth>) -> Self {
        Self {
            state: watch::Sender::new(LinkState::Connecting),
            reason: Mutex::new("not connected yet".into()),
            silent: AtomicBool::new(false),
            connects: AtomicU64::new(0),
            health,
        }
    }

    /// The state.
    pub(crate) fn state(&self) -> LinkState {
        *self.state.borrow()
    }

    /// Why it is not ready; empty where it is.
    pub(crate) fn reason(&self) -> String {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection was made.
    pub(super) fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that were made after the first.
    pub(crate) fn reconnects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// The state, to be watched.
    pub(super) fn subscribe(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// Goes from a state that `from` accepts to `to` for `reason`.
    pub(super) fn go(&self, from: impl Fn(LinkState) -> bool, to: LinkState, reason: &str) {
        self.state.send_if_modified(|state| {
            if !from(*state) {
                return false;
            }
            let mut told = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            if *state == to && *told == reason {
                return false;
            }
            reason.clone_into(&mut told);
            drop(told);
            self.health.changed(*state, to, reason);
            std::mem::replace(state, to) != to
        });
    }

    /// Messages are not stored, because of `reason`.
    pub(super) fn failing(&self, reason: &str) {
        self.go(LinkState::can_publish, LinkState::Failing, reason);
    }

    /// Messages are stored, and have been for a while.
    pub(super) fn well(&self) {
        self.go(|state| state == LinkState::Failing, LinkState::Ready, "");
    }

    /// No stream listens: it is to be looked for, and made where it is gone.
    pub(super) fn nobody_listens(&self) {
        self.silent.store(true, Ordering::Relaxed);
        self.go(LinkState::can_publish, LinkState::Preparing, "no stream listens");
    }

    /// Whether nobody has listened since this was last asked.
    pub(super) fn was_silent(&self) -> bool {
        self.silent.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::{LinkCell, LinkHealth, LinkState};

    #[test]
    fn all_lanes_make_it_ready_and_one_makes_it_not() {
        let health = Arc::new(LinkHealth::new(2));
        let cells = [0, 1].map(|_| LinkCell::new(Arc::clone(&health)));
        for cell in &cells {
            assert!(!health.is_ready());
            cell.go(|_| true, LinkState::Preparing, "");
            cell.go(|_| true, LinkState::Ready, "");
        }
        assert!(health.is_ready());
        cells[1].failing("full");
        assert_eq!((cells[1].state(), cells[1].reason().as_str()), (LinkState::Failing, "full"));
        assert!(!health.is_ready());
        cells[1].failing("still full");
        assert_eq!(cells[1].reason(), "still full");
        cells[1].well();
        assert_eq!((health.is_ready(), cells[1].reason().as_str()), (true, ""));
        assert_eq!(health.disconnects.load(Ordering::Relaxed), 0);
        cells[0].go(|_| true, LinkState::Down, "lost");
        cells[0].go(|_| true, LinkState::Down, "refused");
        assert_eq!(health.disconnects.load(Ordering::Relaxed), 1);
        // What is down neither fails nor gets well.
        cells[0].failing("full");
        cells[0].well();
        assert_eq!((cells[0].state(), cells[0].reason().as_str()), (LinkState::Down, "refused"));
    }
}
