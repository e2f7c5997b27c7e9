//! The EVE output of the live sensor: a bounded queue and a thread.
//!
//! The queue never makes the drain wait. Where alerts are published as well, what the output loses is
//! its own loss and shows in its own counters; where it is their only destination, it ends their tickets.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contract::AlertDrop;

use super::render::EveOptions;
use super::writer::{EveError, EveWriter};
use crate::alert::Alert;
use crate::config::EveConfig;
use crate::tally::{Outcome, Ticket};

/// What the output has done.
#[derive(Debug, Default)]
pub(crate) struct EveCounters {
    /// Alerts that reached the output.
    pub(crate) written: AtomicU64,
    /// Alerts that found the queue full.
    pub(crate) queue_full: AtomicU64,
    /// Alerts lost because the output could not be written.
    pub(crate) failed: AtomicU64,
    failing: AtomicBool,
}

impl EveCounters {
    /// Whether the last write failed.
    #[must_use]
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

/// An alert for the output, with its ticket where the output is its only destination.
#[derive(Debug)]
pub(crate) struct EveItem {
    /// The alert.
    pub(crate) alert: Arc<Alert>,
    /// The duty to end it.
    pub(crate) ticket: Option<Ticket>,
}

/// The drain's end of the output.
#[derive(Clone, Debug)]
pub(crate) struct EveOutput {
    queue: SyncSender<EveItem>,
    counters: Arc<EveCounters>,
}

/// The output's thread.
#[derive(Debug)]
pub(crate) struct EveHandle {
    thread: JoinHandle<()>,
    /// Do not write what still waits.
    abandon: Arc<AtomicBool>,
    /// Open the file anew.
    reopen: Arc<AtomicBool>,
}

impl EveHandle {
    /// Makes the thread open the file anew, as after a rotation. Until it has, lines go to the old one.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Whether the thread has ended, which it does when the queue is closed and empty.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Makes the thread drop what waits.
    pub(crate) fn abandon(&self) {
        self.abandon.store(true, Ordering::Relaxed);
    }
}

impl EveOutput {
    /// Opens the output that `config` names and starts its thread, named `eve`.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread not started.
    pub(crate) fn start(
        config: &EveConfig,
        path: &Path,
        options: EveOptions,
    ) -> io::Result<(Self, EveHandle)> {
        let out = open(path)?;
        let (queue, items) = sync_channel(config.queue_alerts_max);
        let counters = Arc::new(EveCounters::default());
        let abandon = Arc::new(AtomicBool::new(false));
        let reopen = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            path: path.to_owned(),
            writer: EveWriter::new(out, options),
            waiting: Vec::new(),
            counters: Arc::clone(&counters),
            abandon: Arc::clone(&abandon),
            reopen: Arc::clone(&reopen),
        };
        let flush = Duration::from_millis(config.flush_ms);
        let thread = std::thread::Builder::new()
            .name("eve".into())
            .spawn(move || writer.run(&items, flush))?;
        Ok((Self { queue, counters }, EveHandle { thread, abandon, reopen }))
    }

    /// Its counters.
    #[must_use]
    pub(crate) fn counters(&self) -> &Arc<EveCounters> {
        &self.counters
    }

    /// Puts an alert into the queue, or drops and counts it.
    pub(crate) fn push(&self, item: EveItem) {
        if let Err(error) = self.queue.try_send(item) {
            self.counters.queue_full.fetch_add(1, Ordering::Relaxed);
            // A thread that is gone means the end of the process, which is what a dropped ticket says.
            if let TrySendError::Full(EveItem { ticket: Some(ticket), .. }) = error {
                ticket.end(Outcome::Dropped(AlertDrop::LaneFull));
            }
        }
    }
}

/// Opens the output at `path`, `-` being standard output.
fn open(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    Ok(Box::new(OpenOptions::new().create(true).append(true).open(path)?))
}

/// The thread's side.
struct Writer {
    path: PathBuf,
    writer: EveWriter<Box<dyn Write + Send>>,
    /// Tickets of the lines that wait in the writer.
    waiting: Vec<Ticket>,
    counters: Arc<EveCounters>,
    abandon: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
}

