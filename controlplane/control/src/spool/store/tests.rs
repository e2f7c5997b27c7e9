//! The store against a naive model, on a disk that fails and files that are damaged.

mod leftover;
mod losses;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::AlertDrop;
use proptest::prelude::*;

use super::{Now, Store};
use crate::config::{Fsync, SpoolConfig};
use crate::delivery::{Duty, Outgoing};
use crate::spool::account::{Accounts, Recovered};
use crate::spool::segment::State;
use crate::spool::status::Counters;
use crate::spool::testing::{FaultyDisk, batch};
use crate::tally::{Outcome, Tally};

struct Fixture {
    disk: FaultyDisk,
    store: Store<FaultyDisk>,
    tally: Arc<Tally>,
    recovered: Arc<Recovered>,
    counters: Arc<Counters>,
    now: Now,
}

/// Small limits: a segment holds a few records.
fn small() -> SpoolConfig {
    SpoolConfig {
        segment_bytes: 2_000,
        bytes_max: 1 << 20,
        fsync: Fsync::Never,
        ..Default::default()
    }
}

fn open(disk: FaultyDisk, config: SpoolConfig, boot: &str) -> Fixture {
    let (tally, recovered, counters) = (Tally::new(), Arc::<Recovered>::default(), Arc::default());
    let accounts = Accounts { tally: Arc::clone(&tally), recovered: Arc::clone(&recovered) };
    let now = Now { monotonic: Duration::ZERO, wall_ns: 1_700_000_000_000_000_000 };
    let store =
        Store::open(disk.clone(), config, 4, boot, accounts, Arc::clone(&counters), now).unwrap();
    Fixture { disk, store, tally, recovered, counters, now }
}

impl Fixture {
    /// Appends a batch whose id is `id`; its number.
    fn append(&mut self, id: &str, alerts: u32, bytes: usize) -> io::Result<u64> {
        let batch = batch(&self.tally, 1, alerts, &vec![b'S'; bytes]);
        self.put(Outgoing { id: id.into(), ..batch })
    }

    /// Appends `batch`; its number.
    fn put(&mut self, batch: Outgoing) -> io::Result<u64> {
        let group = [batch];
        let (numbers, result) = self.store.append(&group, self.now);
        let [Outgoing { duty: Duty::Memory(ticket), .. }] = group else { unreachable!() };
        result?;
        ticket.spool();
        Ok(numbers[0])
    }

    /// Everything that waits, in the order in which it is sent.
    fn read_all(&mut self) -> Vec<(u64, String)> {
        let mut read = Vec::new();
        while let Some((number, _)) = self.store.first_waiting(1) {
            if let Some(back) = self.store.read_back(number, self.now).unwrap() {
                assert_eq!(back.number, number);
                assert!(back.body.payload.iter().all(|byte| *byte == b'S'));
                read.push((number, back.body.id));
            }
        }
        read
    }

    fn deliver(&mut self, number: u64) {
        self.store.delivered(number, Outcome::Acknowledged);
        self.store.document(self.now);
    }

    fn recovered_balances(&self) {
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let recovered = &self.recovered;
        let ended = get(&recovered.acknowledged) + get(&recovered.sent) + get(&recovered.spooled);
        let drops: u64 = recovered.drops.iter().map(get).sum();
        assert_eq!(get(&recovered.found), ended + drops);
    }

    fn found(&self) -> u64 {
        self.recovered.found.load(Ordering::Relaxed)
    }

    fn lost(&self, cause: AlertDrop) -> u64 {
        self.recovered.drops[cause as usize].load(Ordering::Relaxed)
    }
}

