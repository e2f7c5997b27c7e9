//! Where every alert ends: in exactly one counter.
//!
//! The drain takes out a [`Ticket`] for each alert that it reads. A ticket ends once, by
//! [`Ticket::end`]; one that is dropped on the way (a queue that is torn down, a task that is stopped)
//! ends as [`AlertDrop::Shutdown`]. No alert can be counted twice or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::AlertDrop;

/// Where an alert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// JetStream acknowledged it.
    Acknowledged,
    /// Core NATS took it.
    Sent,
    /// It was written to the output that is its only destination.
    Written,
    /// It was lost.
    Dropped(AlertDrop),
}

/// The control plane's terms of the alert ledger.
#[derive(Debug, Default)]
pub struct Tally {
    acknowledged: AtomicU64,
    sent: AtomicU64,
    written: AtomicU64,
    drops: [AtomicU64; AlertDrop::COUNT],
    /// Tickets taken out and tickets ended: two counters, so that neither is worked out of the other.
    taken: AtomicU64,
    ended: AtomicU64,
}

impl Tally {
    /// A tally with nothing in it.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Takes out a ticket for one alert.
    pub fn ticket(self: &Arc<Self>) -> Ticket {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ticket { tally: Arc::clone(self), alerts: 1 }
    }

    fn end(&self, outcome: Outcome, alerts: u64) {
        let counter = match outcome {
            Outcome::Acknowledged => &self.acknowledged,
            Outcome::Sent => &self.sent,
            Outcome::Written => &self.written,
            Outcome::Dropped(cause) => &self.drops[cause as usize],
        };
        counter.fetch_add(alerts, Ordering::Relaxed);
        self.ended.fetch_add(alerts, Ordering::Relaxed);
    }

    /// Alerts acknowledged by JetStream.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Alerts taken by core NATS.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Alerts written to the output that is their only destination.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Alerts lost in the control plane by `cause`.
    #[must_use]
    pub fn dropped(&self, cause: AlertDrop) -> u64 {
        self.drops[cause as usize].load(Ordering::Relaxed)
    }

    /// Alerts in the control plane: tickets taken out and not ended.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let ended = self.ended.load(Ordering::Relaxed);
        self.taken.load(Ordering::Relaxed).saturating_sub(ended)
    }
}

/// Stands for alerts that are on their way through the control plane.
#[must_use = "a ticket that is dropped counts its alerts as lost at shutdown"]
#[derive(Debug)]
pub struct Ticket {
    tally: Arc<Tally>,
    alerts: u64,
}

impl Ticket {
    /// Alerts that it stands for.
    #[must_use]
    pub const fn alerts(&self) -> u64 {
        self.alerts
    }

    /// Takes in another ticket, as when alerts are put into one message.
    pub fn absorb(&mut self, mut other: Self) {
        self.alerts += std::mem::take(&mut other.alerts);
    }

    /// Ends the way of its alerts.
    pub fn end(mut self, outcome: Outcome) {
        self.tally.end(outcome, std::mem::take(&mut self.alerts));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.alerts > 0 {
            self.tally.end(Outcome::Dropped(AlertDrop::Shutdown), self.alerts);
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::AlertDrop;

    use super::{Outcome, Tally};

    #[test]
    fn every_ticket_ends_in_one_counter() {
        let tally = Tally::new();
        let mut batch = tally.ticket();
        batch.absorb(tally.ticket());
        let lost = tally.ticket();
        assert_eq!((batch.alerts(), tally.in_flight()), (2, 3));
        batch.end(Outcome::Acknowledged);
        drop(lost);
        tally.ticket().end(Outcome::Dropped(AlertDrop::LaneFull));
        assert_eq!(tally.acknowledged(), 2);
        assert_eq!(tally.dropped(AlertDrop::Shutdown), 1);
        assert_eq!(tally.dropped(AlertDrop::LaneFull), 1);
        assert_eq!(tally.in_flight(), 0);
    }
}
