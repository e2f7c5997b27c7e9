//! Batches, lanes that remember, and a disk that fails when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use alert_schema::{BATCH_BYTES_MAX, BatchEncoder, Buffer};
use bytes::Bytes;

use super::disk::{Disk, DiskFile};
use super::{SpoolDirectory, SpoolError, SpoolHandle, SpoolIntake};
use crate::config::SpoolConfig;
use crate::delivery::{Duty, Lanes, Outgoing};
use crate::tally::Tally;
use crate::testing::{alert, view};

/// A batch of `alerts` alerts of `tally` for `lane`.
pub(super) fn batch(tally: &Arc<Tally>, lane: u16, alerts: u32, payload: &[u8]) -> Outgoing {
    let mut ticket = tally.ticket();
    for _ in 1..alerts {
        ticket.absorb(tally.ticket());
    }
    Outgoing {
        lane,
        subject: "sensor.lab.s1.alert.1".into(),
        id: format!("s1.b00t.{lane}.{}", payload.len()),
        payload: Bytes::copy_from_slice(payload),
        alerts,
        received_ns: Box::default(),
        replay: false,
        duty: Duty::Memory(ticket),
    }
}

/// A batch for `lane` with an alert of each of `sids`, as it is published.
pub(super) fn batch_of(tally: &Arc<Tally>, lane: u16, sids: &[u32]) -> Outgoing {
    let mut encoder = BatchEncoder::new("lab", "s1", "b00t");
    encoder.begin(Buffer::default(), BATCH_BYTES_MAX);
    for sid in sids {
        encoder.push(&view(&alert(*sid, 1)).fields()).unwrap();
    }
    batch(tally, lane, sids.len() as u32, encoder.finish(lane, 1, 1).as_ref())
}

/// A spool of `boot` with two lanes, in the directory that `config` names.
pub(super) fn start(
    config: &SpoolConfig,
    boot: &str,
    lanes: &Arc<dyn Lanes>,
    tally: &Arc<Tally>,
) -> Result<(SpoolIntake, SpoolHandle), SpoolError> {
    let directory = SpoolDirectory::lock(config)?.unwrap();
    super::start(directory, config, boot, lanes, 2, tally)
}

/// Lanes that keep what they get until the test takes it.
#[derive(Default)]
pub(super) struct TestLanes {
    pub(super) queue: Mutex<VecDeque<Outgoing>>,
    pub(super) down: AtomicBool,
    /// Batches that fit.
    pub(super) room: AtomicUsize,
}

impl TestLanes {
    pub(super) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self { room: AtomicUsize::new(room), ..Self::default() })
    }

    /// Everything in the queue.
    pub(super) fn take(&self) -> Vec<Outgoing> {
        self.queue.lock().unwrap().drain(..).collect()
    }
}

impl Lanes for TestLanes {
    fn push(&self, batch: Outgoing) -> Result<(), Outgoing> {
        let mut queue = self.queue.lock().unwrap();
        if queue.len() >= self.room.load(Ordering::Relaxed) {
            return Err(batch);
        }
        queue.push_back(batch);
        Ok(())
    }

    fn is_ready(&self, _: u16) -> bool {
        !self.down.load(Ordering::Relaxed)
    }

    fn has_room(&self, _: u16) -> bool {
        self.queue.lock().unwrap().len() < self.room.load(Ordering::Relaxed)
    }
}

/// What a [`FaultyDisk`] does.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Operations until one fails; `usize::MAX`: none does.
    left: usize,
    /// How it fails, and how often in a row.
    kind: Option<io::ErrorKind>,
    repeat: usize,
    /// Operations so far.
    pub(super) operations: usize,
    /// Nothing can be written any more, as on a file system that was mounted so.
    pub(super) read_only: bool,
    /// No file can be removed, as from a directory that only takes more.
    pub(super) keeps_files: bool,
}

