//! A file system that is really full.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::config::SpoolConfig;
use crate::delivery::{Intake, Lanes};
use crate::spool::testing::{TestLanes, batch, start};
use crate::tally::{Outcome, Tally};
use crate::testing::eventually;

/// Where the small file system is, for the part of the test that runs on it.
const MOUNTED: &str = "SPOOL_TEST_SMALL_FILE_SYSTEM";
const NAME: &str = "spool::tests::disk_full::a_full_disk_costs_nothing_but_the_spool";
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_full_disk_costs_nothing_but_the_spool() {
    if let Some(path) = std::env::var_os(MOUNTED) {
        return on_small_disk(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    // The mount is seen by this process and its children only, and ends with them.
    let script = r#"mount -t tmpfs -o size=3m spool "$1" || exit 77; exec "$2" --exact "$3""#;
    let status = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .arg(NAME)
        .env(MOUNTED, directory.path())
        .status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(1 | 77)) if !may_mount() => println!("SKIPPED: mounting needs a privileged user"),
        other => panic!("the test on a small file system: {other:?}"),
    }
}

fn may_mount() -> bool {
    Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success())
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