#[test]
fn what_is_not_delivered_comes_back_in_order_after_a_crash() {
    let mut first = open(FaultyDisk::default(), small(), "one");
    let numbers: Vec<u64> =
        (0..20).map(|id| first.append(&id.to_string(), 3, 400).unwrap()).collect();
    for number in &numbers[..7] {
        first.deliver(*number);
    }
    assert_eq!((first.tally.acknowledged(), first.tally.spooled()), (21, 39));
    let mut second = open(first.disk.copy(), small(), "two");
    assert_eq!(second.found(), 39);
    let own = second.append("own", 2, 10).unwrap();
    assert!(own > numbers[19], "numbers go on");
    let read = second.read_all();
    let ids: Vec<_> = read.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(ids, (7..20).map(|id| id.to_string()).collect::<Vec<_>>());
    for (number, _) in read {
        second.deliver(number);
    }
    second.deliver(own);
    assert_eq!(second.recovered.acknowledged.load(Ordering::Relaxed), 39);
    assert_eq!((second.tally.acknowledged(), second.tally.spooled()), (2, 0));
    second.recovered_balances();
    second.store.close(second.now);
    assert_eq!(second.disk.names(""), Vec::<String>::new(), "nothing is left of what is done");
}

#[test]
fn a_full_spool_loses_its_oldest_and_counts_them() {
    let config = SpoolConfig { bytes_max: 6_000, ..small() };
    let mut spool = open(FaultyDisk::default(), config, "one");
    let numbers: Vec<u64> =
        (0..40).map(|id| spool.append(&id.to_string(), 1, 400).unwrap()).collect();
    assert!(spool.store.bytes() <= 6_000);
    // All are on their way, so that none is lost yet.
    assert_eq!(spool.tally.spooled(), 40);
    spool.deliver(numbers[0]);
    assert_eq!(spool.tally.acknowledged(), 1, "what arrives after its segment has gone counts");
    for number in &numbers[1..] {
        spool.store.undelivered(*number);
    }
    let read = spool.read_all();
    let lost = spool.tally.dropped(AlertDrop::SpoolFull);
    assert_eq!(lost + read.len() as u64, 39);
    assert_eq!(spool.tally.spooled(), read.len() as u64);
    assert_eq!(read.last().unwrap().1, "39");
}

#[test]
fn kept_segments_go_first_and_can_be_sent_again() {
    let config = SpoolConfig { bytes_max: 8_000, keep_acknowledged_s: 60, ..small() };
    let mut spool = open(FaultyDisk::default(), config.clone(), "one");
    let waiting = spool.append("waiting", 1, 1_500).unwrap();
    spool.store.undelivered(waiting);
    for id in 0..4 {
        let number = spool.append(&id.to_string(), 1, 1_500).unwrap();
        spool.deliver(number);
    }
    // The one that waits is the oldest; what is only kept has gone in its stead.
    spool.append("new", 1, 1_500).unwrap();
    assert_eq!(spool.tally.dropped(AlertDrop::SpoolFull), 0);
    assert!(spool.store.entry(waiting).is_some());
    let acknowledged = spool.tally.acknowledged();
    let again = spool.store.send_again(0);
    assert!(again >= 2, "{again}");
    let read = spool.read_all();
    assert_eq!(read.len() as u64, again + 1);
    for (number, _) in read {
        spool.deliver(number);
    }
    assert_eq!(spool.tally.acknowledged(), acknowledged + 1, "none is counted twice");
    assert_eq!(spool.store.send_again(u64::from(u32::MAX)), 0);
    let files = spool.disk.names(".seg").len();
    spool.store.remove_done(Now { monotonic: Duration::from_secs(59), ..spool.now });
    assert_eq!(spool.disk.names(".seg").len(), files);
    // A step of the wall clock frees nothing.
    spool.store.remove_done(Now { monotonic: Duration::from_secs(59), wall_ns: u64::MAX });
    assert_eq!(spool.disk.names(".seg").len(), files);
    spool.store.remove_done(Now { monotonic: Duration::from_secs(60), wall_ns: 0 });
    assert_eq!(spool.disk.names(".seg").len(), 1, "only the newest is left");
}

#[test]
fn a_damaged_header_costs_its_record_and_its_alerts_are_known() {
    let mut first = open(FaultyDisk::default(), small(), "one");
    for id in 0..3 {
        first.append(&id.to_string(), 10 + id, 100).unwrap();
    }
    let disk = first.disk.copy();
    let name = &disk.names(".seg")[0];
    let second_at = first.store.segments[0].entries()[1].offset as usize;
    disk.edit(name, |bytes| bytes[second_at + 20] ^= 4);
    let mut second = open(disk, small(), "two");
    let ids: Vec<_> = second.read_all().into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["0", "2"]);
    assert_eq!(second.found(), 10 + 11 + 12);
    assert_eq!(second.lost(AlertDrop::SpoolCorrupt), 11);
    assert!(second.counters.corrupt_bytes.get() > 100);
    second.recovered_balances();
}

