//! Where the alerts of the spool end: those of this boot in its ledger, those of earlier ones in a ledger
//! of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::AlertDrop;

use crate::tally::{Outcome, Tally};

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
}

impl Recovered {
    /// `alerts` alerts were found, and are in the spool.
    pub(super) fn find(&self, alerts: u64) {
        self.found.fetch_add(alerts, Ordering::Relaxed);
        self.spooled.fetch_add(alerts, Ordering::Relaxed);
    }

    fn settle(&self, outcome: Outcome, alerts: u64) {
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
    /// `alerts` alerts that the spool held have ended.
    pub(super) fn settle(&self, own: bool, outcome: Outcome, alerts: u64) {
        if own {
            self.tally.unspool(outcome, alerts);
        } else {
            self.recovered.settle(outcome, alerts);
        }
    }
}
