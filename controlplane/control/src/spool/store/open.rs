//! What earlier boots have left in the directory.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::AlertDrop;

use super::leftover::Leftover;
use super::lost::NAMED_BYTES_MAX;
use super::{Now, Store};
use crate::config::SpoolConfig;
use crate::spool::account::Accounts;
use crate::spool::disk::{Disk, DiskFile};
use crate::spool::journal;
use crate::spool::record::Header;
use crate::spool::scan::{self, Found};
use crate::spool::segment::{Entry, LANES_MAX, RECORDS_MAX, Segment, State};
use crate::spool::status::Counters;
use crate::tally::Outcome;

/// Largest journal that is read: several entries for each record that a segment can have.
const JOURNAL_BYTES_MAX: u64 = (4 * RECORDS_MAX * journal::ENTRY_BYTES) as u64;

impl<D: Disk> Store<D> {
    /// Opens the spool, and looks at what is in it.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(in crate::spool) fn open(
        disk: D,
        config: SpoolConfig,
        lanes: u16,
        boot: &str,
        accounts: Accounts,
        counters: Arc<Counters>,
        now: Now,
    ) -> io::Result<Self> {
        let mut store = Self {
            disk,
            config,
            lanes: lanes.clamp(1, LANES_MAX as u16),
            boot: boot.to_owned(),
            accounts,
            counters,
            segments: std::collections::VecDeque::new(),
            active: None,
            reader: None,
            next_number: 1,
            alerts_so_far: 0,
            orphans: HashMap::new(),
            found: HashMap::new(),
            undocumented: Vec::new(),
            overflowing: false,
            sealed: Vec::new(),
            scratch: Vec::new(),
            leftover: Leftover::default(),
            named_bytes_max: NAMED_BYTES_MAX,
        };
        store.recover(now)?;
        Ok(store)
    }

    fn recover(&mut self, now: Now) -> io::Result<()> {
        let mut segments = Vec::new();
        let mut journals = HashMap::new();
        for (name, bytes) in self.disk.list()? {
            match Segment::parse(&name) {
                Some((first, nonce, false)) => segments.push((first, nonce, bytes)),
                Some((first, nonce, true)) => {
                    journals.insert((first, nonce), (name, bytes));
                }
                None => {}
            }
        }
        segments.sort_unstable();
        let newest = segments.last().map(|(first, ..)| *first);
        let mut last = None;
        for (first, nonce, bytes) in segments {
            let journal = journals.remove(&(first, nonce));
            let is_newest = newest == Some(first);
            if let Err(error) = self.recover_segment(
                Segment::new(first, nonce),
                bytes,
                journal,
                is_newest,
                &mut last,
            ) {
                self.counters.write_errors.increment();
                self.corrupt(bytes, 1);
                tracing::warn!(%error, first, "a segment of the spool cannot be read; its alerts are lost");
            }
        }
        // Their segments have been removed.
        for (name, _) in journals.into_values() {
            self.disk.remove(&name)?;
        }
        for at in 0..self.segments.len() {
            self.note_done(at, now);
        }
        self.remove_done(now);
        self.keep_within(0);
        let found = self.accounts.recovered.found.load(Ordering::Relaxed);
        if found > 0 {
            tracing::info!(alerts = found, "earlier boots have left alerts in the spool");
        }
        Ok(())
    }

    /// Takes in the segment's `bytes` bytes. `last` is the last record before it, then its own last one.
    fn recover_segment(
        &mut self,
        mut segment: Segment,
        bytes: u64,
        journal: Option<(String, u64)>,
        is_newest: bool,
        last: &mut Option<Header>,
    ) -> io::Result<()> {
        let file = self.disk.open(&segment.name())?;
        let delivered = match &journal {
            Some((name, bytes)) => self.read_journal(name, *bytes, segment.nonce),
            None => HashMap::new(),
        };
        segment.journal_bytes = journal.map_or(0, |(_, bytes)| bytes);
        // Entries stand at multiples of their length; one that is torn is left out.
        segment.journal_bytes = segment.journal_bytes.next_multiple_of(journal::ENTRY_BYTES as u64);
        let scan = scan::scan(&file, bytes, segment.first, segment.nonce);
        for found in &scan.records {
            let Found { header, offset, damaged } = found;
            if *damaged > 0 {
                let lost = lost_between(last.as_ref(), header, segment.first, &delivered);
                self.corrupt(*damaged, lost);
                *self.found.entry(header.boot_tag).or_default() += lost;
            }
            let entry = Entry::new(segment.first, header, *offset, self.lanes);
            if delivered.contains_key(&header.number) {
                segment.push(Entry { settled: true, ..entry }, State::Done);
            } else {
                self.accounts.recovered.find(header.alerts.into());
                *self.found.entry(header.boot_tag).or_default() += u64::from(header.alerts);
                segment.push(entry, State::Waiting);
            }
            *last = Some(*header);
        }
        self.next_number = self.next_number.max(segment.first + 1);
        if let Some(last) = last {
            self.next_number = self.next_number.max(last.number + 1);
        }
        segment.bytes = self.cut_tail(&file, &segment, bytes, &scan, is_newest);
        self.segments.push_back(segment);
        Ok(())
    }

    fn read_journal(&self, name: &str, bytes: u64, nonce: u32) -> HashMap<u64, u32> {
        let mut content = vec![0; bytes.min(JOURNAL_BYTES_MAX) as usize];
        let read = self.disk.read(name).and_then(|file| file.read_at(&mut content, 0));
        match read {
            Ok(read) => journal::decode(&content[..read], nonce),
            Err(error) => {
                tracing::warn!(%error, journal = name, "a journal cannot be read; its records are sent again");
                HashMap::new()
            }
        }
    }

    /// Sees to what follows the last record; the length of the file then. The newest segment may end in a
    /// record that a crash has cut off, and that had not been sent; in others it is damage.
    fn cut_tail(
        &mut self,
        file: &D::File,
        segment: &Segment,
        bytes: u64,
        scan: &scan::Scan,
        is_newest: bool,
    ) -> u64 {
        let tail = bytes - scan.end;
        if let Some(error) = &scan.unreadable {
            self.counters.write_errors.increment();
            tracing::warn!(%error, segment = segment.name(), "a segment cannot be read to its end");
        } else if tail > 0 && is_newest {
            self.counters.torn_bytes.add(tail);
            tracing::warn!(
                bytes = tail,
                segment = segment.name(),
                "an unfinished record is cut off"
            );
            return if file.truncate(scan.end).is_ok() { scan.end } else { bytes };
        }
        if tail > 0 {
            self.corrupt(tail, 1);
        }
        bytes
    }

    /// Counts damage that cost `alerts` alerts of an earlier boot.
    fn corrupt(&self, bytes: u64, alerts: u64) {
        self.counters.corrupt_bytes.add(bytes);
        if alerts > 0 {
            self.counters.corrupt_records.increment();
            self.accounts.recovered.find(alerts);
            // What cannot be read does not tell its signatures.
            let corrupt = Outcome::Dropped(AlertDrop::SpoolCorrupt);
            self.accounts.settle(false, corrupt, alerts, &[]);
        }
        tracing::warn!(bytes, alerts, "damage in the spool; these alerts are lost");
    }
}

/// Alerts of the records between `before` and `next` that are damaged beyond reading.
///
/// `next` says how many alerts its boot had written until then. Where that does not help, it is 1.
fn lost_between(
    before: Option<&Header>,
    next: &Header,
    first: u64,
    delivered: &HashMap<u64, u32>,
) -> u64 {
    let before = before.filter(|before| {
        before.boot_tag == next.boot_tag && before.number.saturating_add(1) >= first
    });
    let missing = before.map_or(first, |before| before.number.saturating_add(1))..next.number;
    let known = delivered.iter().filter(|(number, _)| missing.contains(number));
    let (records, alerts) =
        known.fold((0, 0), |(records, alerts), (_, more)| (records + 1, alerts + u64::from(*more)));
    match before {
        Some(before) => (next.alerts_so_far)
            .saturating_sub(u64::from(next.alerts) + before.alerts_so_far)
            .saturating_sub(alerts),
        // The first segment of a boot begins with what it wrote first.
        None if records >= missing.end.saturating_sub(missing.start) => 0,
        None => 1,
    }
}
