//! The spool: what NATS has not acknowledged yet, on disk.
//!
//! ```text
//! drain ─► SpoolIntake ─► thread `spool`: Engine ─► Store ─► segments, journals (Disk)
//!              │             │    ▲                            │ read back
//!              │ disk fails  ▼    └─ delivered, undelivered    ▼
//!              └──────────► Lanes ◄────────────────────────── Pacer
//! ```
//!
//! One thread owns the store and reads and writes the disk, so that neither the drain nor tokio ever waits
//! for it. With `mode = "write_ahead"` a batch is on disk before it is sent; when the disk cannot be
//! written, it is sent all the same, and counted (`bypassed`).

mod account;
mod boots;
mod disk;
mod engine;
mod journal;
mod pacer;
mod record;
mod scan;
mod segment;
mod status;
mod store;
mod syncer;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod ticket;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use account::{Accounts, Recovered};
use boots::Books;
pub use boots::ClosedBoot;
use contract::{AlertDrop, crash};
use disk::Directory;
use engine::{Engine, Surroundings};
use ring::Page;
use status::Counters;
pub use status::{RecoveredView, SpoolView};
use store::{Now, Store};
use syncer::Syncer;
pub(crate) use ticket::{Command, Held, SpoolTicket};
use tokio::sync::oneshot;

use crate::config::{SpoolConfig, SpoolMode};
use crate::delivery::{Intake, Lanes, Outgoing};
use crate::tally::Tally;
use crate::time::wall_ns_now;

const NS_PER_S: u64 = 1_000_000_000;
/// Commands that are taken at once.
const COMMANDS_MAX: usize = 1_024;

/// The spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {path}: {error}; {mend}")]
pub struct SpoolError {
    key: &'static str,
    path: String,
    error: io::Error,
    mend: &'static str,
}

impl SpoolError {
    fn new(path: &Path, error: io::Error) -> Self {
        let mend = match error.kind() {
            io::ErrorKind::ResourceBusy => "stop the other sensor, or give each its own directory",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "name a directory",
            io::ErrorKind::ReadOnlyFilesystem => {
                "make the file system writable, or name a directory on another"
            }
            _ => "name a directory that this user may write, or unset it to run without a spool",
        };
        Self { key: "spool.path", path: path.display().to_string(), error, mend }
    }
}

/// The spool's directory, locked against other sensors.
#[derive(Debug)]
pub struct SpoolDirectory {
    path: PathBuf,
    books: Books,
    directory: Directory,
}

impl SpoolDirectory {
    /// Makes the directory where it does not exist, and locks it; `None` where none is configured.
    ///
    /// # Errors
    /// It cannot be used, or is another sensor's.
    pub fn lock(config: &SpoolConfig) -> Result<Option<Self>, SpoolError> {
        let Some(path) = &config.path else { return Ok(None) };
        let locked = Directory::lock(path).map_err(|error| SpoolError::new(path, error))?;
        let books = Books::new(path, &config.pages_path);
        Ok(Some(Self { path: path.clone(), books, directory: locked }))
    }

    /// Makes the page on which the ledger of `boot` outlives it, for so many workers.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn page(&self, boot: &str, workers: u16) -> Result<Arc<Page>, SpoolError> {
        let path = self.books.page_path(boot);
        Page::create(&path, crash::cells(workers)).map_err(|error| SpoolError {
            key: "spool.pages_path",
            ..SpoolError::new(&path, error)
        })
    }
}

/// What the spool's ends share.
#[derive(Debug)]
pub(crate) struct Shared {
    config: SpoolConfig,
    counters: Arc<Counters>,
    accounts: Accounts,
    /// Bytes of the batches that wait for the disk.
    queued_bytes: AtomicUsize,
    /// Batches that went on without having been written, and their alerts.
    bypassed: AtomicU64,
    bypassed_alerts: AtomicU64,
    /// The ledgers of boots that have ended, the oldest first.
    previous: OnceLock<Vec<ClosedBoot>>,
}

impl Shared {
    fn new(config: &SpoolConfig, tally: Arc<Tally>) -> Self {
        Self {
            config: config.clone(),
            counters: Arc::default(),
            accounts: Accounts { tally, recovered: Arc::new(Recovered::default()) },
            queued_bytes: AtomicUsize::new(0),
            bypassed: AtomicU64::new(0),
            bypassed_alerts: AtomicU64::new(0),
            previous: OnceLock::new(),
        }
    }

    /// Hands a batch to the thread, if not too much waits for it; else gives it back.
    #[expect(clippy::result_large_err, reason = "the batch is given back as it came")]
    fn enqueue(
        &self,
        spool: &Sender<Command>,
        batch: Outgoing,
        command: fn(Outgoing) -> Command,
    ) -> Result<(), Outgoing> {
        let bytes = batch.payload.len();
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if queued > self.config.queue_bytes_max {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(batch);
        }
        let Err(unsent) = spool.send(command(batch)) else { return Ok(()) };
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        match unsent.0 {
            Command::Append(batch) | Command::Keep(batch) => Err(batch),
            _ => Ok(()),
        }
    }
}

/// Sends a batch that is not on disk.
fn bypass(shared: &Shared, lanes: &dyn Lanes, batch: Outgoing) {
    shared.bypassed.fetch_add(1, Ordering::Relaxed);
    shared.bypassed_alerts.fetch_add(batch.alerts.into(), Ordering::Relaxed);
    if let Err(batch) = lanes.push(batch) {
        batch.lost(AlertDrop::LaneFull);
    }
}

