//! A segment in memory: where its records are, and what became of them.

use std::time::Duration;

/// Lanes there can be.
pub(super) const LANES_MAX: usize = 8;
/// Records of a segment: bounds what the index takes in memory, at 24 bytes a record.
pub(super) const RECORDS_MAX: usize = 1 << 16;

/// What a record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is to be sent.
    Waiting,
    /// It is on its way.
    InFlight,
    /// It is delivered, or lost.
    Done,
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its number, from the segment's first one.
    pub(super) delta: u32,
    pub(super) offset: u32,
    pub(super) bytes: u32,
    pub(super) alerts: u32,
    /// When it was written, seconds since 1970.
    pub(super) wall_s: u32,
    pub(super) lane: u8,
    pub(super) state: State,
    /// Of this boot: its alerts are in the tally.
    pub(super) own: bool,
    /// Its alerts have been counted where they ended; it is sent again all the same.
    pub(super) settled: bool,
}

impl Entry {
    /// An entry for a record of an earlier boot, of a segment that begins with `first`.
    pub(super) fn new(first: u64, header: &super::record::Header, offset: u64, lanes: u16) -> Self {
        // A segment has fewer bytes and numbers than 32 bits hold.
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            delta: narrow(header.number - first),
            offset: narrow(offset),
            bytes: narrow(header.record_bytes() as u64),
            alerts: header.alerts,
            wall_s: narrow(header.wall_ns / 1_000_000_000),
            lane: (header.lane % lanes) as u8,
            state: State::Done,
            own: false,
            settled: false,
        }
    }
}

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) nonce: u32,
    /// Bytes of its file.
    pub(super) bytes: u64,
    /// Bytes of its journal.
    pub(super) journal_bytes: u64,
    entries: Vec<Entry>,
    /// Records that are not done.
    open: usize,
    waiting: [u32; LANES_MAX],
    /// No record of the lane waits before this index.
    cursor: [usize; LANES_MAX],
    /// Since when all are done, on the monotonic clock.
    pub(super) done_since: Option<Duration>,
}

impl Segment {
    /// A segment without records.
    pub(super) const fn new(first: u64, nonce: u32) -> Self {
        Self {
            first,
            nonce,
            bytes: 0,
            journal_bytes: 0,
            entries: Vec::new(),
            open: 0,
            waiting: [0; LANES_MAX],
            cursor: [0; LANES_MAX],
            done_since: None,
        }
    }

    /// Name of its file.
    pub(super) fn name(&self) -> String {
        format!("{:016x}-{:08x}.seg", self.first, self.nonce)
    }

    /// Name of its journal.
    pub(super) fn journal_name(&self) -> String {
        format!("{:016x}-{:08x}.ack", self.first, self.nonce)
    }

    /// First record and nonce of a file's name, and whether it is a journal.
    pub(super) fn parse(name: &str) -> Option<(u64, u32, bool)> {
        let (stem, extension) = name.rsplit_once('.')?;
        let is_journal = match extension {
            "seg" => false,
            "ack" => true,
            _ => return None,
        };
        let (first, nonce) = stem.split_once('-')?;
        let hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !hex(first, 16) || !hex(nonce, 8) {
            return None;
        }
        let first = u64::from_str_radix(first, 16).ok()?;
        Some((first, u32::from_str_radix(nonce, 16).ok()?, is_journal))
    }

    /// Adds a record behind the others.
    pub(super) fn push(&mut self, entry: Entry, state: State) {
        self.entries.push(entry);
        self.set(self.entries.len() - 1, state);
    }

    /// Puts a record into `state`.
    pub(super) fn set(&mut self, index: usize, state: State) {
        let entry = &mut self.entries[index];
        let (from, lane) = (std::mem::replace(&mut entry.state, state), usize::from(entry.lane));
        self.waiting[lane] -= u32::from(from == State::Waiting);
        self.waiting[lane] += u32::from(state == State::Waiting);
        self.open -= usize::from(from != State::Done);
        self.open += usize::from(state != State::Done);
        if state == State::Waiting {
            self.cursor[lane] = self.cursor[lane].min(index);
        }
    }

    /// Counts a record's alerts as settled.
    pub(super) fn settle(&mut self, index: usize) {
        self.entries[index].settled = true;
    }

    /// The records.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Index of the record `number`.
    pub(super) fn find(&self, number: u64) -> Option<usize> {
        let delta = u32::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.binary_search_by_key(&delta, |entry| entry.delta).ok()
    }

    /// The first record of `lane` that waits.
    pub(super) fn first_waiting(&mut self, lane: u16) -> Option<usize> {
        let lane = usize::from(lane) % LANES_MAX;
        if self.waiting[lane] == 0 {
            return None;
        }
        let from = self.cursor[lane];
        let waits =
            |entry: &Entry| usize::from(entry.lane) == lane && entry.state == State::Waiting;
        let index = from + self.entries[from..].iter().position(waits)?;
        self.cursor[lane] = index;
        Some(index)
    }

    /// Records that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether no record waits or is on its way.
    pub(super) const fn is_done(&self) -> bool {
        self.open == 0
    }

    /// Whether another record of `bytes` bytes still fits.
    pub(super) fn has_room(&self, bytes: usize, segment_bytes: u64) -> bool {
        self.entries.len() < RECORDS_MAX && self.bytes + bytes as u64 <= segment_bytes
    }
}
