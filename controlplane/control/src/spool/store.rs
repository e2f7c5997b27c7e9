//! The store: segments on disk, what became of their records, and the limits.
//!
//! It knows no lanes, threads or clocks. Records go through three states: they wait, are in flight, and
//! are done. A segment whose records are all done goes, at once or after `keep_acknowledged_s`; at
//! `bytes_max` segments go that are not done, and their alerts are counted.

mod append;
mod leftover;
mod lost;
mod open;
mod remove;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::AlertDrop;
use leftover::Leftover;

use super::account::Accounts;
use super::disk::{Disk, DiskFile};
use super::journal;
use super::record::{self, Body, Header};
use super::segment::{Entry, Segment, State};
use super::status::Counters;
use crate::config::SpoolConfig;
use crate::tally::{Outcome, SignatureId};

/// The present, on both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Now {
    /// Since the start; never goes back.
    pub(super) monotonic: Duration,
    /// Nanoseconds since 1970; may step.
    pub(super) wall_ns: u64,
}

/// The file that is appended to.
struct Active<F> {
    file: Arc<F>,
    /// Something was written since the last sync.
    dirty: bool,
}

/// What is left of a record on its way whose segment is gone.
struct Orphan {
    alerts: u32,
    own: bool,
    /// What is known of their signatures, should they be lost.
    signatures: Vec<SignatureId>,
}

/// A record read back to be sent.
#[derive(Debug)]
pub(super) struct ReadBack {
    pub(super) number: u64,
    pub(super) lane: u16,
    pub(super) alerts: u32,
    pub(super) body: Body,
}

/// The store.
pub(super) struct Store<D: Disk> {
    disk: D,
    config: SpoolConfig,
    /// Lanes that there are.
    lanes: u16,
    boot: String,
    accounts: Accounts,
    counters: Arc<Counters>,
    /// By their first record; the last one is appended to while `active` is there.
    segments: VecDeque<Segment>,
    active: Option<Active<D::File>>,
    /// The segment that was read last, by its first record.
    reader: Option<(u64, D::File)>,
    next_number: u64,
    /// Alerts in all records of this boot.
    alerts_so_far: u64,
    /// Records in flight of segments that are gone.
    orphans: HashMap<u64, Orphan>,
    /// Alerts that the start has found waiting, by the tag of their boot.
    found: HashMap<u32, u64>,
    /// Delivered records that are not in a journal yet.
    undocumented: Vec<(u64, Outcome)>,
    /// Segments go because of `bytes_max`: said once.
    overflowing: bool,
    /// Files that are not appended to any more, and have not been synced.
    sealed: Vec<Arc<D::File>>,
    /// Reused for heads of records, and for entries of journals.
    scratch: Vec<u8>,
    /// Files of segments that are gone from here, and that could not be removed.
    leftover: Leftover,
    /// Bytes of a segment that are read to tell whose alerts are lost with it.
    named_bytes_max: u64,
}

impl<D: Disk> Store<D> {
    /// Alerts that the start has found waiting, by the tag of their boot.
    pub(super) const fn found(&self) -> &HashMap<u32, u64> {
        &self.found
    }

    fn locate(&self, number: u64) -> Option<(usize, usize)> {
        let at = self.segments.partition_point(|segment| segment.first <= number).checked_sub(1)?;
        Some((at, self.segments[at].find(number)?))
    }

    /// The record `number`.
    pub(super) fn entry(&self, number: u64) -> Option<Entry> {
        let (at, index) = self.locate(number)?;
        Some(self.segments[at].entries()[index])
    }

    /// The record did not get out: it waits again.
    pub(super) fn undelivered(&mut self, number: u64) {
        if let Some(orphan) = self.orphans.remove(&number) {
            self.settle_orphan(&orphan, Outcome::Dropped(AlertDrop::SpoolFull));
        } else if let Some((at, index)) = self.locate(number)
            && self.segments[at].entries()[index].state == State::InFlight
        {
            self.segments[at].set(index, State::Waiting);
        }
    }

    /// The record is out. It is counted with the next [`Store::document`].
    pub(super) fn delivered(&mut self, number: u64, outcome: Outcome) {
        if let Some(orphan) = self.orphans.remove(&number) {
            self.settle_orphan(&orphan, outcome);
        } else if self.entry(number).is_some_and(|entry| entry.state == State::InFlight) {
            self.undocumented.push((number, outcome));
        }
    }

    fn settle_orphan(&self, orphan: &Orphan, outcome: Outcome) {
        let Orphan { alerts, own, signatures } = orphan;
        self.accounts.settle(*own, outcome, u64::from(*alerts), signatures);
    }

    /// Delivered records that are not documented yet.
    pub(super) const fn undocumented(&self) -> usize {
        self.undocumented.len()
    }

    /// Writes into the journals what is delivered, and counts it then: what a crash finds counted, the
    /// next start does not find waiting.
    pub(super) fn document(&mut self, now: Now) {
        let delivered = std::mem::take(&mut self.undocumented);
        let mut by_segment = BTreeMap::<usize, Vec<(usize, Outcome)>>::new();
        for (number, outcome) in &delivered {
            if let Some((at, index)) = self.locate(*number) {
                by_segment.entry(at).or_default().push((index, *outcome));
            } else if let Some(orphan) = self.orphans.remove(number) {
                self.settle_orphan(&orphan, *outcome);
            }
        }
        for (at, records) in by_segment {
            if let Err(error) = self.write_journal(at, &records) {
                // The records are sent once more after a restart, and nothing else.
                self.counters.write_errors.increment();
                tracing::debug!(%error, "the journal of a segment could not be written");
            }
            for (index, outcome) in records {
                self.end(at, index, outcome);
            }
            self.note_done(at, now);
        }
        self.undocumented = delivered;
        self.undocumented.clear();
    }

