//! The engine on an injected clock, and the thread on real directories.

mod clock_steps;
mod disk_full;
mod mounted;
mod paths;
mod read_only;
mod thread;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use contract::AlertDrop;
use tokio::sync::oneshot;

use super::engine::{Engine, Surroundings};
use super::store::{Now, Store};
use super::syncer::Syncer;
use super::testing::{FaultyDisk, TestLanes, batch};
use super::{Command, Shared, SpoolIntake, SpoolView};
use crate::config::{Fsync, SpoolConfig, SpoolMode};
use crate::delivery::{Intake, Lanes, Outgoing};
use crate::tally::{Outcome, Tally};

/// An engine, and time that passes when the test says so.
struct Bench {
    engine: Engine<FaultyDisk>,
    disk: FaultyDisk,
    lanes: Arc<TestLanes>,
    tally: Arc<Tally>,
    shared: Arc<Shared>,
    intake: Option<SpoolIntake>,
    commands: Receiver<Command>,
    now: Now,
}

const WALL_NS: u64 = 1_700_000_000_000_000_000;

fn config() -> SpoolConfig {
    SpoolConfig { segment_bytes: 1 << 20, fsync: Fsync::Never, ..SpoolConfig::default() }
}

fn bench(config: SpoolConfig, disk: FaultyDisk) -> Bench {
    let tally = Tally::new();
    let shared = Arc::new(Shared::new(&config, Arc::clone(&tally)));
    let (accounts, counters) = (shared.accounts.clone(), Arc::clone(&shared.counters));
    let now = Now { wall_ns: WALL_NS, ..Now::default() };
    let store = Store::open(disk.clone(), config.clone(), 2, "boot", accounts, counters, now);
    let lanes = TestLanes::new(usize::MAX);
    let (sender, commands) = channel();
    let spool = Arc::new(sender);
    let shown: Arc<dyn Lanes> = Arc::clone(&lanes) as _;
    let intake = SpoolIntake {
        spool: Sender::clone(&spool),
        lanes: Arc::clone(&shown),
        shared: Arc::clone(&shared),
    };
    let around =
        Surroundings { config, lanes: shown, lanes_count: 2, spool, shared: Arc::clone(&shared) };
    let engine = Engine::new(store.unwrap(), around, Syncer::inline());
    Bench { engine, disk, lanes, tally, shared, intake: Some(intake), commands, now }
}

impl Bench {
    /// Hands a batch over, as the drain does.
    fn take(&self, lane: u16, alerts: u32, payload: &[u8]) {
        self.intake.as_ref().unwrap().take(batch(&self.tally, lane, alerts, payload));
    }

    /// Time passes, and the engine does what is due.
    fn step(&mut self, ms: u64) {
        self.now.monotonic += Duration::from_millis(ms);
        self.now.wall_ns += ms * 1_000_000;
        let commands: Vec<_> = self.commands.try_iter().collect();
        self.engine.step(commands, self.now);
    }

    /// What the lanes have got.
    fn sent(&self) -> Vec<Outgoing> {
        self.lanes.take()
    }

    fn view(&self) -> SpoolView {
        SpoolView::of(&self.shared, self.now.wall_ns)
    }

    fn names(&self) -> Vec<String> {
        self.disk.names(".seg")
    }
}

#[test]
fn a_batch_is_on_disk_before_it_is_sent_and_acknowledged_once_documented() {
    let mut bench = bench(config(), FaultyDisk::default());
    bench.take(1, 3, b"payload");
    assert_eq!((bench.names().len(), bench.tally.in_flight()), (0, 3));
    bench.step(0);
    assert_eq!((bench.names().len(), bench.tally.in_flight(), bench.tally.spooled()), (1, 0, 3));
    let mut sent = bench.sent();
    let batch = sent.pop().unwrap();
    assert_eq!((batch.lane, batch.replay, &batch.payload[..]), (1, false, &b"payload"[..]));
    batch.duty.delivered(Outcome::Acknowledged);
    bench.step(1);
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (0, 3));
    bench.step(50);
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (3, 0));
    let mut next = self::bench(config(), bench.disk.copy());
    next.step(0);
    assert!(next.sent().is_empty(), "the journal says that it is out");
}

