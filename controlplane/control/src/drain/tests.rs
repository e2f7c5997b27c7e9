//! What is in the rings comes out once; what cannot be read is counted; switches are noted.

use std::sync::Arc;

use contract::record::{PacketFacts, RECORD_SLOTS_MAX, SLOT_BYTES, encode_tuple};
use contract::{AlertDrop, FieldKind, Header, Kind, RecordBuilder, Slot, WorkerCounters};
use ring::{RecordProducer, record_ring};

use super::{AlertSink, Drain};
use crate::alert::{Alert, AlertView, Enricher};
use crate::registry::{GenerationText, Registry, RegistryReader};
use crate::stats::alert_ledger;
use crate::tally::{Claim, Outcome, Tally, Ticket};
use crate::testing::{alert, rule};
use crate::worker::DrainProgress;

#[derive(Default)]
struct Kept(Vec<(Alert, Ticket)>);

impl AlertSink for Kept {
    fn alert(&mut self, alert: &AlertView<'_>, claim: Claim<'_>) {
        self.0.push((alert.to_alert(), claim.ticket()));
    }
}

struct Bench {
    drain: Drain<Kept>,
    rings: [RecordProducer; 3],
    counters: Arc<WorkerCounters>,
    progress: Arc<DrainProgress>,
    tally: Arc<Tally>,
    slots: Vec<Slot>,
}

impl Bench {
    fn new() -> Self {
        let registry = Arc::new(Registry::default());
        registry.insert(GenerationText::new(1, [&rule(10, 1), &rule(11, 2)]));
        let tally = Tally::new();
        let enricher = Enricher::new(RegistryReader::new(registry), &["eth7".into()]);
        let mut drain = Drain::new(enricher, Arc::clone(&tally), Kept::default());
        let rings = [0; 3].map(record_ring);
        let [(a, x), (b, y), (c, z)] = rings;
        let counters = Arc::new(WorkerCounters::default());
        let progress = drain.attach(Arc::clone(&counters), [x, y, z]);
        let slots = vec![[0; SLOT_BYTES]; RECORD_SLOTS_MAX];
        Self { drain, rings: [a, b, c], counters, progress, tally, slots }
    }

    fn push(&mut self, lane: usize, header: Header) {
        let model = alert(10, 1);
        let mut builder = RecordBuilder::new(&mut self.slots);
        if header.kind == Kind::Alert {
            self.counters.raised.increment();
            let facts = PacketFacts { wire_length: 60, ..PacketFacts::default() };
            builder
                .field(FieldKind::Tuple, &encode_tuple(&model.tuple.expect("a tuple")))
                .field(FieldKind::Packet, &facts.encode())
                .field(FieldKind::Payload, b"payload");
        }
        self.rings[lane].push(builder.finish(header)).expect("room");
    }

    fn assert_ledger(&self, in_flight: u64) {
        let workers = std::iter::once((&*self.counters, &*self.progress));
        let ledger = alert_ledger(workers, &self.tally);
        assert_eq!((ledger.imbalance(), ledger.in_flight), (0, in_flight), "{ledger:?}");
    }
}

fn header(kind: Kind, generation: u32, signature: u32, sequence: u64) -> Header {
    Header { kind, generation, signature, sequence, ..alert(10, 1).header }
}

#[test]
fn an_alert_comes_out_with_its_rule() {
    let mut bench = Bench::new();
    bench.push(0, header(Kind::Alert, 1, 1, 1));
    bench.assert_ledger(1);
    assert!(bench.drain.poll());
    let (alert, ticket) = bench.drain.sink_mut().0.pop().expect("an alert");
    assert_eq!((alert.signature.sid, &*alert.in_iface), (11, "eth7"));
    assert_eq!((&*alert.payload, alert.payload_sha256), (&b"payload"[..], None));
    bench.assert_ledger(1);
    ticket.end(Outcome::Written);
    assert!(!bench.drain.poll());
    bench.assert_ledger(0);
}

#[test]
fn what_names_no_live_signature_is_counted() {
    let mut bench = Bench::new();
    bench.push(0, header(Kind::Alert, 2, 0, 1));
    bench.push(0, header(Kind::Alert, 1, 2, 2));
    bench.drain.poll();
    assert_eq!(bench.tally.dropped(AlertDrop::BadRecord), 2);
    bench.assert_ledger(0);
}

#[test]
fn a_damaged_record_is_one_alert_however_many_slots_it_has() {
    let mut bench = Bench::new();
    bench.counters.raised.increment();
    bench.rings[0].push(&[[0xEE; SLOT_BYTES]; 3]).expect("room");
    bench.push(0, header(Kind::Alert, 1, 0, 2));
    bench.drain.poll();
    assert_eq!(bench.tally.dropped(AlertDrop::BadRecord), 1);
    assert_eq!(bench.progress.bad_slots.get(), 3);
    assert_eq!(bench.drain.sink_mut().0.len(), 1);
    bench.assert_ledger(1);
}

#[test]
fn gaps_between_sequences_are_counted() {
    let mut bench = Bench::new();
    for sequence in [1, 2, 5, 6, 10] {
        bench.push(0, header(Kind::Alert, 1, 0, sequence));
    }
    bench.counters.raised.add(5);
    for _ in 0..5 {
        bench.counters.drop_alert(AlertDrop::RingFull);
    }
    bench.drain.poll();
    assert_eq!(bench.progress.sequence_gaps.get(), 5);
    bench.assert_ledger(5);
}

#[test]
fn an_alert_that_is_lost_in_a_ring_shows() {
    let mut bench = Bench::new();
    bench.push(0, header(Kind::Alert, 1, 0, 1));
    bench.counters.raised.increment();
    bench.drain.poll();
    bench.drain.sink_mut().0.clear();
    bench.drain.poll();
    let workers = std::iter::once((&*bench.counters, &*bench.progress));
    assert_eq!(alert_ledger(workers, &bench.tally).imbalance(), 1);
}

#[test]
fn a_switch_is_passed_when_every_lane_has_had_it() {
    let mut bench = Bench::new();
    for lane in 0..3 {
        assert!(!bench.progress.has_passed(2));
        bench.push(lane, header(Kind::Switch, 2, 0, 0));
        bench.drain.poll();
    }
    assert!(bench.progress.has_passed(2) && !bench.progress.has_passed(3));
}

#[test]
fn a_flood_in_one_lane_lets_the_others_through() {
    let mut bench = Bench::new();
    for sequence in 1..=300 {
        bench.push(0, header(Kind::Alert, 1, 0, sequence));
    }
    bench.push(1, header(Kind::Switch, 2, 0, 0));
    bench.drain.poll();
    assert_eq!(bench.drain.sink_mut().0.len(), super::RECORDS_PER_TURN);
    bench.assert_ledger(300);
    assert_eq!(bench.progress.switched[1].load(std::sync::atomic::Ordering::Relaxed), 2);
}
