//! What the spool shows of itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use contract::{AlertDrop, Counter};
use serde::Serialize;
use utoipa::ToSchema;

use super::account::Recovered;
use super::boots::ClosedBoot;
use super::{NS_PER_S, Shared};
use crate::config::SpoolMode;
use crate::stats::LossView;

/// Ended boots that are shown; the spool's directory has more.
const PREVIOUS_SHOWN: usize = 10;

/// What the spool's thread has done, and how it is. The thread is the only writer of the counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Batches written.
    pub(super) appended: Counter,
    /// Bytes of these.
    pub(super) appended_bytes: Counter,
    /// Batches read back and handed to a lane.
    pub(super) replayed: Counter,
    /// Files that could not be written, synced, read or removed.
    pub(super) write_errors: Counter,
    /// Records that could not be read.
    pub(super) corrupt_records: Counter,
    /// Bytes between records that are no record.
    pub(super) corrupt_bytes: Counter,
    /// Bytes of unfinished records that were cut off.
    pub(super) torn_bytes: Counter,
    segments: AtomicU64,
    bytes: AtomicU64,
    records_waiting: AtomicU64,
    /// When the oldest record that is not done was written, seconds since 1970; 0: there is none.
    oldest_s: AtomicU64,
    /// Why the spool cannot be written.
    failing: Mutex<Option<String>>,
}

/// The gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gauges {
    pub(super) segments: u64,
    pub(super) bytes: u64,
    pub(super) records_waiting: u64,
    /// When the oldest record that is not done was written, seconds since 1970.
    pub(super) oldest_s: Option<u64>,
}

impl Counters {
    /// Sets the gauges.
    pub(super) fn show(&self, segments: u64, bytes: u64, waiting: u64, oldest_s: Option<u64>) {
        self.segments.store(segments, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.records_waiting.store(waiting, Ordering::Relaxed);
        self.oldest_s.store(oldest_s.unwrap_or(0), Ordering::Relaxed);
    }

    /// The gauges.
    pub(super) fn gauges(&self) -> Gauges {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Gauges {
            segments: get(&self.segments),
            bytes: get(&self.bytes),
            records_waiting: get(&self.records_waiting),
            oldest_s: Some(get(&self.oldest_s)).filter(|oldest| *oldest > 0),
        }
    }

    /// Notes why the spool cannot be written, or that it can; whether that is new.
    pub(super) fn set_failing(&self, reason: Option<String>) -> bool {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = failing.is_some() != reason.is_some();
        *failing = reason;
        changed
    }

    /// Why the spool cannot be written.
    pub(super) fn failing(&self) -> Option<String> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The spool, as `/api/v1/spool` and `/api/v1/stats` show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpoolView {
    /// `ok`, `failing` when it cannot be written (alerts go to NATS without it then), or `off`.
    pub state: &'static str,
    /// Why it is failing.
    pub reason: Option<String>,
    /// When a batch is written: `write_ahead` or `on_failure`; absent where there is no spool.
    pub mode: Option<SpoolMode>,
    /// Files.
    pub segments: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Bytes at which the oldest segment goes.
    pub bytes_max: u64,
    /// Batches that wait to be sent again.
    pub records_waiting: u64,
    /// Alerts of this boot that it holds, those on their way included.
    pub alerts_spooled: u64,
    /// Age of the oldest batch that is not delivered, seconds.
    pub oldest_s: Option<u64>,
    /// Bytes that wait to be written.
    pub queued_bytes: u64,
    /// Batches written.
    pub appended: u64,
    /// Bytes of these.
    pub appended_bytes: u64,
    /// Batches read back and sent again.
    pub replayed: u64,
    /// Batches that were sent without having been written.
    pub bypassed: u64,
    /// Alerts in these.
    pub bypassed_alerts: u64,
    /// Times that a file could not be written, synced, read or removed.
    pub write_errors: u64,
    /// Batches that could not be read back.
    pub corrupt_records: u64,
    /// Bytes that were no record where one should have been.
    pub corrupt_bytes: u64,
    /// Bytes of unfinished records that were cut off at the start.
    pub torn_bytes: u64,
    /// What earlier boots have left.
    pub recovered: RecoveredView,
    /// The ledgers of the last boots that have ended, the newest first.
    pub previous_boots: Vec<ClosedBoot>,
}

/// Where the alerts ended that earlier boots have left: `found = acknowledged + sent + spooled + drops`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecoveredView {
    /// Alerts found at the start that were not delivered.
    pub found: u64,
    /// Alerts that JetStream has acknowledged since.
    pub acknowledged: u64,
    /// Alerts that core NATS has taken since.
    pub sent: u64,
    /// Alerts that wait.
    pub spooled: u64,
    /// Alerts lost, by cause.
    pub drops: BTreeMap<&'static str, u64>,
    /// The same by signature and cause, the most first; at most 100.
    pub losses: Vec<LossView>,
}

impl SpoolView {
    /// What `state` may be.
    pub(crate) const STATES: [&'static str; 3] = ["ok", "failing", "off"];

    /// There is no spool.
    pub(crate) fn off() -> Self {
        Self { state: "off", ..Self::default() }
    }

    /// Reads everything.
    pub(super) fn of(shared: &Shared, wall_ns: u64) -> Self {
        let Shared { config, counters, accounts, .. } = shared;
        let previous = shared.previous.get().into_iter().flatten();
        let (gauges, reason) = (counters.gauges(), counters.failing());
        Self {
            state: if reason.is_some() { "failing" } else { "ok" },
            reason,
            mode: Some(config.mode),
            segments: gauges.segments,
            bytes: gauges.bytes,
            bytes_max: config.bytes_max,
            records_waiting: gauges.records_waiting,
            alerts_spooled: accounts.tally.spooled(),
            oldest_s: gauges.oldest_s.map(|oldest| (wall_ns / NS_PER_S).saturating_sub(oldest)),
            queued_bytes: shared.queued_bytes.load(Ordering::Relaxed) as u64,
            appended: counters.appended.get(),
            appended_bytes: counters.appended_bytes.get(),
            replayed: counters.replayed.get(),
            bypassed: shared.bypassed.load(Ordering::Relaxed),
            bypassed_alerts: shared.bypassed_alerts.load(Ordering::Relaxed),
            write_errors: counters.write_errors.get(),
            corrupt_records: counters.corrupt_records.get(),
            corrupt_bytes: counters.corrupt_bytes.get(),
            torn_bytes: counters.torn_bytes.get(),
            recovered: RecoveredView::of(&accounts.recovered),
            previous_boots: previous.rev().take(PREVIOUS_SHOWN).cloned().collect(),
        }
    }

    /// Whether alerts that NATS does not take are safe here for now.
    pub(crate) fn takes_alerts(&self) -> bool {
        self.state == "ok"
    }
}

impl RecoveredView {
    fn of(recovered: &Recovered) -> Self {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let drops = AlertDrop::ALL.iter().map(|c| (c.name(), get(&recovered.drops[*c as usize])));
        Self {
            found: get(&recovered.found),
            acknowledged: get(&recovered.acknowledged),
            sent: get(&recovered.sent),
            spooled: get(&recovered.spooled),
            drops: drops.filter(|(_, alerts)| *alerts > 0).collect(),
            losses: LossView::most(recovered.losses()),
        }
    }
}
