//! The layout, the arithmetic, and cells that are no page.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// A page that was begun for `workers` workers, and then changed.
fn page(workers: u16, cells_changed: &[(usize, u64)]) -> Vec<u64> {
    let page: Vec<_> = (0..cells(workers)).map(|_| AtomicU64::new(0)).collect();
    begin(&page, workers);
    let mut page: Vec<u64> = page.into_iter().map(AtomicU64::into_inner).collect();
    for (index, value) in cells_changed {
        page[*index] = *value;
    }
    page
}

#[test]
fn what_was_on_its_way_is_lost() {
    let cells = page(
        2,
        &[
            (raised(0), 100),
            (lost(0, AlertDrop::RingFull), 7),
            (lost(0, AlertDrop::Shed), 3),
            (raised(1), 50),
            (lost(1, AlertDrop::RingFull), 1),
            (ACKNOWLEDGED, 60),
            (SENT, 5),
            (WRITTEN, 4),
            (SPOOLED, 40),
            (dropped(AlertDrop::SpoolFull), 10),
            (dropped(AlertDrop::RingFull), 0),
        ],
    );
    let mut ledger = CrashLedger::read(&cells).unwrap();
    assert_eq!(ledger.workers.len(), 2);
    assert_eq!((ledger.raised(), ledger.ended(), ledger.lost_at_crash()), (150, 130, 20));
    assert_eq!(ledger.dropped(AlertDrop::RingFull), 8);
    assert_eq!(ledger.dropped(AlertDrop::SpoolFull), 10);
    // The files of the spool have the last word.
    ledger.spooled = 48;
    assert_eq!(ledger.lost_at_crash(), 12);
    ledger.spooled = 61;
    assert_eq!(ledger.lost_at_crash(), 0);
}

#[test]
fn no_cell_has_two_meanings_and_no_line_two_writers() {
    let workers = 3;
    let control = [ACKNOWLEDGED, SENT, WRITTEN, SPOOLED].into_iter();
    let control: Vec<_> = control.chain(AlertDrop::ALL.iter().map(|c| dropped(*c))).collect();
    let mut writers = vec![vec![MAGIC_AT, WORKERS_AT, CAUSES_AT], control];
    for worker in 0..workers {
        let lost = AlertDrop::ALL.iter().map(|cause| lost(worker, *cause));
        writers.push([raised(worker)].into_iter().chain(lost).collect());
    }
    let mut owner = vec![None; cells(workers)];
    for (writer, cells) in writers.iter().enumerate() {
        for cell in cells {
            assert_eq!(owner[*cell].replace(writer), None, "cell {cell}");
        }
    }
    for pair in owner.chunks(PAIR) {
        let mut owners: Vec<_> = pair.iter().flatten().collect();
        owners.dedup();
        assert!(owners.len() <= 1, "{owners:?}");
    }
}

/// Their index is their place in a page that an earlier version has written: only ever append.
#[test]
fn causes_keep_their_place() {
    let names: Vec<_> = AlertDrop::ALL.iter().map(|cause| cause.name()).collect();
    let first = [
        "ring_full",
        "bad_record",
        "lane_full",
        "nats_down",
        "publish_failed",
        "shutdown",
        "shed",
        "spool_full",
        "spool_corrupt",
        "sink_failed",
    ];
    assert_eq!(names[..first.len()], first);
}

#[test]
fn a_page_of_fewer_causes_is_read() {
    let mut cells = vec![0; workers_at(2) + worker_cells(2)];
    cells[..3].copy_from_slice(&[MAGIC, 1, 2]);
    cells[DROPS_AT + 1] = 4;
    cells[workers_at(2)] = 9;
    cells[workers_at(2) + 1] = 3;
    let ledger = CrashLedger::read(&cells).unwrap();
    assert_eq!(ledger.dropped(AlertDrop::RingFull), 3);
    assert_eq!(ledger.dropped(AlertDrop::BadRecord), 4);
    assert_eq!(ledger.lost_at_crash(), 2);
}

#[test]
fn what_is_no_page_says_why() {
    let short = page(1, &[])[..20].to_vec();
    let wanted = cells(1);
    let cases = [
        (vec![], BadPage::NotBegun, "not begun"),
        (vec![0; 64], BadPage::NotBegun, "not begun"),
        (page(1, &[(MAGIC_AT, MAGIC + 1)]), BadPage::Foreign(MAGIC + 1), "another version"),
        (page(1, &[(CAUSES_AT, 999)]), BadPage::Causes(999), "later version"),
        (page(1, &[(WORKERS_AT, 1 << 40)]), BadPage::Workers(1 << 40), "more than there can be"),
        (short, BadPage::Short { cells: 20, wanted }, "20 cells"),
    ];
    for (cells, expected, said) in cases {
        let error = CrashLedger::read(&cells).unwrap_err();
        assert_eq!(error, expected);
        assert!(error.to_string().contains(said), "{error}");
    }
}

proptest! {
    #[test]
    fn any_cells_are_read_or_refused(
        mut cells in prop::collection::vec(any::<u64>(), 0..200),
        workers in 0..8_u64,
        causes in 0..=AlertDrop::COUNT as u64,
        begun: bool,
    ) {
        if begun {
            for (cell, value) in cells.iter_mut().zip([MAGIC, workers, causes]) {
                *cell = value;
            }
        }
        if let Ok(ledger) = CrashLedger::read(&cells) {
            let known = ledger.raised().min(ledger.ended());
            prop_assert_eq!(known.checked_add(ledger.lost_at_crash()), Some(ledger.raised()));
        }
    }
}
