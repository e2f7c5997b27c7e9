//! What goes in comes out in batches: by lane and severity, in order, in time, within the limit, and with
//! every ticket ended once.

mod clock_steps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use alert_schema::{BATCH_BYTES_MAX, Batch};
use contract::AlertDrop;
use proptest::prelude::*;

use super::{Batcher, BatcherParts, DrainLatency, OPEN_MAX, batch_limit, lane_of};
use crate::SensorIdentity;
use crate::alert::Alert;
use crate::delivery::{Intake, Outgoing};
use crate::registry::SignatureText;
use crate::stats::LatencyView;
use crate::tally::{Loss, Outcome, Tally};
use crate::testing::{alert, rule, view};
use crate::time::Clock;

const WINDOW_NS: u64 = 2_000_000;
/// What the wall clock shows until a test moves it.
const WALL_NS: u64 = 1_700_000_000_000_000_000;

/// Keeps what it is given.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Outgoing>>>);

impl Intake for Kept {
    fn take(&self, batch: Outgoing) {
        self.0.lock().unwrap().push(batch);
    }
}

struct Bench {
    batcher: Batcher,
    kept: Kept,
    tally: Arc<Tally>,
    clock: Clock,
    mock: Arc<quanta::Mock>,
    wall_ns: Arc<AtomicU64>,
    latency: Arc<DrainLatency>,
    sequence: u64,
}

impl Bench {
    fn new(lanes: u16, bytes_max: usize) -> Self {
        let (kept, (clock, mock)) = (Kept::default(), Clock::mock());
        let wall_ns = Arc::new(AtomicU64::new(WALL_NS));
        let clock = clock.with_wall(&wall_ns);
        let latency = Arc::new(DrainLatency::default());
        let limit = batch_limit();
        limit.fetch_min(bytes_max, Ordering::Relaxed);
        let identity =
            SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b00t".into() };
        let batcher = Batcher::new(BatcherParts {
            identity,
            lanes,
            window_ns: WINDOW_NS,
            bytes_max: limit,
            clock: clock.clone(),
            latency: Arc::clone(&latency),
            next: Box::new(kept.clone()),
        });
        mock.increment(10 * WINDOW_NS);
        Self { batcher, kept, tally: Tally::new(), clock, mock, wall_ns, latency, sequence: 0 }
    }

    fn push(&mut self, severity: u8, change: impl FnOnce(&mut Alert)) {
        self.sequence += 1;
        let mut alert = alert(u32::from(severity), severity);
        alert.header.sequence = self.sequence;
        alert.header.rx_ns = 1_000 + self.sequence;
        change(&mut alert);
        let claim = self.tally.claim().of(alert.signature.gid, alert.signature.sid);
        self.batcher.push(&view(&alert), self.clock.now_ns(), claim);
    }

    fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.kept.0.lock().unwrap())
    }

    /// Ends a round; how many batches went out by it.
    fn round(&mut self) -> usize {
        self.batcher.round_ended();
        let batches = self.take();
        let count = batches.len();
        batches.into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        count
    }
}

/// Sequences of the alerts of `batch`, which must be what it says of itself.
fn sequences(batch: &Outgoing) -> Vec<u64> {
    let message = Batch::decode(&batch.payload).expect("a batch");
    let head = message.head();
    assert_eq!((head.site, head.sensor, head.boot), ("lab", "s1", "b00t"));
    assert_eq!(batch.id, format!("s1.b00t.{}.{}", head.lane, head.sequence));
    assert_eq!((head.lane, batch.alerts as usize), (batch.lane, message.len()));
    let mut sequences = Vec::new();
    for (alert, received_ns) in message.alerts().zip(&batch.received_ns) {
        let alert = alert.expect("an alert");
        assert_eq!(batch.subject, format!("sensor.lab.s1.alert.{}", alert.signature.severity));
        assert_eq!(*received_ns, 1_000 + alert.header.sequence);
        sequences.push(alert.header.sequence);
    }
    assert_eq!(sequences.len(), batch.received_ns.len());
    sequences
}

