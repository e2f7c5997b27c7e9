//! Where every alert ends: in exactly one counter.
//!
//! The drain makes a [`Claim`] for each alert that it reads, which becomes a [`Ticket`] or joins one. A
//! ticket ends once, by [`Ticket::end`]; one that is dropped on the way (a queue that is torn down, a task
//! that is stopped) ends as [`AlertDrop::Shutdown`]. No alert can be counted twice or not at all. What is
//! lost is counted by signature as well.

mod losses;
mod ticket;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::{AlertDrop, crash};
use ring::{Page, PageCell};

pub use losses::Loss;
#[cfg(test)]
pub(crate) use losses::SIGNATURES_MAX;
pub(crate) use losses::{Losses, SignatureId, signatures_of};
pub use ticket::{Claim, Ticket};

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

/// The control plane's terms of the alert ledger. Those that say where an alert ended lie on the page that
/// outlives a crash.
#[derive(Debug)]
pub struct Tally {
    acknowledged: PageCell,
    sent: PageCell,
    written: PageCell,
    drops: [PageCell; AlertDrop::COUNT],
    /// Alerts that the spool holds: a gauge.
    spooled: PageCell,
    /// Tickets taken out and tickets ended: two counters, so that neither is worked out of the other.
    taken: AtomicU64,
    ended: AtomicU64,
    losses: Mutex<Losses>,
}

