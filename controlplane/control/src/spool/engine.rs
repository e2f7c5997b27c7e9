//! What the spool's thread does with what it is told: between the store, the lanes and the disk.
//!
//! Time is a parameter, so that tests need not wait for it.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use contract::AlertDrop;

use super::disk::Disk;
use super::pacer::Pacer;
use super::store::{Now, ReadBack, Store};
use super::syncer::Syncer;
use super::ticket::{Command, SpoolTicket};
use super::{Shared, bypass};
use crate::config::{Fsync, SpoolConfig};
use crate::delivery::{Duty, Lanes, Outgoing};

/// Bytes of the batches that are written together.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Pause before a disk that could not be written or read is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait of a delivered record for its entry in the journal.
const JOURNAL_PAUSE: Duration = Duration::from_millis(50);
/// Delivered records that are written into the journal without waiting for more.
const JOURNAL_RECORDS: usize = 256;
/// Bytes of records read back that may be on their way.
const REPLAY_BYTES_MAX: u64 = 8 << 20;
/// Pause between two looks at lanes that publish, while records wait for their turn.
const LANES_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two looks at anything.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Where the batches of a group come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// They are to be sent once they are written.
    Fresh,
    /// NATS did not take them.
    Refused,
}

/// The spool's thread without the thread.
pub(super) struct Engine<D: Disk> {
    store: Store<D>,
    config: SpoolConfig,
    lanes: Option<Arc<dyn Lanes>>,
    lanes_count: u16,
    /// For tickets; `None` once nothing more is sent.
    spool: Option<Arc<Sender<Command>>>,
    shared: Arc<Shared>,
    syncer: Syncer<D::File>,
    pacer: Pacer,
    group: Vec<Outgoing>,
    group_bytes: usize,
    origin: Origin,
    /// Bytes of the records read back that are on their way, by number, and their sum.
    replaying: HashMap<u64, u64>,
    replaying_bytes: u64,
    /// Lane that is looked at first.
    turn: u16,
    /// Not before then is the disk written, or read, again.
    write_again_at: Option<Duration>,
    read_again_at: Duration,
    /// Since when a delivered record waits for its journal.
    undocumented_since: Option<Duration>,
    sync_at: Duration,
    publish_at: Duration,
    write_error: Option<String>,
    sync_error: Option<String>,
}

/// What an engine works with beside the store.
pub(super) struct Surroundings {
    pub(super) config: SpoolConfig,
    pub(super) lanes: Arc<dyn Lanes>,
    pub(super) lanes_count: u16,
    pub(super) spool: Arc<Sender<Command>>,
    pub(super) shared: Arc<Shared>,
}

impl<D: Disk> Engine<D> {
    /// An engine over `store`.
    pub(super) fn new(store: Store<D>, around: Surroundings, syncer: Syncer<D::File>) -> Self {
        let Surroundings { config, lanes, lanes_count, spool, shared } = around;
        Self {
            store,
            pacer: Pacer::new(config.replay_bytes_per_s),
            sync_at: Duration::from_millis(config.fsync_interval_ms),
            config,
            lanes: Some(lanes),
            lanes_count,
            spool: Some(spool),
            shared,
            syncer,
            group: Vec::new(),
            group_bytes: 0,
            origin: Origin::Fresh,
            replaying: HashMap::new(),
            replaying_bytes: 0,
            turn: 0,
            write_again_at: None,
            read_again_at: Duration::ZERO,
            undocumented_since: None,
            publish_at: Duration::ZERO,
            write_error: None,
            sync_error: None,
        }
    }

    /// Does what it is told, and what is due.
    pub(super) fn step(&mut self, commands: impl IntoIterator<Item = Command>, now: Now) {
        for command in commands {
            self.command(command, now);
        }
        self.commit(now);
        self.document(now);
        self.store.remove_done(now);
        self.sync(now);
        self.replay(now);
        if now.monotonic >= self.publish_at {
            self.publish_at = now.monotonic + PAUSE_MAX;
            self.store.publish();
        }
    }

