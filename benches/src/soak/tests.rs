//! What passes for a good run, and what does not.

use std::collections::BTreeMap;

use contract::AlertLedger;
use control::stats::{AlertLedgerView, ClosedBoot};

use super::{Ids, Outcome, Resident};

/// An outcome of 100 alerts, of which `arrived` came and the ledger names `drops` as lost.
fn outcome(arrived: u64, cause: &'static str, drops: u64) -> Outcome {
    let mut ledger = AlertLedgerView::from(&AlertLedger::default());
    ledger.raised = 100;
    ledger.acknowledged = 100 - drops;
    ledger.drops.insert(cause, drops);
    let mut ids = Ids::new(200);
    (1..=arrived).for_each(|sequence| ids.mark(sequence));
    let resident = Resident::of((0..20).map(|_| 100 << 20));
    Outcome {
        asked_per_s: 50,
        raised_per_s: 50.0,
        closed: ClosedBoot {
            boot: "b".into(),
            crashed: false,
            closed_s: 1,
            raised: ledger.raised,
            acknowledged: ledger.acknowledged,
            sent: 0,
            written: 0,
            spooled: 0,
            drops: BTreeMap::from([(cause.to_owned(), drops)]),
            lost_at_crash: 0,
        },
        ledger,
        packets_unaccounted: 0,
        ids,
        resident,
        latencies: Vec::new(),
    }
}

#[test]
fn a_loss_is_a_failure_and_an_overload_is_one_on_a_machine_of_its_own() {
    let fails = |outcome: &Outcome, shared| outcome.judge(shared).err().map(|e| e.to_string());
    assert_eq!(fails(&outcome(100, "ring_full", 0), false), None);
    assert!(fails(&outcome(99, "ring_full", 0), true).unwrap().contains("Some(100)"));
    assert!(fails(&outcome(90, "ring_full", 10), false).unwrap().contains("ring_full"));
    assert_eq!(fails(&outcome(97, "ring_full", 3), true), None);
    // So many that the run shows nothing.
    assert!(fails(&outcome(90, "ring_full", 10), true).unwrap().contains("10 of 100"));
    assert!(fails(&outcome(90, "publish_failed", 10), true).is_some());
    // The ledger says less than what is missing.
    assert!(fails(&outcome(80, "shed", 3), true).unwrap().contains("20 alerts"));
}

#[test]
fn a_rate_that_is_not_kept_is_a_failure_on_a_machine_of_its_own() {
    let slow = Outcome { raised_per_s: 40.0, ..outcome(100, "shed", 0) };
    assert!(slow.judge(false).unwrap_err().to_string().contains("40/s"));
    assert!(slow.judge(true).is_ok());
}

#[test]
fn a_page_that_says_otherwise_is_a_failure() {
    let mut forgetful = outcome(100, "shed", 0);
    forgetful.closed.raised -= 1;
    assert!(forgetful.judge(true).unwrap_err().to_string().contains("outlives"));
    let mut lossy = outcome(100, "shed", 0);
    lossy.closed.lost_at_crash = 1;
    assert!(lossy.judge(true).is_err());
}

#[test]
fn unaccounted_packets_and_growing_memory_are_failures() {
    let packets = Outcome { packets_unaccounted: 1, ..outcome(100, "shed", 0) };
    assert!(packets.judge(true).is_err());
    let fails = |resident: fn(u64) -> u64| {
        let resident = Resident::of((0..20).map(|sample| resident(sample) << 20));
        Outcome { resident, ..outcome(100, "shed", 0) }.judge(false).is_err()
    };
    assert!(!fails(|sample| 100 + sample));
    assert!(fails(|sample| 100 + 5 * sample));
    // A backlog in bounded queues is no growth; one that is larger than they are is.
    assert!(!fails(|sample| if sample == 15 { 200 } else { 100 }));
    assert!(fails(|sample| if sample == 15 { 300 } else { 100 }));
}
