//! The duty to say where alerts ended.

use std::sync::Arc;

use contract::AlertDrop;

use super::losses::SignatureId;
use super::{Outcome, Tally};

/// Stands for one alert that was just read. It borrows the tally, so that an alert that joins a batch
/// costs no reference of its own.
#[must_use = "a claim that is dropped counts its alert as lost at shutdown"]
#[derive(Debug)]
pub struct Claim<'a> {
    tally: &'a Arc<Tally>,
    signature: Option<SignatureId>,
    open: bool,
}

impl<'a> Claim<'a> {
    pub(super) fn new(tally: &'a Arc<Tally>) -> Self {
        Self { tally, signature: None, open: true }
    }

    /// The same for an alert of the signature (`gid`, `sid`), by which it is counted if it is lost.
    pub fn of(mut self, gid: u32, sid: u32) -> Self {
        self.signature = Some((gid, sid));
        self
    }

    /// A ticket for the alert, to be kept.
    pub fn ticket(mut self) -> Ticket {
        self.open = false;
        Ticket { tally: Arc::clone(self.tally), alerts: 1, signature: self.signature }
    }

    /// Puts the alert under `ticket`, as when alerts are put into one message.
    pub fn join(mut self, ticket: &mut Ticket) {
        self.open = false;
        ticket.alerts += 1;
        ticket.signature = ticket.signature.filter(|one| Some(*one) == self.signature);
    }

    /// Ends the way of the alert.
    pub fn end(mut self, outcome: Outcome) {
        self.open = false;
        self.tally.end(outcome, 1, self.signature);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.open {
            self.tally.end(Outcome::Dropped(AlertDrop::Shutdown), 1, self.signature);
        }
    }
}

/// Stands for alerts that are on their way through the control plane.
#[must_use = "a ticket that is dropped counts its alerts as lost at shutdown"]
#[derive(Debug)]
pub struct Ticket {
    tally: Arc<Tally>,
    alerts: u64,
    /// The signature of all its alerts, where they have one and the same and it is known.
    signature: Option<SignatureId>,
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
        self.signature = self.signature.filter(|one| Some(*one) == other.signature);
    }

    /// The spool holds its alerts from now on; how many. [`Tally::unspool`] ends that.
    pub(crate) fn spool(mut self) -> u64 {
        let alerts = std::mem::take(&mut self.alerts);
        self.tally.spool(alerts);
        alerts
    }

    /// Ends the way of its alerts.
    pub fn end(mut self, outcome: Outcome) {
        self.tally.end(outcome, std::mem::take(&mut self.alerts), self.signature);
    }

    /// Its alerts, those of the message `payload`, are lost by `cause`. The message tells their
    /// signatures.
    pub(crate) fn lose(mut self, cause: AlertDrop, payload: &[u8]) {
        self.tally.lose(cause, std::mem::take(&mut self.alerts), payload);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.alerts > 0 {
            self.tally.end(Outcome::Dropped(AlertDrop::Shutdown), self.alerts, self.signature);
        }
    }
}