    fn write_journal(&mut self, at: usize, records: &[(usize, Outcome)]) -> io::Result<()> {
        let segment = &self.segments[at];
        self.scratch.clear();
        let entries = records.iter().map(|(index, _)| &segment.entries()[*index]);
        // One that is sent again has been documented before.
        for entry in entries.filter(|entry| !entry.settled) {
            let number = segment.first + u64::from(entry.delta);
            journal::encode(number, entry.alerts, segment.nonce, &mut self.scratch);
        }
        if self.scratch.is_empty() {
            return Ok(());
        }
        let file = self.disk.open(&segment.journal_name())?;
        let written = file.write_at(&mut [io::IoSlice::new(&self.scratch)], segment.journal_bytes);
        // A part that was written is overwritten by the next entries.
        if written.is_ok() {
            self.segments[at].journal_bytes += self.scratch.len() as u64;
        }
        written
    }

    /// Ends a record's time in the spool.
    fn end(&mut self, at: usize, index: usize, outcome: Outcome) {
        let entry = self.segments[at].entries()[index];
        self.segments[at].set(index, State::Done);
        if !entry.settled {
            self.segments[at].settle(index);
            let signatures = self.signatures_lost(at, entry, outcome);
            self.accounts.settle(entry.own, outcome, entry.alerts.into(), &signatures);
        }
    }

    fn note_done(&mut self, at: usize, now: Now) {
        let segment = &mut self.segments[at];
        if segment.is_done() && segment.done_since.is_none() {
            segment.done_since = Some(now.monotonic);
        }
    }

    /// The first record of `lane` that waits, and its bytes.
    pub(super) fn first_waiting(&mut self, lane: u16) -> Option<(u64, u32)> {
        self.segments.iter_mut().find_map(|segment| {
            let index = segment.first_waiting(lane)?;
            let entry = segment.entries()[index];
            Some((segment.first + u64::from(entry.delta), entry.bytes))
        })
    }

    /// Reads a waiting record back; it is on its way then. `None` if it is damaged, and lost. An error:
    /// it waits on.
    pub(super) fn read_back(&mut self, number: u64, now: Now) -> io::Result<Option<ReadBack>> {
        let Some((at, index)) = self.locate(number) else { return Ok(None) };
        let (entry, nonce) = (self.segments[at].entries()[index], self.segments[at].nonce);
        let bytes = self.read(at, entry)?;
        let read = record::decode(&bytes, nonce).filter(|(header, _)| header.number == number);
        let Some((header, body)) = read else {
            tracing::warn!(
                record = number,
                "a record of the spool is damaged; its alerts are lost"
            );
            self.counters.corrupt_records.increment();
            self.end(at, index, Outcome::Dropped(AlertDrop::SpoolCorrupt));
            self.note_done(at, now);
            return Ok(None);
        };
        self.segments[at].set(index, State::InFlight);
        let Header { alerts, .. } = header;
        Ok(Some(ReadBack { number, lane: entry.lane.into(), alerts, body }))
    }

    fn read(&mut self, at: usize, entry: Entry) -> io::Result<Bytes> {
        let segment = &self.segments[at];
        let mut bytes = vec![0; entry.bytes as usize];
        let reader = match self.reader.take() {
            Some((first, file)) if first == segment.first => file,
            _ => self.disk.read(&segment.name())?,
        };
        let read = reader.read_at(&mut bytes, entry.offset.into())?;
        self.reader = Some((segment.first, reader));
        bytes.truncate(read);
        Ok(bytes.into())
    }

    /// Lets records that are done, written since `since_s` (seconds since 1970), be sent again; how many.
    pub(super) fn send_again(&mut self, since_s: u64) -> u64 {
        let mut again = 0;
        for segment in &mut self.segments {
            for index in 0..segment.entries().len() {
                let entry = segment.entries()[index];
                if entry.state == State::Done && u64::from(entry.wall_s) >= since_s {
                    segment.set(index, State::Waiting);
                    segment.done_since = None;
                    again += 1;
                }
            }
        }
        again
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        let segments = self.segments.iter().map(|segment| segment.bytes + segment.journal_bytes);
        segments.sum::<u64>() + self.leftover.bytes()
    }

    /// Shows the gauges.
    pub(super) fn publish(&self) {
        let waiting = self.segments.iter().map(Segment::waiting).sum();
        // Segments are in order, so that the first record that is not done is the oldest.
        let first_open = self.segments.iter().find(|segment| !segment.is_done());
        let oldest = first_open
            .and_then(|segment| segment.entries().iter().find(|entry| entry.state != State::Done));
        self.counters.show(
            (self.segments.len() + self.leftover.len()) as u64,
            self.bytes(),
            waiting,
            oldest.map(|entry| entry.wall_s.into()),
        );
    }
}
