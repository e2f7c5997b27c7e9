//! Finds the records of a segment's file, whatever has become of it.
//!
//! Only headers are read; a body is looked at when it is sent. Where no header is, the next one is
//! searched for, so that damage costs the records that it touches and no others.

use std::io;

use super::disk::DiskFile;
use super::record::{HEADER_BYTES, Header, MAGIC};

/// Bytes that are read at once.
const WINDOW_BYTES: usize = 64 << 10;

/// A record that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) header: Header,
    pub(super) offset: u64,
    /// Bytes in front of it that are no record.
    pub(super) damaged: u64,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The records, their numbers rising.
    pub(super) records: Vec<Found>,
    /// Bytes up to the end of the last record; what follows is no record.
    pub(super) end: u64,
    /// Why not all of the file was looked at.
    pub(super) unreadable: Option<io::Error>,
}

/// Looks at the first `length` bytes of `file`, whose records are not below `first`.
pub(super) fn scan<F: DiskFile>(file: &F, length: u64, first: u64, nonce: u32) -> Scan {
    let mut window = Window { file, length, start: 0, bytes: Vec::new() };
    let mut scan = Scan::default();
    let mut least = first;
    loop {
        match window.next_record(scan.end, least, nonce) {
            Ok(Some(found)) => {
                scan.end = found.offset + found.header.record_bytes() as u64;
                least = found.header.number.saturating_add(1);
                scan.records.push(found);
            }
            Ok(None) => return scan,
            Err(error) => {
                scan.unreadable = Some(error);
                return scan;
            }
        }
    }
}

/// A part of a file.
struct Window<'a, F> {
    file: &'a F,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: DiskFile> Window<'_, F> {
    /// The bytes at `offset`: at least a header's, unless the file ends before.
    fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        let wanted = (offset + HEADER_BYTES as u64).min(self.length);
        if offset < held.start || wanted > held.end {
            self.bytes.resize(WINDOW_BYTES.min((self.length - offset) as usize), 0);
            let read = self.file.read_at(&mut self.bytes, offset);
            self.start = offset;
            self.bytes.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        let from = (offset - self.start) as usize;
        Ok(self.bytes.get(from..).unwrap_or_default())
    }

    /// The first record from `offset` on.
    fn next_record(&mut self, offset: u64, least: u64, nonce: u32) -> io::Result<Option<Found>> {
        let mut at = offset;
        while at + HEADER_BYTES as u64 <= self.length {
            let length = self.length;
            let bytes = self.at(at)?;
            if bytes.len() < HEADER_BYTES {
                return Ok(None);
            }
            if let Some(header) = Header::decode(bytes, nonce)
                && header.number >= least
                && at + header.record_bytes() as u64 <= length
            {
                return Ok(Some(Found { header, offset: at, damaged: at - offset }));
            }
            // What could be the start of a header, the last bytes of the window included.
            let next = bytes[1..].iter().position(|byte| *byte == MAGIC[0]);
            at += 1 + next.unwrap_or(bytes.len() - 1) as u64;
        }
        Ok(None)
    }
}