#[test]
fn what_a_lane_refuses_or_loses_is_sent_again_as_it_was() {
    let mut bench = bench(config(), FaultyDisk::default());
    bench.lanes.room.store(0, Ordering::Relaxed);
    bench.take(0, 1, b"refused");
    bench.step(0);
    bench.step(5);
    assert_eq!((bench.sent().len(), bench.tally.spooled()), (0, 1));
    bench.lanes.room.store(10, Ordering::Relaxed);
    bench.step(5);
    let mut sent = bench.sent();
    assert!(sent[0].replay);
    let (id, payload) = (sent[0].id.clone(), sent[0].payload.clone());
    sent.pop().unwrap().duty.undelivered(AlertDrop::NatsDown);
    bench.step(5);
    let mut again = bench.sent();
    assert_eq!((&again[0].id, &again[0].payload, again[0].alerts), (&id, &payload, 1));
    again.pop().unwrap().duty.delivered(Outcome::Sent);
    bench.step(0);
    bench.step(50);
    assert_eq!((bench.tally.sent(), bench.tally.spooled(), bench.view().replayed), (1, 0, 2));
}

#[test]
fn a_lane_that_is_down_holds_no_other_up_and_its_batches_wait() {
    let mut bench = bench(config(), FaultyDisk::default());
    bench.lanes.down.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        bench.take(0, 2, b"x");
    }
    bench.step(200);
    bench.step(10_000);
    assert!(bench.sent().is_empty());
    let view = bench.view();
    assert_eq!((view.records_waiting, view.alerts_spooled, view.oldest_s), (5, 10, Some(10)));
    bench.lanes.down.store(false, Ordering::Relaxed);
    bench.step(5);
    assert_eq!(bench.sent().len(), 5);
}

#[test]
fn replay_keeps_to_its_rate_and_to_a_bound_in_flight() {
    let rate = 1 << 20;
    let config = SpoolConfig { replay_bytes_per_s: rate, ..config() };
    let mut bench = bench(config, FaultyDisk::default());
    bench.lanes.down.store(true, Ordering::Relaxed);
    for _ in 0..200 {
        bench.take(0, 1, &[0; 100_000]);
    }
    bench.step(0);
    bench.lanes.down.store(false, Ordering::Relaxed);
    let (mut bytes, mut held) = (0, Vec::new());
    for _ in 0..1_000 {
        bench.step(5);
        for batch in bench.sent() {
            bytes += batch.payload.len() as u64;
            batch.duty.delivered(Outcome::Acknowledged);
        }
    }
    assert!((5 * rate - rate / 10..5 * rate + rate / 4).contains(&bytes), "{bytes} in 5 s");
    for _ in 0..3_000 {
        bench.step(5);
        held.extend(bench.sent());
    }
    let in_flight: usize = held.iter().map(|batch: &Outgoing| batch.payload.len()).sum();
    assert!((7 << 20..8 << 20).contains(&in_flight), "{in_flight} in flight");
}

#[test]
fn a_disk_that_fails_is_told_and_tried_again_while_alerts_go_on() {
    let mut bench = bench(config(), FaultyDisk::default());
    bench.take(0, 1, b"first");
    bench.step(0);
    let first = bench.sent();
    bench.disk.faults.lock().unwrap().plan(0, io::ErrorKind::StorageFull, usize::MAX);
    for _ in 0..3 {
        bench.take(0, 2, b"unspooled");
        bench.step(100);
    }
    let sent = bench.sent();
    assert_eq!(sent.len(), 3);
    let view = bench.view();
    assert_eq!((view.state, view.bypassed, view.bypassed_alerts), ("failing", 3, 6));
    assert_eq!(view.write_errors, 1, "it is not tried again at once");
    assert!(view.reason.unwrap().contains("no storage space"));
    sent.into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
    assert_eq!(bench.tally.acknowledged(), 6);
    bench.lanes.room.store(0, Ordering::Relaxed);
    bench.take(0, 4, b"nowhere to go");
    bench.step(100);
    assert_eq!(bench.tally.dropped(AlertDrop::LaneFull), 4);
    bench.lanes.room.store(10, Ordering::Relaxed);
    *bench.disk.faults.lock().unwrap() = Default::default();
    bench.step(1_000);
    bench.take(0, 8, b"spooled");
    bench.step(0);
    assert_eq!((bench.view().state, bench.tally.spooled()), ("ok", 9));
    drop(first);
}

