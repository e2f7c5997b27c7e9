//! A file system that is really full.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::mounted::on_disk_of_its_own;
use crate::config::SpoolConfig;
use crate::delivery::{Intake, Lanes};
use crate::spool::testing::{TestLanes, batch, start};
use crate::tally::{Outcome, Tally};
use crate::testing::eventually;

const NAME: &str = "spool::tests::disk_full::a_full_disk_costs_nothing_but_the_spool";
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_full_disk_costs_nothing_but_the_spool() {
    on_disk_of_its_own(NAME, "3m", on_small_disk);
}

fn on_small_disk(path: &Path) {
    let config = SpoolConfig {
        path: Some(path.join("spool")),
        segment_bytes: 1 << 20,
        ..SpoolConfig::default()
    };
    let (lanes, tally) = (TestLanes::new(usize::MAX), Tally::new());
    lanes.down.store(true, Ordering::Relaxed);
    let shown: Arc<dyn Lanes> = Arc::clone(&lanes) as _;
    let (intake, handle) = start(&config, "one", &shown, &tally).unwrap();
    for _ in 0..40 {
        intake.take(batch(&tally, 0, 1, &[7; 200_000]));
    }
    eventually(LIMIT, || tally.spooled() + lanes.queue.lock().unwrap().len() as u64 == 40);
    let view = handle.control().view();
    assert_eq!(view.state, "failing");
    assert!((10..=15).contains(&tally.spooled()), "{} fit", tally.spooled());
    assert_eq!(view.bypassed, 40 - tally.spooled());
    lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
    // What fits is delivered, which makes room again.
    lanes.down.store(false, Ordering::Relaxed);
    eventually(LIMIT, || {
        lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        tally.acknowledged() == 40
    });
    eventually(LIMIT, || {
        intake.take(batch(&tally, 0, 1, &[7; 200_000]));
        lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        handle.control().view().state == "ok"
    });
    drop((intake, shown));
    eventually(LIMIT, || {
        lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        handle.is_finished()
    });
    assert_eq!((tally.spooled(), tally.in_flight()), (0, 0));
}
