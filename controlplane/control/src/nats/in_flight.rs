//! Messages that wait for their acknowledgement, by the number that their answer brings back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::delivery::Outgoing;

/// A message on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) batch: Outgoing,
    /// When it was handed over.
    pub(super) at: Instant,
    /// The connection that it went over.
    pub(super) connects: u64,
    /// Times that it was sent before.
    pub(super) tries: usize,
}

/// Messages that wait. Numbers rise with time, so that the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct InFlight(BTreeMap<u64, Sent>);

impl InFlight {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, number: u64, sent: Sent) {
        self.0.insert(number, sent);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Sent> {
        self.0.remove(&number)
    }

    /// When the wait for the oldest ends.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        self.0.first_key_value().map(|(_, sent)| sent.at + timeout)
    }

    /// Takes out the oldest, if the wait for it has ended.
    pub(super) fn expired(&mut self, timeout: Duration, now: Instant) -> Option<Sent> {
        let oldest = self.0.first_entry()?;
        (oldest.get().at + timeout <= now).then(|| oldest.remove())
    }

    /// Takes out one that went over an earlier connection than `connects`.
    pub(super) fn stranded(&mut self, connects: u64) -> Option<Sent> {
        let oldest = self.0.first_entry()?;
        (oldest.get().connects < connects).then(|| oldest.remove())
    }
}
