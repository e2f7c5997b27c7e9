//! Files that could not be removed, as on a disk that has become read-only: they are tried again, since the
//! next start would send what is in them once more.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crate::spool::disk::Disk;
use crate::spool::segment::Segment;

/// Pause before a file that could not be removed is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A segment of which only the files are left.
#[derive(Debug)]
struct Files {
    segment: String,
    /// Its journal; `None` where it has none.
    journal: Option<String>,
    bytes: u64,
}

/// The files, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Leftover {
    files: VecDeque<Files>,
    retry_at: Duration,
}

impl Leftover {
    /// Removes the files of `segment`, or keeps them in mind.
    ///
    /// # Errors
    /// They could not be removed.
    pub(super) fn remove<D: Disk>(
        &mut self,
        disk: &D,
        segment: &Segment,
        syncs: bool,
    ) -> io::Result<()> {
        let files = Files {
            segment: segment.name(),
            journal: (segment.journal_bytes > 0).then(|| segment.journal_name()),
            bytes: segment.bytes + segment.journal_bytes,
        };
        let removed = remove(disk, &files, syncs);
        if removed.is_err() {
            self.files.push_back(files);
        }
        removed
    }

    /// Tries again what could not be removed, now and then.
    ///
    /// # Errors
    /// The disk still removes nothing.
    pub(super) fn retry<D: Disk>(
        &mut self,
        disk: &D,
        syncs: bool,
        now: Duration,
    ) -> io::Result<()> {
        if now < self.retry_at {
            return Ok(());
        }
        while let Some(files) = self.files.front() {
            if let Err(error) = remove(disk, files, syncs) {
                self.retry_at = now + RETRY_PAUSE;
                return Err(error);
            }
            self.files.pop_front();
        }
        Ok(())
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Segments of which files are left.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Bytes of these.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|files| files.bytes).sum()
    }
}

/// Removes a segment, and its journal after it: without its journal it would come back as a whole.
fn remove<D: Disk>(disk: &D, files: &Files, syncs: bool) -> io::Result<()> {
    remove_one(disk, &files.segment)?;
    let Some(journal) = &files.journal else { return Ok(()) };
    if syncs {
        disk.sync()?;
    }
    remove_one(disk, journal)
}

/// Removes a file that an earlier attempt may have removed.
fn remove_one<D: Disk>(disk: &D, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
