//! A step of the wall clock closes no batch earlier or later; it shows in `closed_ns` and nowhere else.

use super::*;

const HOUR_NS: i64 = 3_600_000_000_000;

/// When a batch was closed on the monotonic clock, its id, and its alerts.
type Closed = (u64, String, Vec<u64>);

/// Batches under a load, the wall clock off by each of `steps` in turn; what each said of the time, beside what
/// the wall clock showed; and the times in open batches.
fn batches(steps: &[i64]) -> (Vec<Closed>, Vec<(u64, u64)>, LatencyView) {
    let mut bench = Bench::new(2, BATCH_BYTES_MAX);
    let (mut closed, mut told) = (Vec::new(), Vec::new());
    for round in 0..100 {
        let wall_ns = WALL_NS.wrapping_add_signed(steps[round % steps.len()]);
        bench.wall_ns.store(wall_ns, Ordering::Relaxed);
        bench.push(1 + round as u8 % 2, |alert| alert.header.flow = round as u64 % 7);
        bench.mock.increment(WINDOW_NS / 5);
        bench.batcher.round_ended();
        for batch in bench.take() {
            told.push((Batch::decode(&batch.payload).unwrap().head().closed_ns, wall_ns));
            closed.push((bench.clock.now_ns(), batch.id.clone(), sequences(&batch)));
            batch.duty.delivered(Outcome::Acknowledged);
        }
    }
    (closed, told, LatencyView::of(&bench.latency.batching))
}

#[test]
fn a_step_of_the_wall_clock_moves_no_window() {
    let (steady, _, latency) = batches(&[0]);
    assert!(steady.len() > 20 && steady.iter().any(|(_, _, alerts)| alerts.len() > 1));
    for steps in [[0, HOUR_NS], [0, -HOUR_NS], [HOUR_NS, -HOUR_NS]] {
        let (stepping, told, stepping_latency) = batches(&steps);
        assert_eq!((stepping, stepping_latency), (steady.clone(), latency), "{steps:?}");
        assert!(told.iter().all(|(closed_ns, wall_ns)| closed_ns == wall_ns), "{told:?}");
    }
}