/// The drain's end. Dropped, the spool hands on what it was given, and ends once it knows what became of it.
pub(crate) struct SpoolIntake {
    spool: Sender<Command>,
    lanes: Arc<dyn Lanes>,
    shared: Arc<Shared>,
}

impl Intake for SpoolIntake {
    fn take(&self, batch: Outgoing) {
        match self.shared.config.mode {
            SpoolMode::WriteAhead => {
                if let Err(batch) = self.shared.enqueue(&self.spool, batch, Command::Append) {
                    bypass(&self.shared, &*self.lanes, batch);
                }
            }
            SpoolMode::OnFailure => {
                let held = Held::of(batch, self.spool.clone(), Arc::clone(&self.shared));
                if let Err(batch) = self.lanes.push(held) {
                    batch.lost(AlertDrop::LaneFull);
                }
            }
        }
    }
}

impl Drop for SpoolIntake {
    fn drop(&mut self) {
        // A thread that has ended needs no telling.
        let _ = self.spool.send(Command::End);
    }
}

/// Shows the spool, and lets it send again what it has kept.
#[derive(Clone)]
pub(crate) struct SpoolControl {
    shared: Arc<Shared>,
    spool: Weak<Sender<Command>>,
}

impl SpoolControl {
    /// What the spool shows of itself.
    pub(crate) fn view(&self) -> SpoolView {
        SpoolView::of(&self.shared, wall_ns_now())
    }

    /// Lets the spool send again what NATS has acknowledged and what was written since `since_s` (seconds
    /// since 1970), as far as it is kept. How many batches; `None` if the spool is ending.
    pub(crate) async fn send_again(&self, since_s: u64) -> Option<u64> {
        let (answer, answered) = oneshot::channel();
        self.spool.upgrade()?.send(Command::SendAgain { since_s, answer }).ok()?;
        answered.await.ok()
    }
}

/// The running spool.
pub(crate) struct SpoolHandle {
    control: SpoolControl,
    thread: JoinHandle<()>,
    books: Books,
    boot: String,
}

impl SpoolHandle {
    /// To be shown and asked.
    pub(crate) fn control(&self) -> SpoolControl {
        self.control.clone()
    }

    /// Whether everything is on disk, and the thread has ended. It does once the [`SpoolIntake`] is
    /// dropped and the lanes have told what became of every batch.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Closes the ledger of this boot, and gives the directory up: the last thing, once no alert is on its
    /// way any more. A boot that never comes here counts as crashed.
    pub(crate) fn close_ledger(self) {
        if let Err(error) = boots::close_own(&self.books, &self.boot, wall_ns_now() / NS_PER_S) {
            tracing::warn!(%error, "the ledger cannot be written; the next start closes it");
        }
    }
}

/// Starts the spool in its directory. Reads what earlier boots have left first, and closes their ledgers.
///
/// # Errors
/// The directory cannot be read, or a thread not be started.
pub(crate) fn start(
    directory: SpoolDirectory,
    config: &SpoolConfig,
    boot: &str,
    lanes: &Arc<dyn Lanes>,
    lanes_count: u16,
    tally: &Arc<Tally>,
) -> Result<(SpoolIntake, SpoolHandle), SpoolError> {
    let SpoolDirectory { path, books, directory } = directory;
    let of = |error| SpoolError::new(&path, error);
    let shared = Arc::new(Shared::new(config, Arc::clone(tally)));
    let (accounts, counters) = (shared.accounts.clone(), Arc::clone(&shared.counters));
    let now = Now { wall_ns: wall_ns_now(), ..Now::default() };
    let store = Store::open(directory, config.clone(), lanes_count, boot, accounts, counters, now)
        .map_err(of)?;
    close_others(&books, boot, &store, &shared);
    let (sender, commands) = channel();
    let spool = Arc::new(sender);
    let intake = SpoolIntake {
        spool: Sender::clone(&spool),
        lanes: Arc::clone(lanes),
        shared: Arc::clone(&shared),
    };
    let control = SpoolControl { shared: Arc::clone(&shared), spool: Arc::downgrade(&spool) };
    let around = Surroundings {
        config: config.clone(),
        lanes: Arc::clone(lanes),
        lanes_count,
        spool,
        shared,
    };
    let engine = Engine::new(store, around, Syncer::start().map_err(of)?);
    let thread = std::thread::Builder::new()
        .name("spool".into())
        .spawn(move || run(engine, &commands))
        .map_err(of)?;
    let boot = boot.to_owned();
    Ok((intake, SpoolHandle { control, thread, books, boot }))
}

/// Closes the ledgers of boots that have ended without notice.
fn close_others(books: &Books, boot: &str, store: &Store<Directory>, shared: &Shared) {
    let now_s = wall_ns_now() / NS_PER_S;
    let (ledgers, result) = boots::close_others(books, boot, store.found(), now_s);
    if let Err(error) = result {
        shared.counters.write_errors.increment();
        tracing::warn!(%error, "the ledgers of earlier boots cannot be written");
    }
    // Nobody has set it before.
    let _ = shared.previous.set(ledgers);
}

/// The thread: until nobody is left who could tell it anything.
fn run(mut engine: Engine<Directory>, commands: &Receiver<Command>) {
    let start = Instant::now();
    let now = || Now { monotonic: start.elapsed(), wall_ns: wall_ns_now() };
    loop {
        let first = match commands.recv_timeout(engine.pause(now())) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let more = commands.try_iter().take(COMMANDS_MAX);
        engine.step(first.into_iter().chain(more), now());
    }
    engine.close(now());
}
