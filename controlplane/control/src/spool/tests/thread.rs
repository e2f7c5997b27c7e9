//! The thread, on a real directory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contract::crash;

use crate::config::{Fsync, SpoolConfig};
use crate::delivery::{Intake, Lanes};
use crate::spool::SpoolDirectory;
use crate::spool::testing::{TestLanes, batch, start};
use crate::tally::{Outcome, Tally};
use crate::testing::eventually;

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn two_boots_deliver_what_the_first_has_left() {
    for fsync in [Fsync::Never, Fsync::Interval, Fsync::Batch] {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().join("a/b"));
        let config = SpoolConfig { path, fsync, fsync_interval_ms: 10, ..SpoolConfig::default() };
        let (lanes, tally) = (TestLanes::new(usize::MAX), Tally::new());
        lanes.down.store(true, Ordering::Relaxed);
        let shown: Arc<dyn Lanes> = Arc::clone(&lanes) as _;
        let (intake, handle) = start(&config, "one", &shown, &tally).unwrap();
        for number in 0..50 {
            intake.take(batch(&tally, number % 2, 2, &[number as u8; 5_000]));
        }
        drop(intake);
        eventually(LIMIT, || handle.is_finished());
        assert_eq!((tally.spooled(), tally.in_flight()), (100, 0));
        lanes.down.store(false, Ordering::Relaxed);
        let tally = Tally::new();
        let (intake, handle) = start(&config, "two", &shown, &tally).unwrap();
        let mut first_bytes = Vec::new();
        eventually(LIMIT, || {
            for batch in lanes.take() {
                assert!(batch.replay);
                first_bytes.push(batch.payload[0]);
                batch.duty.delivered(Outcome::Acknowledged);
            }
            let recovered = handle.control().view().recovered;
            assert_eq!(recovered.found, 100);
            recovered.acknowledged == 100
        });
        first_bytes.sort_unstable();
        assert_eq!(first_bytes, (0..50).collect::<Vec<u8>>());
        assert_eq!((tally.acknowledged(), tally.spooled()), (0, 0), "a ledger of their own");
        drop(intake);
        eventually(LIMIT, || handle.is_finished());
        let left: Vec<_> = std::fs::read_dir(folder.path().join("a/b"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["lock"]);
    }
}

#[test]
fn the_ledger_of_a_boot_is_closed_by_itself_or_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let config = SpoolConfig { path: Some(folder.path().into()), ..SpoolConfig::default() };
    let lanes = TestLanes::new(usize::MAX);
    let shown: Arc<dyn Lanes> = Arc::clone(&lanes) as _;
    for (boot, crashes) in [("one", true), ("two", false), ("three", false)] {
        let directory = SpoolDirectory::lock(&config).unwrap().unwrap();
        let page = directory.page(boot, 1).unwrap();
        crash::begin(&page, 1);
        let tally = Tally::on(&page);
        let started = crate::spool::start(directory, &config, boot, &shown, 2, &tally);
        let (intake, handle) = started.unwrap();
        // Ten are raised; six come to the control plane, and three of these are delivered.
        page.cell(crash::raised(0)).store(10, Ordering::Relaxed);
        intake.take(batch(&tally, 0, 3, b"delivered"));
        intake.take(batch(&tally, 1, 3, b"left in the spool"));
        eventually(LIMIT, || tally.spooled() == 6);
        drop(intake);
        eventually(LIMIT, || {
            for batch in lanes.take() {
                if &batch.payload[..] == b"delivered" {
                    batch.duty.delivered(Outcome::Acknowledged);
                }
            }
            handle.is_finished()
        });
        if boot == "three" {
            let previous = handle.control().view().previous_boots;
            let terms: Vec<_> = previous
                .iter()
                .map(|l| {
                    (&*l.boot, l.crashed, l.raised, l.acknowledged, l.spooled, l.lost_at_crash)
                })
                .collect();
            assert_eq!(terms, [("two", false, 10, 3, 3, 4), ("one", true, 10, 3, 3, 4)]);
        }
        if !crashes {
            handle.close_ledger();
        }
    }
}

/// `SPOOL_TEST_RATE=1 cargo test --release -p control --lib appends -- --nocapture` prints what a disk
/// takes.
#[test]
fn appends_at_the_rate_that_the_disk_takes() {
    let measure = std::env::var_os("SPOOL_TEST_RATE").is_some();
    let batches: u32 = if measure { 4_000 } else { 40 };
    for fsync in [Fsync::Never, Fsync::Interval, Fsync::Batch] {
        let folder = tempfile::tempdir().unwrap();
        let config =
            SpoolConfig { path: Some(folder.path().into()), fsync, ..SpoolConfig::default() };
        let (lanes, tally) = (TestLanes::new(usize::MAX), Tally::new());
        let shown: Arc<dyn Lanes> = Arc::clone(&lanes) as _;
        let (intake, handle) = start(&config, "one", &shown, &tally).unwrap();
        let mut template = batch(&tally, 0, 1, &vec![7; 256 << 10]);
        let payload = std::mem::take(&mut template.payload);
        drop(template);
        let (begin, mut longest) = (Instant::now(), Duration::ZERO);
        for _ in 0..batches {
            let mut batch = batch(&tally, 0, 1, b"");
            batch.payload = payload.clone();
            // As many as fit the queue: the drain does not wait, but this wants to know the disk's rate.
            while handle.control().view().queued_bytes > 8 << 20 {
                std::thread::yield_now();
            }
            let start = Instant::now();
            intake.take(batch);
            longest = longest.max(start.elapsed());
            lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        }
        drop((intake, shown));
        eventually(Duration::from_secs(60), || {
            lanes.take().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
            handle.is_finished()
        });
        let took = begin.elapsed();
        let view = handle.control().view();
        assert_eq!((view.appended, view.bypassed, view.write_errors), (batches.into(), 0, 0));
        assert_eq!(tally.acknowledged(), u64::from(batches));
        if measure {
            let mb_per_s = view.appended_bytes as f64 / took.as_secs_f64() / 1e6;
            let us = took.as_secs_f64() * 1e6 / f64::from(batches);
            println!(
                "{fsync:?}: {mb_per_s:.0} MB/s, {us:.0} us a batch of 256 KiB, handed over in at most {longest:?}"
            );
        }
    }
}
