//! Batches into the newest segment.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::Arc;

use super::{Active, Now, Store};
use crate::config::Fsync;
use crate::delivery::Outgoing;
use crate::spool::disk::{Disk, DiskFile};
use crate::spool::record::{self, Header, Stamp};
use crate::spool::segment::{Entry, RECORDS_MAX, Segment, State};

impl<D: Disk> Store<D> {
    /// Appends the batches in order, as many as it can, and syncs them with `fsync = "batch"`. Those that
    /// are appended are on their way: their numbers, and what stopped it before the last one.
    pub(in crate::spool) fn append(
        &mut self,
        batches: &[Outgoing],
        now: Now,
    ) -> (Vec<u64>, io::Result<()>) {
        let mut numbers = Vec::with_capacity(batches.len());
        while numbers.len() < batches.len() {
            let rest = &batches[numbers.len()..];
            if let Err(error) = self.append_run(rest, &mut numbers, now) {
                return (numbers, Err(error));
            }
        }
        (numbers, Ok(()))
    }

    /// Appends at least the first batch, and those behind it that go into the same segment.
    fn append_run(
        &mut self,
        batches: &[Outgoing],
        numbers: &mut Vec<u64>,
        now: Now,
    ) -> io::Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let appended = self.place(batches, now, &mut scratch).and_then(|records| {
            self.write(batches, &records, &scratch)?;
            Ok(records)
        });
        self.scratch = scratch;
        let records = appended?;
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        let mut bytes = 0;
        for (header, _) in records {
            let entry = Entry::new(segment.first, &header, segment.bytes, self.lanes);
            segment.push(Entry { own: true, ..entry }, State::InFlight);
            segment.bytes += header.record_bytes() as u64;
            bytes += header.record_bytes() as u64;
            self.alerts_so_far = header.alerts_so_far;
            self.next_number = header.number + 1;
            self.counters.appended.increment();
            numbers.push(header.number);
        }
        self.counters.appended_bytes.add(bytes);
        Ok(())
    }

    /// Encodes the heads of the batches that go into one segment, and sees to it that there is one.
    fn place(
        &mut self,
        batches: &[Outgoing],
        now: Now,
        heads: &mut Vec<u8>,
    ) -> io::Result<Vec<(Header, Range<usize>)>> {
        let Some(first) = batches.first() else { return Ok(Vec::new()) };
        self.make_room(record_bytes(first, &self.boot), now)?;
        let Some(segment) = self.segments.back() else { return Ok(Vec::new()) };
        let (mut number, mut alerts_so_far) = (self.next_number, self.alerts_so_far);
        let mut records = Vec::with_capacity(batches.len());
        let mut total = 0;
        for batch in batches {
            let bytes = record_bytes(batch, &self.boot);
            let fits = segment.has_room(total + bytes, self.config.segment_bytes)
                && segment.entries().len() + records.len() < RECORDS_MAX;
            if !records.is_empty() && !fits {
                break;
            }
            let stamp = Stamp {
                number,
                boot: &self.boot,
                alerts_so_far: alerts_so_far + u64::from(batch.alerts),
                wall_ns: now.wall_ns,
                nonce: segment.nonce,
            };
            let start = heads.len();
            let header = record::encode(batch, stamp, heads).ok_or_else(|| {
                heads.truncate(start);
                io::Error::new(io::ErrorKind::InvalidInput, "the batch is larger than a record")
            })?;
            records.push((header, start..heads.len()));
            (number, alerts_so_far) = (number + 1, header.alerts_so_far);
            total += bytes;
        }
        Ok(records)
    }

    /// Writes the records behind the newest segment, or nothing of them.
    fn write(
        &mut self,
        batches: &[Outgoing],
        records: &[(Header, Range<usize>)],
        heads: &[u8],
    ) -> io::Result<()> {
        let mut slices = Vec::with_capacity(2 * records.len());
        for ((_, head), batch) in records.iter().zip(batches) {
            slices.push(IoSlice::new(&heads[head.clone()]));
            slices.push(IoSlice::new(&batch.payload));
        }
        let Some(segment) = self.segments.back() else { return Ok(()) };
        let Some(active) = &mut self.active else { return Ok(()) };
        let mut written = active.file.write_at(&mut slices, segment.bytes);
        active.dirty = true;
        if written.is_ok() && self.config.fsync == Fsync::Batch {
            written = active.file.sync();
            active.dirty = written.is_err();
        }
        let Err(error) = written else { return Ok(()) };
        if active.file.truncate(segment.bytes).is_err() {
            // Parts of records may stay in the file. Numbers are not given twice, so that a scan does not
            // take them for what is written next.
            self.active = None;
            self.next_number += records.len() as u64;
        }
        Err(error)
    }

    /// Sees to it that a record of `bytes` bytes can go into the newest segment.
    fn make_room(&mut self, bytes: usize, now: Now) -> io::Result<()> {
        let segment_bytes = self.config.segment_bytes;
        if bytes as u64 > segment_bytes {
            let text = "the batch is larger than a segment";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if !self.leftover.is_empty() && self.bytes() + bytes as u64 > self.config.bytes_max {
            return Err(io::Error::other("files at spool.bytes_max that cannot be removed"));
        }
        let fits = self.segments.back().is_some_and(|last| last.has_room(bytes, segment_bytes));
        if self.active.is_none() || !fits {
            self.seal(now)?;
            let nonce = RandomState::new().build_hasher().finish() as u32;
            let segment = Segment::new(self.next_number, nonce);
            let file = self.disk.open(&segment.name())?;
            if self.config.fsync != Fsync::Never {
                self.disk.sync()?;
            }
            self.active = Some(Active { file: Arc::new(file), dirty: false });
            self.segments.push_back(segment);
        }
        self.keep_within(bytes as u64);
        Ok(())
    }

    /// Ends the newest segment: nothing is appended to it any more.
    fn seal(&mut self, now: Now) -> io::Result<()> {
        let Some(active) = self.active.take() else { return Ok(()) };
        if active.dirty && self.config.fsync != Fsync::Never {
            self.sealed.push(active.file);
        }
        if let Some(last) = self.segments.len().checked_sub(1) {
            self.note_done(last, now);
        }
        self.remove_done(now);
        Ok(())
    }

    /// Files that have to reach the disk: what was written since the last call.
    pub(in crate::spool) fn take_unsynced(&mut self) -> Vec<Arc<D::File>> {
        let mut files = std::mem::take(&mut self.sealed);
        if let Some(active) = &mut self.active
            && std::mem::take(&mut active.dirty)
        {
            files.push(Arc::clone(&active.file));
        }
        files
    }
}

/// Bytes of the record of a batch.
fn record_bytes(batch: &Outgoing, boot: &str) -> usize {
    let words = boot.len() + batch.subject.len() + batch.id.len();
    record::HEADER_BYTES + words + batch.payload.len()
}
