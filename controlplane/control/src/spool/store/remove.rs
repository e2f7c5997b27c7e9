//! Segments that go: because they are done, or because the spool is at its limit.

use std::time::Duration;

use contract::AlertDrop;

use super::{Now, Orphan, Store};
use crate::config::Fsync;
use crate::spool::disk::{Disk, DiskFile};
use crate::spool::segment::{Entry, State};
use crate::tally::Outcome;

impl<D: Disk> Store<D> {
    /// Whether the segment at `at` is being appended to.
    fn is_active(&self, at: usize) -> bool {
        self.active.is_some() && at + 1 == self.segments.len()
    }

    /// Removes the segments whose records have been done for long enough.
    pub(in crate::spool) fn remove_done(&mut self, now: Now) {
        let syncs = self.config.fsync != Fsync::Never;
        if self.leftover.retry(&self.disk, syncs, now.monotonic).is_err() {
            self.counters.write_errors.increment();
        }
        let keep = Duration::from_secs(self.config.keep_acknowledged_s);
        let mut at = 0;
        while at < self.segments.len() {
            let segment = &self.segments[at];
            let old = segment.done_since.is_some_and(|since| now.monotonic >= since + keep);
            if segment.is_done() && old && !self.is_active(at) {
                self.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Removes segments until `more` bytes fit: those that are done first, then the oldest. Nothing is given
    /// up while the disk removes no files: it would make no room.
    pub(super) fn keep_within(&mut self, more: u64) {
        if !self.leftover.is_empty() {
            return;
        }
        let mut bytes = self.bytes();
        while bytes + more > self.config.bytes_max {
            let done = |at: &usize| self.segments[*at].is_done() && !self.is_active(*at);
            let victim = (0..self.segments.len()).find(done).or((!self.is_active(0)).then_some(0));
            let Some(victim) = victim.filter(|_| !self.segments.is_empty()) else { break };
            let segment = &self.segments[victim];
            bytes -= segment.bytes + segment.journal_bytes;
            self.lose(victim);
            self.remove(victim);
        }
        if self.overflowing && bytes + more < self.config.bytes_max / 10 * 9 {
            self.overflowing = false;
        }
    }

    /// Frees the oldest segment of which nothing is owed any more; whether there was one. The newest is among
    /// them: on a full disk it could neither be appended to nor ended.
    pub(in crate::spool) fn remove_one_kept(&mut self) -> bool {
        let kept = |at: &usize| self.segments[*at].is_done() && self.segments[*at].bytes > 0;
        let Some(at) = (0..self.segments.len()).find(kept) else { return false };
        if self.is_active(at) {
            self.active = None;
        }
        self.remove(at);
        true
    }

    /// Counts what a segment still holds as lost. A record on its way may yet arrive.
    pub(super) fn lose(&mut self, at: usize) {
        let full = Outcome::Dropped(AlertDrop::SpoolFull);
        let (mut lost, mut left) = (0, self.named_bytes_max);
        for index in 0..self.segments[at].entries().len() {
            let entry = self.segments[at].entries()[index];
            if entry.settled || entry.state == State::Done {
                continue;
            }
            let signatures = self.signatures(at, entry, &mut left);
            let Entry { alerts, own, .. } = entry;
            if entry.state == State::Waiting {
                lost += u64::from(alerts);
                self.accounts.settle(own, full, alerts.into(), &signatures);
            } else {
                let number = self.segments[at].first + u64::from(entry.delta);
                self.orphans.insert(number, Orphan { alerts, own, signatures });
            }
        }
        if lost > 0 && !std::mem::replace(&mut self.overflowing, true) {
            let limit = self.config.bytes_max;
            tracing::warn!(
                alerts = lost,
                bytes_max = limit,
                "the spool is full; its oldest alerts are lost and counted until there is room"
            );
        }
    }

    /// Removes a segment.
    fn remove(&mut self, at: usize) {
        let Some(segment) = self.segments.remove(at) else { return };
        if self.reader.as_ref().is_some_and(|(first, _)| *first == segment.first) {
            self.reader = None;
        }
        let syncs = self.config.fsync != Fsync::Never;
        if let Err(error) = self.leftover.remove(&self.disk, &segment, syncs) {
            self.counters.write_errors.increment();
            tracing::warn!(%error, segment = segment.name(), "a segment could not be removed; it is tried again");
        }
    }

    /// At the end: removes what is done, the newest segment included, and makes the rest reach the disk.
    pub(in crate::spool) fn close(&mut self, now: Now) {
        self.document(now);
        let files = self.take_unsynced();
        self.active = None;
        for at in 0..self.segments.len() {
            self.note_done(at, now);
        }
        self.remove_done(now);
        let synced = files.iter().try_for_each(|file| file.sync());
        if let Err(error) = synced.and_then(|()| self.disk.sync()) {
            self.counters.write_errors.increment();
            tracing::warn!(%error, "the spool could not be synced");
        }
    }
}