#[test]
fn a_forged_record_in_a_payload_is_not_taken_for_one() {
    // What another segment holds, whole, as the payload of a record whose header is then damaged.
    let mut other = open(FaultyDisk::default(), small(), "one");
    other.append("forged", 1, 50).unwrap();
    let mut forged = Vec::new();
    other.disk.edit(&other.disk.names(".seg")[0], |bytes| forged.clone_from(bytes));
    let mut spool = open(FaultyDisk::default(), small(), "one");
    let group = [batch(&spool.tally, 1, 1, &forged)];
    spool.store.append(&group, spool.now).1.unwrap();
    spool.append("good", 1, 50).unwrap();
    let disk = spool.disk.copy();
    disk.edit(&disk.names(".seg")[0], |bytes| bytes[9] ^= 1);
    let ids: Vec<_> = open(disk, small(), "two").read_all().into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["good"]);
}

#[test]
fn every_operation_may_fail_and_nothing_is_lost_but_what_is_told() {
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        for repeat in [0, 1, 3] {
            for after in 0..60 {
                fail_at(after, kind, repeat);
            }
        }
    }
}

/// Appends and delivers while operations fail, then opens what is left.
fn fail_at(after: usize, kind: io::ErrorKind, repeat: usize) {
    let config = SpoolConfig { fsync: Fsync::Batch, ..small() };
    let mut spool = open(FaultyDisk::default(), config.clone(), "one");
    spool.disk.faults.lock().unwrap().plan(after, kind, repeat);
    let (mut held, mut refused, mut delivered) = (BTreeMap::new(), Vec::new(), Vec::new());
    for id in 0..12 {
        match spool.append(&format!("{id}"), 1, 300) {
            Ok(number) => {
                held.insert(format!("{id}"), number);
            }
            Err(_) => refused.push(format!("{id}")),
        }
        if id % 3 == 2
            && let Some(number) = held.remove(&format!("{}", id - 1))
        {
            spool.deliver(number);
            delivered.push(format!("{}", id - 1));
        }
    }
    assert!(refused.len() <= repeat + 1);
    assert_eq!(spool.tally.acknowledged(), delivered.len() as u64);
    assert_eq!(spool.tally.spooled(), held.len() as u64);
    let mut next = open(spool.disk.copy(), config, "two");
    let ids: Vec<_> = next.read_all().into_iter().map(|(_, id)| id).collect();
    for id in held.keys() {
        assert!(ids.contains(id), "{id} was held; {kind} at {after}, {repeat} more: {ids:?}");
    }
    // A record may come again whose journal, or whose removal from the file, has failed.
    let again = ids.iter().filter(|id| !held.contains_key(*id));
    assert!(again.clone().count() <= 2 * (repeat + 1), "{ids:?}");
    next.recovered_balances();
}