impl Writer {
    fn run(mut self, items: &Receiver<EveItem>, flush: Duration) {
        let mut flushed = Instant::now();
        loop {
            let item = match items.try_recv() {
                Ok(item) => Some(item),
                // Idle: nobody waits for a line that could be read now.
                Err(_) => {
                    self.flush();
                    flushed = Instant::now();
                    match items.recv_timeout(flush) {
                        Ok(item) => Some(item),
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            };
            if self.abandon.load(Ordering::Relaxed) {
                return;
            }
            if self.reopen.swap(false, Ordering::Relaxed) {
                self.reopen();
            }
            if let Some(item) = item {
                self.write(item);
            }
            if flushed.elapsed() >= flush {
                self.flush();
                flushed = Instant::now();
            }
        }
    }

    /// Opens the file anew; where that fails the old one is written on.
    fn reopen(&mut self) {
        self.flush();
        let path = self.path.display();
        match open(&self.path) {
            Ok(out) => {
                self.writer.redirect(out);
                tracing::info!(%path, "the EVE output is opened anew");
            }
            Err(error) => tracing::warn!(%path, %error, "the EVE output cannot be opened anew"),
        }
    }

    fn write(&mut self, item: EveItem) {
        self.waiting.extend(item.ticket);
        let written = self.writer.write(&item.alert);
        self.settle(written);
    }

    fn flush(&mut self) {
        let written = self.writer.flush();
        self.settle(written);
    }

    fn settle(&mut self, written: Result<u64, EveError>) {
        let outcome = match written {
            Ok(0) => return,
            Ok(alerts) => {
                self.counters.written.fetch_add(alerts, Ordering::Relaxed);
                if self.counters.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the EVE output can be written again");
                }
                Outcome::Written
            }
            Err(error) => {
                self.counters.failed.fetch_add(error.alerts, Ordering::Relaxed);
                if !self.counters.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the EVE output cannot be written");
                }
                Outcome::Dropped(AlertDrop::SinkFailed)
            }
        };
        for ticket in self.waiting.drain(..) {
            ticket.end(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use contract::AlertDrop;

    use super::{EveItem, EveOutput};
    use crate::config::EveConfig;
    use crate::eve::EveOptions;
    use crate::tally::Tally;
    use crate::testing::{alert, eventually};

    #[test]
    fn alerts_reach_the_file_and_end_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("eve.json");
        let (output, handle) =
            EveOutput::start(&EveConfig::default(), &path, EveOptions::default()).unwrap();
        let tally = Tally::new();
        for sid in 0..100 {
            output.push(EveItem { alert: Arc::new(alert(sid, 1)), ticket: Some(tally.ticket()) });
        }
        eventually(Duration::from_secs(5), || tally.written() == 100);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 100);
        drop(output);
        eventually(Duration::from_secs(5), || handle.is_finished());
        assert_eq!(tally.in_flight(), 0);
    }

    #[test]
    fn after_a_rotation_the_new_file_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("eve.json"), dir.path().join("eve.json.1"));
        let (output, handle) =
            EveOutput::start(&EveConfig::default(), &path, EveOptions::default()).unwrap();
        let tally = Tally::new();
        let push = |sid| {
            let ticket = Some(tally.ticket());
            output.push(EveItem { alert: Arc::new(alert(sid, 1)), ticket });
        };
        push(1);
        eventually(Duration::from_secs(5), || tally.written() == 1);
        std::fs::rename(&path, &old).unwrap();
        handle.reopen();
        eventually(Duration::from_secs(5), || path.exists());
        push(2);
        eventually(Duration::from_secs(5), || tally.written() == 2);
        for file in [&path, &old] {
            assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 1);
        }
    }

    #[test]
    fn a_full_device_is_counted_and_the_thread_goes_on() {
        if !Path::new("/dev/full").exists() {
            println!("SKIPPED: no /dev/full");
            return;
        }
        let config = EveConfig::default();
        let (output, _handle) =
            EveOutput::start(&config, Path::new("/dev/full"), EveOptions::default()).unwrap();
        let tally = Tally::new();
        for sid in 0..3 {
            output.push(EveItem { alert: Arc::new(alert(sid, 1)), ticket: Some(tally.ticket()) });
        }
        eventually(Duration::from_secs(5), || tally.dropped(AlertDrop::SinkFailed) == 3);
        assert_eq!(output.counters().failed.load(Ordering::Relaxed), 3);
        assert!(output.counters().is_failing());
    }
}