#[test]
fn kept_segments_give_way_when_the_disk_is_full() {
    let config = SpoolConfig { keep_acknowledged_s: 1_000, ..config() };
    let mut bench = bench(config, FaultyDisk::default());
    for _ in 0..4 {
        bench.take(0, 1, &[1; 600_000]);
        bench.step(0);
        bench.sent().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        bench.step(60);
    }
    assert_eq!(bench.names().len(), 4);
    // The next segment cannot be made.
    bench.disk.faults.lock().unwrap().plan(0, io::ErrorKind::StorageFull, 0);
    bench.take(0, 1, &[2; 600_000]);
    bench.step(0);
    assert_eq!((bench.names().len(), bench.tally.spooled(), bench.view().bypassed), (4, 1, 0));
}

#[test]
fn too_much_that_waits_for_the_disk_goes_on_without_it() {
    let config = SpoolConfig { queue_bytes_max: 1_000, ..config() };
    let mut bench = bench(config, FaultyDisk::default());
    for _ in 0..5 {
        bench.take(0, 1, &[0; 400]);
    }
    assert_eq!((bench.sent().len(), bench.view().bypassed, bench.view().queued_bytes), (3, 3, 800));
    bench.step(0);
    assert_eq!((bench.sent().len(), bench.view().queued_bytes), (2, 0));
}

#[test]
fn on_failure_writes_only_what_nats_did_not_take() {
    let config = SpoolConfig { mode: SpoolMode::OnFailure, ..config() };
    let mut bench = bench(config, FaultyDisk::default());
    bench.take(0, 1, b"taken");
    bench.take(0, 2, b"refused");
    bench.take(0, 4, b"abandoned");
    let mut sent = bench.sent().into_iter();
    sent.next().unwrap().duty.delivered(Outcome::Acknowledged);
    sent.next().unwrap().duty.undelivered(AlertDrop::NatsDown);
    drop(sent);
    bench.lanes.room.store(0, Ordering::Relaxed);
    bench.take(0, 8, b"no room");
    bench.step(0);
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (1, 14));
    bench.lanes.room.store(10, Ordering::Relaxed);
    bench.step(5);
    let replayed: Vec<_> = bench.sent();
    assert!(replayed.iter().all(|batch| batch.replay));
    assert_eq!(replayed.iter().map(|batch| batch.alerts).collect::<Vec<_>>(), [2, 4, 8]);
    // A disk that fails leaves nothing to be done for what NATS did not take.
    bench.disk.faults.lock().unwrap().plan(0, io::ErrorKind::Other, usize::MAX);
    bench.take(0, 16, b"lost");
    bench.sent().pop().unwrap().duty.undelivered(AlertDrop::PublishFailed);
    bench.step(5);
    assert_eq!(bench.tally.dropped(AlertDrop::NatsDown), 16);
}

#[test]
fn at_the_end_everything_is_written_and_what_is_not_delivered_stays() {
    let config = SpoolConfig { fsync: Fsync::Interval, ..config() };
    let mut bench = bench(config.clone(), FaultyDisk::default());
    bench.take(0, 1, b"delivered at the end");
    bench.take(1, 2, b"not delivered");
    drop(bench.intake.take());
    bench.step(0);
    let mut sent = bench.sent().into_iter();
    sent.next().unwrap().duty.delivered(Outcome::Acknowledged);
    assert!(matches!(bench.commands.try_recv(), Ok(Command::Delivered { .. })));
    drop(sent);
    assert!(matches!(bench.commands.try_recv(), Ok(Command::Undelivered { .. })));
    let ended = bench.commands.try_recv().unwrap_err();
    assert_eq!(ended, std::sync::mpsc::TryRecvError::Disconnected, "nobody is left to tell");
    bench.engine.close(bench.now);
    let mut next = self::bench(config, bench.disk.copy());
    next.step(0);
    assert_eq!(next.view().recovered.found, 3);
    assert_eq!(next.sent().len(), 2);
}

#[test]
fn kept_batches_are_sent_again_when_asked_for() {
    let config = SpoolConfig { keep_acknowledged_s: 1_000, ..config() };
    let mut bench = bench(config, FaultyDisk::default());
    bench.take(0, 5, b"acknowledged, and lost by the server");
    bench.step(0);
    bench.sent().pop().unwrap().duty.delivered(Outcome::Acknowledged);
    bench.step(60);
    let (answer, mut answered) = oneshot::channel();
    bench.engine.step([Command::SendAgain { since_s: 0, answer }], bench.now);
    assert_eq!(answered.try_recv(), Ok(1));
    let again = bench.sent().pop().unwrap();
    assert!(again.replay);
    again.duty.delivered(Outcome::Acknowledged);
    bench.step(60);
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (5, 0));
}
