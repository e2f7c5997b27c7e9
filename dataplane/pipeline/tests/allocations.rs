//! A worker allocates nothing once it is warm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use allocation_counter::{AllocationInfo, measure};
use common::{ethernet, packets, rule_set, settings, wired};
use pipeline::clock::TscClock;
use pipeline::{Step, Worker};
use testkit::Traffic;
use testkit::ledgers::assert_balanced;

#[test]
fn a_warm_worker_does_not_allocate() {
    let rules = rule_set(
        r#"
alert ip any any -> any any (content:"ODD"; nocase; sid:1;)
alert tcp any any -> any any (content:"a"; content:"b"; distance:2; within:40; sid:2;)
alert udp any any -> any any (pcre:"/o[a-z]{1,3}d+/i"; sid:3;)
alert tcp any any -> any any (flags:S; sid:4;)
alert icmp any any -> any any (itype:8; sid:5;)
"#,
    );
    let (seat, mut link) = wired(&settings(1), &rules).pop().unwrap();
    let frames = Traffic::new(9).pattern(b"ODD", 0.3).frames(2_000).into_iter().map(|f| f.bytes);
    let source = ethernet(frames).repeat(20);
    let mut worker = Worker::new(seat, source, TscClock::new());
    let mut scratch = ring::RecordScratch::new();
    let mut alerts = 0_u64;
    let mut turn = |worker: &mut Worker<_, _>| {
        let step = worker.turn().unwrap();
        while link.lanes[0].next(&mut scratch).is_some() {
            alerts += 1;
        }
        step
    };
    // Two passes warm the caches of the regular expressions and the flow table.
    for _ in 0..2 * 2_000 / 32 {
        turn(&mut worker);
    }
    let touched = measure(|| while turn(&mut worker) != Step::Exhausted {});
    assert_eq!(touched, AllocationInfo::default(), "allocations and releases by a warm worker");
    assert!(alerts > 10_000, "{alerts}");
    assert_balanced(&packets(&[link]));
}
