//! Where the alerts of the spool end: those of this boot in its ledger, those of earlier ones in a ledger
//! of their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contract::AlertDrop;

use crate::tally::{Loss, Losses, Outcome, SignatureId, Tally};

/// The ledger of the alerts that earlier boots have left in the spool:
/// `found = acknowledged + sent + spooled + drops`.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) found: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) sent: AtomicU64,
    /// Alerts that still wait: a gauge.
    pub(super) spooled: AtomicU64,
    pub(super) drops: [AtomicU64; AlertDrop::COUNT],
    losses: Mutex<Losses>,
}

impl Recovered {
    /// `alerts` alerts were found, and are in the spool.
    pub(super) fn find(&self, alerts: u64) {
        self.found.fetch_add(alerts, Ordering::Relaxed);
        self.spooled.fetch_add(alerts, Ordering::Relaxed);
    }

    /// What was lost, by signature and cause, the most first.
    pub(super) fn losses(&self) -> Vec<Loss> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).list()
    }

    fn settle(&self, outcome: Outcome, alerts: u64, signatures: &[SignatureId]) {
        if let Outcome::Dropped(cause) = outcome {
            let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
            losses.count_batch(signatures, cause, alerts);
        }
        self.spooled.fetch_sub(alerts, Ordering::Relaxed);
        let counter = match outcome {
            Outcome::Acknowledged => &self.acknowledged,
            // The spool hands on to NATS only; a file that took it has sent it.
            Outcome::Sent | Outcome::Written => &self.sent,
            Outcome::Dropped(cause) => &self.drops[cause as usize],
        };
        counter.fetch_add(alerts, Ordering::Relaxed);
    }
}

/// Both ledgers.
#[derive(Clone, Debug)]
pub(super) struct Accounts {
    pub(super) tally: Arc<Tally>,
    pub(super) recovered: Arc<Recovered>,
}

impl Accounts {
    /// `alerts` alerts that the spool held have ended. Those that are lost are of `signatures`, as far as
    /// these are known.
    pub(super) fn settle(
        &self,
        own: bool,
        outcome: Outcome,
        alerts: u64,
        signatures: &[SignatureId],
    ) {
        if own {
            self.tally.unspool(outcome, alerts, signatures);
        } else {
            self.recovered.settle(outcome, alerts, signatures);
        }
    }
}