impl Faults {
    /// The operation after `after` others fails with `kind`, and `repeat` of those behind it.
    pub(super) fn plan(&mut self, after: usize, kind: io::ErrorKind, repeat: usize) {
        *self = Self { left: after, kind: Some(kind), repeat, ..Self::default() };
    }

    fn next(&mut self) -> io::Result<()> {
        self.operations += 1;
        let Some(kind) = self.kind else { return Ok(()) };
        if self.left > 0 {
            self.left -= 1;
            return Ok(());
        }
        match self.repeat.checked_sub(1) {
            Some(repeat) => self.repeat = repeat,
            None => self.kind = None,
        }
        Err(kind.into())
    }
}

impl Faults {
    /// The same for an operation that writes.
    fn next_write(&mut self) -> io::Result<()> {
        if self.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        self.next()
    }
}

type Content = Arc<Mutex<Vec<u8>>>;

/// A disk in memory that outlives its store, and whose operations can fail. A write that fails has written
/// half of what it should.
#[derive(Clone, Default)]
pub(super) struct FaultyDisk {
    pub(super) files: Arc<Mutex<BTreeMap<String, Content>>>,
    pub(super) faults: Arc<Mutex<Faults>>,
}

pub(super) struct FaultyFile {
    content: Content,
    faults: Arc<Mutex<Faults>>,
}

impl FaultyDisk {
    /// Names that end so.
    pub(super) fn names(&self, end: &str) -> Vec<String> {
        self.files.lock().unwrap().keys().filter(|name| name.ends_with(end)).cloned().collect()
    }

    /// Changes the content of a file.
    pub(super) fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        edit(&mut self.files.lock().unwrap()[name].lock().unwrap());
    }

    /// The same files, as a start after a crash finds them.
    pub(super) fn copy(&self) -> Self {
        let files = self.files.lock().unwrap();
        let copy = files.iter().map(|(name, content)| {
            (name.clone(), Arc::new(Mutex::new(content.lock().unwrap().clone())))
        });
        Self { files: Arc::new(Mutex::new(copy.collect())), faults: Arc::default() }
    }

    fn next(&self) -> io::Result<()> {
        self.faults.lock().unwrap().next()
    }
}

impl Disk for FaultyDisk {
    type File = FaultyFile;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.next()?;
        let files = self.files.lock().unwrap();
        let length = |content: &Content| content.lock().unwrap().len() as u64;
        Ok(files.iter().map(|(name, content)| (name.clone(), length(content))).collect())
    }

    fn open(&self, name: &str) -> io::Result<FaultyFile> {
        self.faults.lock().unwrap().next_write()?;
        let content = Arc::clone(self.files.lock().unwrap().entry(name.into()).or_default());
        Ok(FaultyFile { content, faults: Arc::clone(&self.faults) })
    }

    fn read(&self, name: &str) -> io::Result<FaultyFile> {
        self.next()?;
        let files = self.files.lock().unwrap();
        let content = Arc::clone(files.get(name).ok_or(io::ErrorKind::NotFound)?);
        Ok(FaultyFile { content, faults: Arc::clone(&self.faults) })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        faults.next_write()?;
        if faults.keeps_files {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.lock().unwrap().remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.next()
    }
}

impl FaultyFile {
    fn put(&self, bytes: &[u8], offset: usize) {
        let mut content = self.content.lock().unwrap();
        let end = offset + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[offset..end].copy_from_slice(bytes);
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let result = self.faults.lock().unwrap().next_write();
        let written = match &result {
            Ok(()) => bytes.len(),
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => 0,
            Err(_) => bytes.len() / 2,
        };
        self.put(&bytes[..written], offset as usize);
        result
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.faults.lock().unwrap().next()?;
        let content = self.content.lock().unwrap();
        let rest = content.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.faults.lock().unwrap().next_write()?;
        self.content.lock().unwrap().resize(length as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.lock().unwrap().next()
    }
}
