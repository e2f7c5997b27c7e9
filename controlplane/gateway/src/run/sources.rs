//! Where the packets of `run` come from: DPDK ports, or a capture file.

use std::fs::File;
use std::path::{Path, PathBuf};

use capture::file::{FileBurst, FileSource};
use capture::{PacketSource, Polled, SourceError};

use super::workers::WorkerSource;
use crate::exit::{Exit, Failure};

/// One worker's part of a capture file: the first has the file, the others what is handed to them.
pub(super) struct FileQueue {
    path: PathBuf,
    repeat: bool,
    /// The next poll opens the file again.
    at_end: bool,
    file: Option<FileSource<File>>,
}

impl FileQueue {
    /// The queues of `workers` workers on the file `path`; `repeat` starts again at its end.
    pub(super) fn all(path: &Path, repeat: bool, workers: u16) -> Result<Vec<Self>, Failure> {
        let open = |worker| {
            let file = if worker == 0 { Some(FileSource::open(path)?) } else { None };
            Ok(Self { path: path.to_owned(), repeat, at_end: false, file })
        };
        (0..workers)
            .map(open)
            .collect::<Result<_, SourceError>>()
            .map_err(|error| Failure::new(Exit::Capture, error))
    }
}

impl PacketSource for FileQueue {
    type Owned = Box<[u8]>;
    type Burst<'s> = FileBurst<'s>;

    fn poll(&mut self, max: usize) -> Result<Polled<FileBurst<'_>>, SourceError> {
        if std::mem::take(&mut self.at_end) {
            self.file = Some(FileSource::open(&self.path)?);
        }
        let Some(file) = &mut self.file else { return Ok(Polled::Exhausted) };
        let polled = file.poll(max)?;
        if self.repeat && matches!(polled, Polled::Exhausted) {
            self.at_end = true;
            return Ok(Polled::Idle);
        }
        Ok(polled)
    }
}

impl WorkerSource for FileQueue {
    type Enrolled = ();

    fn enrol(&self) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(feature = "dpdk")]
impl WorkerSource for capture_dpdk::DpdkSource {
    type Enrolled = capture_dpdk::WorkerThread;

    fn enrol(&self) -> Result<Self::Enrolled, Failure> {
        self.register_thread().map_err(|error| Failure::new(Exit::Capture, error))
    }
}