#[test]
fn flows_spread_over_the_lanes() {
    for step in [1, 1 << 16, 1 << 40] {
        let mut counts = [0; 4];
        for flow in 0..4_000 {
            counts[lane_of(flow * step, 4)] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{step}: {counts:?}");
    }
    assert_eq!(lane_of(u64::MAX, 1), 0);
}

#[test]
fn an_alert_after_a_quiet_time_goes_at_once_and_under_load_once_a_window() {
    let mut bench = Bench::new(1, BATCH_BYTES_MAX);
    assert_eq!(bench.round(), 0);
    bench.push(1, |_| {});
    assert_eq!(bench.round(), 1, "an idle lane does not wait");
    bench.push(1, |_| {});
    bench.mock.increment(WINDOW_NS - 1);
    assert_eq!(bench.round(), 0, "the window has not ended");
    bench.push(1, |_| {});
    bench.mock.increment(1);
    assert_eq!(bench.round(), 1, "two alerts, one batch");
    assert_eq!((bench.tally.acknowledged(), bench.tally.in_flight()), (3, 0));
    bench.mock.increment(WINDOW_NS);
    bench.push(2, |_| {});
    assert_eq!(bench.round(), 1);
    assert_eq!(LatencyView::of(&bench.latency.batching).max, WINDOW_NS);
}

#[test]
fn a_lane_does_not_wait_for_the_window_of_another() {
    let mut bench = Bench::new(2, BATCH_BYTES_MAX);
    let flows = [0, 1].map(|lane| (0..).find(|flow| lane_of(*flow, 2) == lane).unwrap());
    bench.push(1, |alert| alert.header.flow = flows[0]);
    assert_eq!(bench.round(), 1);
    bench.push(1, |alert| alert.header.flow = flows[0]);
    bench.push(1, |alert| alert.header.flow = flows[1]);
    bench.batcher.round_ended();
    let out = bench.take();
    assert_eq!(
        out.iter().map(|batch| (batch.lane, &*batch.id)).collect::<Vec<_>>(),
        [(1, "s1.b00t.1.1")]
    );
}

#[test]
fn severities_are_kept_apart_and_share_their_lanes_numbers() {
    let mut bench = Bench::new(1, BATCH_BYTES_MAX);
    for severity in [3, 1, 3, 2, 1] {
        bench.push(severity, |_| {});
    }
    bench.batcher.round_ended();
    let out = bench.take();
    let read: Vec<_> = out.iter().map(|batch| (&*batch.id, sequences(batch))).collect();
    let wanted =
        [("s1.b00t.0.1", vec![1, 3]), ("s1.b00t.0.2", vec![2, 5]), ("s1.b00t.0.3", vec![4])];
    assert_eq!(read, wanted);
}

#[test]
fn every_severity_there_can_be_takes_no_more_than_its_turn() {
    let mut bench = Bench::new(1, BATCH_BYTES_MAX);
    for severity in 1..=255 {
        bench.push(severity, |_| {});
    }
    assert_eq!(bench.batcher.lanes[0].open.len(), OPEN_MAX);
    bench.batcher.close_every_batch();
    let out = bench.take();
    assert_eq!(out.iter().flat_map(sequences).collect::<Vec<_>>(), (1..=255).collect::<Vec<_>>());
    assert!(bench.batcher.spare.len() <= super::SPARE_MAX);
}

#[test]
fn a_full_batch_goes_before_its_window_ends() {
    let mut bench = Bench::new(1, 4_000);
    for _ in 0..20 {
        bench.push(1, |alert| alert.payload = vec![0x5A; 1_000].into());
    }
    let full = bench.take();
    assert!(full.len() > 5, "{} batches", full.len());
    bench.batcher.close_every_batch();
    let all: Vec<_> = full.into_iter().chain(bench.take()).collect();
    assert!(all.iter().all(|batch| batch.payload.len() <= 4_000));
    assert_eq!(all.iter().flat_map(sequences).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[test]
fn a_limit_that_is_learnt_later_holds_for_the_next_batch() {
    let mut bench = Bench::new(1, BATCH_BYTES_MAX);
    let large = |alert: &mut Alert| alert.payload = vec![0; 5_000].into();
    bench.push(1, large);
    bench.batcher.bytes_max.store(4_000, Ordering::Relaxed);
    bench.push(1, large);
    assert_eq!(bench.round(), 1);
    assert_eq!(bench.tally.acknowledged(), 2);
    bench.mock.increment(WINDOW_NS);
    bench.push(1, large);
    assert_eq!(bench.round(), 0, "nothing is in the batch that was opened");
    assert_eq!(bench.tally.dropped(AlertDrop::PublishFailed), 1);
    bench.mock.increment(WINDOW_NS);
    bench.push(1, |_| {});
    bench.batcher.round_ended();
    assert_eq!(bench.take()[0].id, "s1.b00t.0.2", "numbers have no gap");
}

#[test]
fn a_lost_batch_is_counted_by_signature() {
    let mut bench = Bench::new(1, BATCH_BYTES_MAX);
    for sid in [7, 8, 7, 7] {
        let text = Arc::new(SignatureText::of(&rule(sid, 1)));
        bench.push(1, |alert| alert.signature = text);
    }
    bench.batcher.close_every_batch();
    bench.take().into_iter().for_each(|batch| batch.lost(AlertDrop::LaneFull));
    let loss = |sid, count| Loss { gid: 1, sid, cause: AlertDrop::LaneFull, count };
    assert_eq!(bench.tally.losses(), [loss(7, 3), loss(8, 1)]);
    assert_eq!((bench.tally.dropped(AlertDrop::LaneFull), bench.tally.in_flight()), (4, 0));
}

#[test]
fn what_is_open_when_the_batcher_goes_is_lost_at_shutdown() {
    let mut bench = Bench::new(4, BATCH_BYTES_MAX);
    for flow in 0..50 {
        bench.push(1, |alert| alert.header.flow = flow);
    }
    let Bench { batcher, tally, .. } = bench;
    drop(batcher);
    assert_eq!((tally.dropped(AlertDrop::Shutdown), tally.in_flight()), (50, 0));
}

/// Severity, flow, bytes of payload, time that passes, and whether the round ends.
fn any_step() -> impl Strategy<Value = (u8, u64, usize, u64, bool)> {
    (1_u8..30, 0_u64..6, 0_usize..3_000, 0..WINDOW_NS, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn alerts_in_are_alerts_out(
        steps in prop::collection::vec(any_step(), 0..200),
        lanes in 1_u16..5,
        bytes_max in 3_000_usize..20_000,
    ) {
        let mut bench = Bench::new(lanes, bytes_max);
        let mut wanted: BTreeMap<(usize, u8), Vec<u64>> = BTreeMap::new();
        let mut lost = 0;
        for (severity, flow, bytes, passes, ends) in steps {
            let before = bench.tally.dropped(AlertDrop::PublishFailed);
            bench.push(severity, |alert| {
                alert.header.flow = flow;
                alert.payload = vec![severity; bytes].into();
            });
            let dropped = bench.tally.dropped(AlertDrop::PublishFailed) - before;
            lost += dropped;
            if dropped == 0 {
                let lane = lane_of(flow, usize::from(lanes));
                wanted.entry((lane, severity)).or_default().push(bench.sequence);
            }
            bench.mock.increment(passes);
            if ends {
                bench.batcher.round_ended();
            }
        }
        bench.batcher.close_every_batch();
        let mut read: BTreeMap<(usize, u8), Vec<u64>> = BTreeMap::new();
        let mut numbers: BTreeMap<u16, u64> = BTreeMap::new();
        for batch in bench.take() {
            prop_assert!(batch.payload.len() <= bytes_max);
            let number = numbers.entry(batch.lane).or_default();
            *number += 1;
            prop_assert_eq!(&batch.id, &format!("s1.b00t.{}.{}", batch.lane, number));
            let severity = batch.subject.rsplit('.').next().unwrap().parse().unwrap();
            let list = read.entry((batch.lane.into(), severity)).or_default();
            list.extend(sequences(&batch));
            batch.duty.delivered(Outcome::Acknowledged);
        }
        prop_assert_eq!(read, wanted);
        let acknowledged = bench.tally.acknowledged();
        prop_assert_eq!((acknowledged + lost, bench.tally.in_flight()), (bench.sequence, 0));
        prop_assert_eq!(LatencyView::of(&bench.latency.batching).count, acknowledged);
    }
}
