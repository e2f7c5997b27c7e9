//! What the spool loses is counted by the signatures of the alerts.

use std::collections::BTreeMap;

use alert_schema::Batch;

use super::*;
use crate::spool::testing::batch_of;
use crate::tally::Loss;

/// Alerts by signature.
type BySid = BTreeMap<u32, u64>;

impl Fixture {
    /// Appends a batch with alerts of these signatures.
    fn put_alerts(&mut self, sids: &[u32]) -> u64 {
        let batch = batch_of(&self.tally, 1, sids);
        self.put(batch).unwrap()
    }

    /// The same, and it did not get out.
    fn leave_alerts(&mut self, sids: &[u32]) -> u64 {
        let number = self.put_alerts(sids);
        self.store.undelivered(number);
        number
    }

    /// Reads all that waits, damaged or not.
    fn read_back_all(&mut self) {
        while let Some((number, _)) = self.store.first_waiting(1) {
            self.store.read_back(number, self.now).unwrap();
        }
    }

    /// Alerts of everything that waits.
    fn waiting(&mut self) -> BySid {
        let mut sids = BySid::new();
        while let Some((number, _)) = self.store.first_waiting(1) {
            let read = self.store.read_back(number, self.now).unwrap().unwrap();
            for alert in Batch::decode(&read.body.payload).unwrap().alerts() {
                *sids.entry(alert.unwrap().signature.sid).or_default() += 1;
            }
        }
        sids
    }
}

/// What was lost by `cause`; signature 0 is that of the unknown.
fn lost(losses: &[Loss], cause: AlertDrop) -> BySid {
    losses.iter().filter(|loss| loss.cause == cause).map(|loss| (loss.sid, loss.count)).collect()
}

fn sum(sids: &BySid) -> u64 {
    sids.values().sum()
}

/// Segments of a few batches.
fn roomy() -> SpoolConfig {
    SpoolConfig { segment_bytes: 4_000, ..small() }
}

/// The same, with room for three of them.
fn tight() -> SpoolConfig {
    SpoolConfig { bytes_max: 12_000, ..roomy() }
}

#[test]
fn a_full_spool_loses_alerts_by_their_signatures() {
    let mut spool = open(FaultyDisk::default(), tight(), "one");
    for number in 0..40 {
        spool.leave_alerts(&[1, 2 + number % 2]);
    }
    let lost = lost(&spool.tally.losses(), AlertDrop::SpoolFull);
    let left = spool.waiting();
    assert_eq!(lost.keys().copied().collect::<Vec<_>>(), [1, 2, 3], "{lost:?}");
    for (sid, raised) in [(1, 40), (2, 20), (3, 20)] {
        assert_eq!(lost[&sid] + left[&sid], raised, "{sid}");
    }
    assert_eq!(sum(&lost), spool.tally.dropped(AlertDrop::SpoolFull));
}

#[test]
fn alerts_of_earlier_boots_are_lost_by_their_signatures_in_their_own_ledger() {
    let mut first = open(FaultyDisk::default(), roomy(), "one");
    for _ in 0..20 {
        first.leave_alerts(&[7, 8]);
    }
    let second = open(first.disk.copy(), tight(), "two");
    let lost = lost(&second.recovered.losses(), AlertDrop::SpoolFull);
    assert_eq!(lost[&7], lost[&8]);
    assert_eq!((lost.len(), sum(&lost)), (2, second.lost(AlertDrop::SpoolFull)));
    assert_eq!(second.tally.losses(), []);
    second.recovered_balances();
}

#[test]
fn what_is_on_its_way_when_its_segment_goes_keeps_its_signatures() {
    let mut spool = open(FaultyDisk::default(), tight(), "one");
    let numbers: Vec<u64> = (10..50).map(|sid| spool.put_alerts(&[sid])).collect();
    assert_eq!(spool.tally.losses(), [], "it may yet arrive");
    assert!(spool.store.entry(numbers[2]).is_none(), "its segment has gone");
    spool.store.undelivered(numbers[0]);
    spool.store.delivered(numbers[1], Outcome::Dropped(AlertDrop::PublishFailed));
    spool.store.delivered(numbers[2], Outcome::Acknowledged);
    let losses = spool.tally.losses();
    assert_eq!(lost(&losses, AlertDrop::SpoolFull), BySid::from([(10, 1)]));
    assert_eq!(lost(&losses, AlertDrop::PublishFailed), BySid::from([(11, 1)]));
    assert_eq!(losses.len(), 2);
}

#[test]
fn a_batch_that_no_server_takes_is_lost_by_its_signatures() {
    let mut spool = open(FaultyDisk::default(), roomy(), "one");
    let number = spool.put_alerts(&[5, 5, 6]);
    spool.store.delivered(number, Outcome::Dropped(AlertDrop::PublishFailed));
    spool.store.document(spool.now);
    let lost = lost(&spool.tally.losses(), AlertDrop::PublishFailed);
    assert_eq!(lost, BySid::from([(5, 2), (6, 1)]));
}