/// What the model does to the spool.
#[derive(Clone, Debug)]
enum Step {
    Append {
        alerts: u32,
        bytes: usize,
    },
    Deliver(prop::sample::Index),
    Undeliver(prop::sample::Index),
    Send,
    Crash,
    /// A crash in the middle of a write.
    Torn {
        bytes: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..20_u32, 0..700_usize).prop_map(|(alerts, bytes)| Step::Append { alerts, bytes }),
        3 => any::<prop::sample::Index>().prop_map(Step::Deliver),
        2 => any::<prop::sample::Index>().prop_map(Step::Undeliver),
        2 => Just(Step::Send),
        1 => Just(Step::Crash),
        1 => (1..200_usize).prop_map(|bytes| Step::Torn { bytes }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_a_map_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut spool = open(FaultyDisk::default(), small(), "boot0");
        // Number to (id, alerts, on its way).
        let mut model = BTreeMap::<u64, (String, u32, bool)>::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append { alerts, bytes } => {
                    let id = format!("id{at}");
                    let number = spool.append(&id, alerts, bytes).unwrap();
                    prop_assert!(model.keys().all(|before| *before < number));
                    model.insert(number, (id, alerts, true));
                }
                Step::Deliver(index) | Step::Undeliver(index) if !model.is_empty() => {
                    let number = *index.get(&model.keys().copied().collect::<Vec<_>>());
                    let on_its_way = model[&number].2;
                    if matches!(step, Step::Deliver(_)) {
                        spool.deliver(number);
                        if on_its_way {
                            model.remove(&number);
                        }
                    } else {
                        spool.store.undelivered(number);
                        model.get_mut(&number).unwrap().2 = false;
                    }
                }
                Step::Deliver(_) | Step::Undeliver(_) => {}
                Step::Send => {
                    let expected: Vec<_> = model
                        .iter_mut()
                        .filter(|(_, record)| !record.2)
                        .map(|(number, record)| {
                            record.2 = true;
                            (*number, record.0.clone())
                        })
                        .collect();
                    prop_assert_eq!(spool.read_all(), expected);
                }
                Step::Crash | Step::Torn { .. } => {
                    let disk = spool.disk.copy();
                    if let (Step::Torn { bytes }, Some(name)) = (step, disk.names(".seg").last()) {
                        // Half of a record that was never reported as written.
                        disk.edit(name, |file| {
                            let more: Vec<u8> = file.iter().copied().take(bytes).collect();
                            file.extend(&more[..more.len() / 2]);
                        });
                    }
                    spool = open(disk, small(), &format!("boot{at}"));
                    model.values_mut().for_each(|record| record.2 = false);
                    let alerts: u64 = model.values().map(|record| u64::from(record.1)).sum();
                    prop_assert_eq!(spool.found(), alerts);
                }
            }
            let held: u64 = model.values().map(|record| u64::from(record.1)).sum();
            let spooled = spool.tally.spooled() + spool.recovered.spooled.load(Ordering::Relaxed);
            prop_assert_eq!(spooled, held);
            spool.recovered_balances();
        }
    }

    #[test]
    fn damage_costs_what_it_touches(
        records in 1..12_usize,
        delivered in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8_u8), 1..5),
        cut in prop::option::of(0..600_usize),
    ) {
        let mut first = open(FaultyDisk::default(), small(), "one");
        let numbers: Vec<u64> =
            (0..records).map(|id| first.append(&id.to_string(), 2, 250).unwrap()).collect();
        for index in delivered {
            first.deliver(*index.get(&numbers));
        }
        let done: Vec<bool> = numbers.iter()
            .map(|number| first.store.entry(*number).is_none_or(|entry| entry.state == State::Done))
            .collect();
        let disk = first.disk.copy();
        let mut touched = vec![false; records];
        for (file, at, bit) in flips {
            let names = disk.names(".seg");
            let name = file.get(&names);
            let mut flipped = 0;
            disk.edit(name, |bytes| {
                flipped = at.index(bytes.len());
                bytes[flipped] ^= 1 << bit;
            });
            mark(&first, name, flipped..flipped + 1, &mut touched);
        }
        if let (Some(cut), Some(name)) = (cut, disk.names(".seg").last()) {
            let mut left = 0;
            disk.edit(name, |bytes| {
                bytes.truncate(bytes.len().saturating_sub(cut));
                left = bytes.len();
            });
            mark(&first, name, left..usize::MAX, &mut touched);
        }
        let mut second = open(disk, small(), "two");
        let ids: Vec<String> = second.read_all().into_iter().map(|(_, id)| id).collect();
        for id in 0..records {
            if !touched[id] && !done[id] {
                prop_assert!(ids.contains(&id.to_string()), "{} is lost: {:?}", id, ids);
            }
        }
        second.recovered_balances();
    }
}

/// Marks the records of the segment `name` that `range` touches.
fn mark(fixture: &Fixture, name: &str, range: std::ops::Range<usize>, touched: &mut [bool]) {
    let Some(segment) = fixture.store.segments.iter().find(|segment| segment.name() == name) else {
        return;
    };
    for entry in segment.entries() {
        let (start, end) = (entry.offset as usize, (entry.offset + entry.bytes) as usize);
        if start < range.end && range.start < end {
            touched[(segment.first + u64::from(entry.delta)) as usize - 1] = true;
        }
    }
}