    /// How long it may wait for the next command.
    pub(super) fn pause(&mut self, now: Now) -> Duration {
        let replay = if self.could_send() { LANES_PAUSE } else { PAUSE_MAX };
        let journal = self
            .undocumented_since
            .map_or(PAUSE_MAX, |since| (since + JOURNAL_PAUSE).saturating_sub(now.monotonic));
        replay.min(journal)
    }

    /// Whether a record waits for a lane that publishes.
    fn could_send(&mut self) -> bool {
        let Some(lanes) = &self.lanes else { return false };
        let store = &mut self.store;
        (0..self.lanes_count)
            .any(|lane| lanes.is_ready(lane) && store.first_waiting(lane).is_some())
    }

    /// The end: everything reaches the disk.
    pub(super) fn close(&mut self, now: Now) {
        self.commit(now);
        self.syncer.finish();
        self.store.close(now);
        self.store.publish();
    }

    fn command(&mut self, command: Command, now: Now) {
        match command {
            Command::Append(batch) => self.join(batch, Origin::Fresh, now),
            Command::Keep(batch) => self.join(batch, Origin::Refused, now),
            Command::Delivered { record, outcome } => {
                self.landed(record);
                self.store.delivered(record, outcome);
                self.undocumented_since.get_or_insert(now.monotonic);
            }
            Command::Undelivered { record } => {
                self.landed(record);
                self.store.undelivered(record);
            }
            Command::SendAgain { since_s, answer } => {
                self.store.document(now);
                // Who asked may be gone.
                let _ = answer.send(self.store.send_again(since_s));
            }
            Command::End => {
                self.commit(now);
                (self.spool, self.lanes) = (None, None);
            }
        }
    }

    fn landed(&mut self, record: u64) {
        if let Some(bytes) = self.replaying.remove(&record) {
            self.replaying_bytes -= bytes;
        }
    }

    /// Adds a batch to the group that is written next.
    fn join(&mut self, batch: Outgoing, origin: Origin, now: Now) {
        if origin != self.origin {
            self.commit(now);
            self.origin = origin;
        }
        self.group_bytes += batch.payload.len();
        self.group.push(batch);
        if self.group_bytes >= GROUP_BYTES_MAX {
            self.commit(now);
        }
    }

    /// Writes the group, and sends its batches.
    fn commit(&mut self, now: Now) {
        if self.group.is_empty() {
            return;
        }
        let group = mem::take(&mut self.group);
        let bytes = mem::take(&mut self.group_bytes);
        let (numbers, result) = self.append(&group, now);
        self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.note_write(result, now);
        let mut numbers = numbers.into_iter();
        for batch in group {
            match numbers.next() {
                Some(number) => self.written(batch, number),
                None => self.unwritten(batch),
            }
        }
    }

    fn append(&mut self, group: &[Outgoing], now: Now) -> (Vec<u64>, Option<io::Result<()>>) {
        if self.write_again_at.is_some_and(|at| now.monotonic < at) {
            return (Vec::new(), None);
        }
        let (mut numbers, mut result) = self.store.append(group, now);
        let full = |result: &io::Result<()>| {
            result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
        };
        // What is only kept gives way to what is not delivered.
        while full(&result) && self.store.remove_one_kept() {
            let (more, again) = self.store.append(&group[numbers.len()..], now);
            numbers.extend(more);
            result = again;
        }
        (numbers, Some(result))
    }

    /// Notes how a write ended; `None`: it was not tried.
    fn note_write(&mut self, result: Option<io::Result<()>>, now: Now) {
        let Some(result) = result else { return };
        self.write_error = result.err().map(|error| error.to_string());
        self.write_again_at = self.write_error.as_ref().map(|_| now.monotonic + RETRY_PAUSE);
        if self.write_error.is_some() {
            self.shared.counters.write_errors.increment();
        }
        self.show_state();
    }

    fn show_state(&self) {
        let reason = self.write_error.as_ref().or(self.sync_error.as_ref());
        if self.shared.counters.set_failing(reason.cloned()) {
            match reason {
                Some(reason) => tracing::warn!(
                    reason,
                    "the spool cannot be written; alerts go to NATS without it until it can"
                ),
                None => tracing::info!("the spool can be written again"),
            }
        }
    }