#[test]
fn what_is_damaged_is_lost_as_unknown() {
    let mut spool = open(FaultyDisk::default(), roomy(), "one");
    spool.leave_alerts(&[5, 6]);
    spool.leave_alerts(&[7]);
    let damage = |disk: &FaultyDisk| {
        // The last byte of the first record's payload.
        let end = spool.store.segments[0].entries()[1].offset as usize;
        disk.edit(&disk.names(".seg")[0], |bytes| bytes[end - 1] ^= 1);
    };
    let copy = spool.disk.copy();
    damage(&copy);
    damage(&spool.disk);
    spool.read_back_all();
    let losses = spool.tally.losses();
    assert_eq!(lost(&losses, AlertDrop::SpoolCorrupt), BySid::from([(0, 2)]));
    assert_eq!((losses.len(), losses[0].signature()), (1, Loss::UNKNOWN.to_owned()));
    let mut next = open(copy, roomy(), "two");
    next.read_back_all();
    let lost = lost(&next.recovered.losses(), AlertDrop::SpoolCorrupt);
    assert_eq!(lost, BySid::from([(0, 2)]));
    next.recovered_balances();
}

#[test]
fn reading_what_is_lost_is_bounded_and_a_disk_that_fails_is_asked_once() {
    let batches = 3;
    let lose = |prepare: &dyn Fn(&mut Fixture)| {
        let mut spool = open(FaultyDisk::default(), roomy(), "one");
        for _ in 0..batches {
            spool.leave_alerts(&[9]);
        }
        assert_eq!(spool.store.segments.len(), 1, "all in one segment");
        prepare(&mut spool);
        spool.store.lose(0);
        let lost = lost(&spool.tally.losses(), AlertDrop::SpoolFull);
        (lost, spool.counters.write_errors.get())
    };
    assert_eq!(lose(&|_| {}), (BySid::from([(9, 3)]), 0));
    let record = |spool: &Fixture| u64::from(spool.store.segments[0].entries()[0].bytes);
    let bounded = lose(&|spool| spool.store.named_bytes_max = 3 * record(spool) - 1);
    assert_eq!(bounded, (BySid::from([(0, 1), (9, 2)]), 0));
    let failing = lose(&|spool| {
        spool.disk.faults.lock().unwrap().plan(0, io::ErrorKind::Other, usize::MAX);
    });
    assert_eq!(failing, (BySid::from([(0, 3)]), 1));
}

/// What happens to a spool that has too little room.
#[derive(Clone, Debug)]
enum Event {
    /// A batch with alerts of these signatures, which is on its way then.
    Put(Vec<u32>),
    /// The record arrives, can never arrive, or did not arrive.
    Deliver(prop::sample::Index),
    Fail(prop::sample::Index),
    Undeliver(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>();
    prop_oneof![
        5 => prop::collection::vec(1..6_u32, 1..4).prop_map(Event::Put),
        1 => index.prop_map(Event::Deliver),
        1 => any::<prop::sample::Index>().prop_map(Event::Fail),
        3 => any::<prop::sample::Index>().prop_map(Event::Undeliver),
    ]
}

proptest! {
    #[test]
    fn every_alert_of_every_signature_is_delivered_held_or_lost(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut spool = open(FaultyDisk::default(), tight(), "one");
        let (mut put, mut delivered, mut failed) = (BySid::new(), BySid::new(), BySid::new());
        // On their way, by number.
        let mut on_its_way = BTreeMap::<u64, Vec<u32>>::new();
        let count = |sums: &mut BySid, sids: &[u32]| {
            sids.iter().for_each(|sid| *sums.entry(*sid).or_default() += 1);
        };
        for event in events {
            let numbers: Vec<u64> = on_its_way.keys().copied().collect();
            match event {
                Event::Put(sids) => {
                    count(&mut put, &sids);
                    on_its_way.insert(spool.put_alerts(&sids), sids);
                }
                _ if numbers.is_empty() => {}
                Event::Deliver(index) => {
                    let number = *index.get(&numbers);
                    count(&mut delivered, &on_its_way.remove(&number).unwrap());
                    spool.deliver(number);
                }
                Event::Fail(index) => {
                    let number = *index.get(&numbers);
                    count(&mut failed, &on_its_way.remove(&number).unwrap());
                    spool.store.delivered(number, Outcome::Dropped(AlertDrop::PublishFailed));
                    spool.store.document(spool.now);
                }
                Event::Undeliver(index) => {
                    let number = *index.get(&numbers);
                    on_its_way.remove(&number);
                    spool.store.undelivered(number);
                }
            }
        }
        for number in on_its_way.into_keys() {
            spool.store.undelivered(number);
        }
        let losses = spool.tally.losses();
        prop_assert_eq!(&lost(&losses, AlertDrop::PublishFailed), &failed);
        let mut ended = lost(&losses, AlertDrop::SpoolFull);
        for sums in [delivered, failed, spool.waiting()] {
            sums.into_iter().for_each(|(sid, alerts)| *ended.entry(sid).or_default() += alerts);
        }
        prop_assert_eq!(ended, put);
    }
}
