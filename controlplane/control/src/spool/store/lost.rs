//! Whose alerts are lost: what a record that goes undelivered still tells.

use contract::AlertDrop;

use super::Store;
use crate::spool::disk::Disk;
use crate::spool::record;
use crate::spool::segment::Entry;
use crate::tally::{Outcome, SignatureId, signatures_of};

/// Bytes of a segment that are read to tell whose alerts are lost with it. It bounds how long the removal of
/// a segment keeps batches waiting for the disk; records beyond it are of no known signature.
pub(super) const NAMED_BYTES_MAX: u64 = 64 << 20;

impl<D: Disk> Store<D> {
    /// The signatures of the alerts of a record that ends by `outcome`, as far as they can be read; none
    /// where nothing is lost.
    pub(super) fn signatures_lost(
        &mut self,
        at: usize,
        entry: Entry,
        outcome: Outcome,
    ) -> Vec<SignatureId> {
        match outcome {
            // What is damaged was just read, and tells nothing.
            Outcome::Dropped(AlertDrop::SpoolCorrupt) => Vec::new(),
            Outcome::Dropped(_) => self.signatures(at, entry, &mut entry.bytes.into()),
            Outcome::Acknowledged | Outcome::Sent | Outcome::Written => Vec::new(),
        }
    }

    /// The signatures of a record's alerts, as far as `left` bytes of reading go; none where it cannot be
    /// read.
    pub(super) fn signatures(
        &mut self,
        at: usize,
        entry: Entry,
        left: &mut u64,
    ) -> Vec<SignatureId> {
        let Some(rest) = left.checked_sub(entry.bytes.into()) else {
            *left = 0;
            return Vec::new();
        };
        *left = rest;
        let (first, nonce) = (self.segments[at].first, self.segments[at].nonce);
        match self.read(at, entry) {
            Ok(bytes) => {
                let number = first + u64::from(entry.delta);
                let record = record::decode(&bytes, nonce);
                let record = record.filter(|(header, _)| header.number == number);
                record.map(|(_, body)| signatures_of(&body.payload)).unwrap_or_default()
            }
            Err(error) => {
                // A disk that fails may take its time for each; the rest is not asked for.
                *left = 0;
                self.counters.write_errors.increment();
                tracing::debug!(%error, "a record that is lost cannot be read");
                Vec::new()
            }
        }
    }
}