    /// The batch is on disk as `number`.
    fn written(&mut self, batch: Outgoing, number: u64) {
        let Outgoing { lane, subject, id, payload, alerts, received_ns, .. } = batch;
        if let Duty::Memory(ticket) = batch.duty {
            ticket.spool();
        }
        match (&self.lanes, &self.spool) {
            (Some(lanes), Some(spool)) if self.origin == Origin::Fresh && lanes.is_ready(lane) => {
                let duty = Duty::Spooled(SpoolTicket::new(number, Sender::clone(spool)));
                let replay = false;
                // One that is given back tells so when it is dropped.
                let _ = lanes.push(Outgoing {
                    lane,
                    subject,
                    id,
                    payload,
                    alerts,
                    received_ns,
                    replay,
                    duty,
                });
            }
            _ => self.store.undelivered(number),
        }
    }

    /// The batch could not be written.
    fn unwritten(&self, batch: Outgoing) {
        match (&self.lanes, self.origin) {
            (Some(lanes), Origin::Fresh) => bypass(&self.shared, &**lanes, batch),
            (_, Origin::Refused) => batch.lost(AlertDrop::NatsDown),
            (None, Origin::Fresh) => batch.lost(AlertDrop::Shutdown),
        }
    }

    fn document(&mut self, now: Now) {
        let Some(since) = self.undocumented_since else { return };
        let due = now.monotonic >= since + JOURNAL_PAUSE;
        if due || self.store.undocumented() >= JOURNAL_RECORDS {
            self.undocumented_since = None;
            self.store.document(now);
        }
    }

    fn sync(&mut self, now: Now) {
        while let Some(result) = self.syncer.result() {
            self.sync_error = result.err().map(|error| error.to_string());
            if self.sync_error.is_some() {
                self.shared.counters.write_errors.increment();
            }
            self.show_state();
        }
        let due = self.config.fsync == Fsync::Interval && now.monotonic >= self.sync_at;
        if due && self.syncer.is_idle() {
            self.sync_at = now.monotonic + Duration::from_millis(self.config.fsync_interval_ms);
            self.syncer.sync(self.store.take_unsynced());
        }
    }

    /// Sends what waits, as far as lanes and rate allow.
    fn replay(&mut self, now: Now) {
        let (Some(lanes), Some(spool)) = (self.lanes.clone(), self.spool.clone()) else { return };
        if now.monotonic < self.read_again_at {
            return;
        }
        self.turn = (self.turn + 1) % self.lanes_count;
        for lane in 0..self.lanes_count {
            let lane = (self.turn + lane) % self.lanes_count;
            while lanes.is_ready(lane) && lanes.has_room(lane) {
                let Some((number, bytes)) = self.store.first_waiting(lane) else { break };
                let bytes = u64::from(bytes);
                if self.replaying_bytes > 0 && self.replaying_bytes + bytes > REPLAY_BYTES_MAX
                    || !self.pacer.take(now.monotonic, bytes)
                {
                    return;
                }
                match self.store.read_back(number, now) {
                    Ok(Some(read)) => {
                        self.replaying.insert(number, bytes);
                        self.replaying_bytes += bytes;
                        self.shared.counters.replayed.increment();
                        if lanes.push(replayed(read, &spool)).is_err() {
                            break;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        self.shared.counters.write_errors.increment();
                        self.read_again_at = now.monotonic + RETRY_PAUSE;
                        tracing::warn!(%error, "the spool cannot be read");
                        return;
                    }
                }
            }
        }
    }
}

fn replayed(read: ReadBack, spool: &Sender<Command>) -> Outgoing {
    Outgoing {
        lane: read.lane,
        subject: read.body.subject,
        id: read.body.id,
        payload: read.body.payload,
        alerts: read.alerts,
        received_ns: Box::default(),
        replay: true,
        duty: Duty::Spooled(SpoolTicket::new(read.number, spool.clone())),
    }
}