impl Tally {
    /// A tally with nothing in it.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::on(&Page::heap(crash::cells(0)))
    }

    /// The same, on a page of at least [`crash::cells`] cells that may outlive the process.
    #[must_use]
    pub fn on(page: &Arc<Page>) -> Arc<Self> {
        let drops = |index: usize| page.share(crash::dropped(AlertDrop::ALL[index]));
        Arc::new(Self {
            acknowledged: page.share(crash::ACKNOWLEDGED),
            sent: page.share(crash::SENT),
            written: page.share(crash::WRITTEN),
            drops: std::array::from_fn(drops),
            spooled: page.share(crash::SPOOLED),
            taken: AtomicU64::default(),
            ended: AtomicU64::default(),
            losses: Mutex::default(),
        })
    }

    /// Takes out a ticket for one alert.
    pub fn ticket(self: &Arc<Self>) -> Ticket {
        self.claim().ticket()
    }

    /// The same, to be made a ticket or put under one.
    pub fn claim(self: &Arc<Self>) -> Claim<'_> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Claim::new(self)
    }

    fn end(&self, outcome: Outcome, alerts: u64, signature: Option<SignatureId>) {
        if let Outcome::Dropped(cause) = outcome {
            self.losses_now().count(signature, cause, alerts);
        }
        self.counter(outcome).fetch_add(alerts, Ordering::Relaxed);
        self.ended.fetch_add(alerts, Ordering::Relaxed);
    }

    fn lose(&self, cause: AlertDrop, alerts: u64, payload: &[u8]) {
        let signatures = signatures_of(payload);
        self.losses_now().count_batch(&signatures, cause, alerts);
        self.counter(Outcome::Dropped(cause)).fetch_add(alerts, Ordering::Relaxed);
        self.ended.fetch_add(alerts, Ordering::Relaxed);
    }

    fn spool(&self, alerts: u64) {
        self.spooled.fetch_add(alerts, Ordering::Relaxed);
        self.ended.fetch_add(alerts, Ordering::Relaxed);
    }

    fn losses_now(&self) -> MutexGuard<'_, Losses> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was lost in the control plane, by signature and cause, the most first.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.losses_now().list()
    }

    fn counter(&self, outcome: Outcome) -> &AtomicU64 {
        match outcome {
            Outcome::Acknowledged => &self.acknowledged,
            Outcome::Sent => &self.sent,
            Outcome::Written => &self.written,
            Outcome::Dropped(cause) => &self.drops[cause as usize],
        }
    }

    /// Ends the time in the spool of `alerts` alerts of this boot. Those that are lost are of `signatures`,
    /// as far as these are known.
    pub(crate) fn unspool(&self, outcome: Outcome, alerts: u64, signatures: &[SignatureId]) {
        if let Outcome::Dropped(cause) = outcome {
            self.losses_now().count_batch(signatures, cause, alerts);
        }
        // Taken from the one before it is added to the other: a reading in between shows too little, and
        // is repeated.
        self.spooled.fetch_sub(alerts, Ordering::Relaxed);
        self.counter(outcome).fetch_add(alerts, Ordering::Relaxed);
    }

    /// Alerts that the spool holds.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.spooled.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use contract::{AlertDrop, CrashLedger, crash};
    use ring::Page;

    use super::losses::SIGNATURES_MAX;
    use super::{Loss, Outcome, Tally};

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

    #[test]
    fn the_page_has_every_end() {
        let page = Page::heap(crash::cells(1));
        crash::begin(&page, 1);
        let tally = Tally::on(&page);
        for outcome in [Outcome::Acknowledged, Outcome::Sent, Outcome::Written] {
            tally.ticket().end(outcome);
        }
        for cause in AlertDrop::ALL {
            tally.ticket().end(Outcome::Dropped(*cause));
        }
        let spooled = [tally.ticket().spool(), tally.ticket().spool()];
        tally.unspool(Outcome::Acknowledged, spooled[0], &[]);
        let cells: Vec<u64> = page.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        let ledger = CrashLedger::read(&cells).unwrap();
        let ends = (ledger.acknowledged, ledger.sent, ledger.written, ledger.spooled);
        assert_eq!(ends, (2, 1, 1, 1));
        assert_eq!(ledger.drops, [1; AlertDrop::COUNT]);
    }

    #[test]
    fn a_claim_becomes_a_ticket_or_joins_one() {
        let tally = Tally::new();
        let mut ticket = tally.claim().of(1, 7).ticket();
        tally.claim().of(1, 8).join(&mut ticket);
        drop(tally.claim().of(1, 9));
        assert_eq!((ticket.alerts(), tally.in_flight()), (2, 2));
        ticket.end(Outcome::Sent);
        assert_eq!((tally.sent(), tally.dropped(AlertDrop::Shutdown)), (2, 1));
        assert_eq!(tally.in_flight(), 0);
    }

    #[test]
    fn losses_are_known_by_signature() {
        let tally = Tally::new();
        let full = Outcome::Dropped(AlertDrop::LaneFull);
        for sid in [5, 6, 5] {
            tally.claim().of(1, sid).end(full);
        }
        tally.claim().of(1, 5).end(Outcome::Written);
        let mut same = tally.claim().of(3, 4).ticket();
        tally.claim().of(3, 4).join(&mut same);
        same.end(Outcome::Dropped(AlertDrop::NatsDown));
        let mut mixed = tally.claim().of(1, 5).ticket();
        tally.claim().of(1, 6).join(&mut mixed);
        mixed.end(full);
        let loss = |gid, sid, cause, count| Loss { gid, sid, cause, count };
        assert_eq!(
            tally.losses(),
            [
                loss(0, 0, AlertDrop::LaneFull, 2),
                loss(1, 5, AlertDrop::LaneFull, 2),
                loss(3, 4, AlertDrop::NatsDown, 2),
                loss(1, 6, AlertDrop::LaneFull, 1),
            ]
        );
    }

    #[test]
    fn losses_of_too_many_signatures_go_together() {
        let tally = Tally::new();
        for sid in 0..SIGNATURES_MAX as u32 + 10 {
            tally.claim().of(1, sid).end(Outcome::Dropped(AlertDrop::NatsDown));
        }
        tally.claim().of(1, 0).end(Outcome::Dropped(AlertDrop::LaneFull));
        let losses = tally.losses();
        assert_eq!((losses.len(), losses[0].count, losses[0].sid), (SIGNATURES_MAX + 2, 10, 0));
        assert_eq!(losses.iter().map(|loss| loss.count).sum::<u64>(), SIGNATURES_MAX as u64 + 11);
    }
}
