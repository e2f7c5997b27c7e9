//! Syncs files on a thread of its own, so that appends do not wait for the disk's cache to be emptied.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::disk::DiskFile;

/// What it takes, and its end.
type Thread<F> = (Sender<Vec<Arc<F>>>, JoinHandle<()>);

/// The thread, or nothing, where syncs are made at once.
pub(super) struct Syncer<F> {
    thread: Option<Thread<F>>,
    results: Receiver<io::Result<()>>,
    /// For syncs that are made at once.
    done: Sender<io::Result<()>>,
    /// Syncs asked for whose results have not been taken.
    pending: usize,
}

impl<F: DiskFile> Syncer<F> {
    /// With a thread.
    pub(super) fn start() -> io::Result<Self> {
        let (files, wanted) = channel::<Vec<Arc<F>>>();
        let mut syncer = Self::inline();
        let done = syncer.done.clone();
        let thread = std::thread::Builder::new().name("spool-sync".into()).spawn(move || {
            for files in wanted {
                // The engine may have ended.
                let _ = done.send(sync_all(&files));
            }
        })?;
        syncer.thread = Some((files, thread));
        Ok(syncer)
    }

    /// Without a thread.
    pub(super) fn inline() -> Self {
        let (done, results) = channel();
        Self { thread: None, results, done, pending: 0 }
    }

    /// Whether every sync asked for has ended, and its result was taken.
    pub(super) const fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// Syncs these files.
    pub(super) fn sync(&mut self, files: Vec<Arc<F>>) {
        if files.is_empty() {
            return;
        }
        self.pending += 1;
        let refused = match &self.thread {
            Some((thread, _)) => thread.send(files).map_err(|unsent| unsent.0).err(),
            None => Some(files),
        };
        if let Some(files) = refused {
            // The receiving end is in this struct.
            let _ = self.done.send(sync_all(&files));
        }
    }

    /// The result of a sync that has ended.
    pub(super) fn result(&mut self) -> Option<io::Result<()>> {
        let result = self.results.try_recv().ok()?;
        self.pending -= 1;
        Some(result)
    }

    /// Waits for the syncs that were asked for.
    pub(super) fn finish(&mut self) {
        if let Some((files, thread)) = self.thread.take() {
            drop(files);
            // A thread that has panicked syncs nothing more; the store's end does.
            let _ = thread.join();
        }
    }
}

fn sync_all<F: DiskFile>(files: &[Arc<F>]) -> io::Result<()> {
    files.iter().try_for_each(|file| file.sync())
}
