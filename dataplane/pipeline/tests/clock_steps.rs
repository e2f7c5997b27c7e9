//! A step of the wall clock, an hour forward or back, moves no timer of a worker: the same packets at the same
//! monotonic times give the same flows, datagrams and numbers, and only the times that people read follow it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use common::{ethernet, packets, rule_set, settings};
use contract::record::FlowFacts;
use contract::{FieldKind, Header, WallOffset};
use detect::Generation;
use pipeline::clock::{Clock as _, ManualClock};
use pipeline::{Step, Worker, wire};
use ring::RecordScratch;
use testkit::Packet;
use testkit::ledgers::assert_balanced;

const RULES: &str = r#"alert udp any any -> any 514 (msg:"mark"; content:"MARK"; sid:1;)"#;
const S_NS: u64 = 1_000_000_000;
const HOUR_NS: i64 = 3_600 * S_NS as i64;
/// Headers before a datagram's data.
const ETHERNET_BYTES: usize = 14;
const IPV4_BYTES: usize = 20;
/// Wall time of the monotonic zero: some day of 2023.
const EPOCH_NS: i64 = 1_700_000_000 * S_NS as i64;

/// What a worker has done with [`scene`].
#[derive(Debug)]
struct Outcome {
    alerts: Vec<(Header, FlowFacts)>,
    /// Flows created, datagrams put together and given up.
    counts: [u64; 3],
}

impl Outcome {
    /// The same without the times that people read.
    fn timeless(&self) -> (Vec<(Header, FlowFacts)>, [u64; 3]) {
        let alerts = self.alerts.iter().map(|(header, flow)| {
            let header = Header { wall_ns: 0, ..*header };
            (header, FlowFacts { start_wall_ns: 0, ..*flow })
        });
        (alerts.collect(), self.counts)
    }
}

fn mark(port: u16) -> Packet {
    Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(port, 514).payload(b"a MARK of this test")
}

/// Both halves of `packet` as fragments of datagram `id`.
fn halves(packet: &Packet, id: u32) -> [Vec<u8>; 2] {
    let data = &packet.clone().build()[ETHERNET_BYTES + IPV4_BYTES..];
    let fragment = |range: std::ops::Range<usize>, more| {
        let packet = Packet::ethernet().ip("10.0.0.3", "10.0.0.4").id(id);
        let packet = packet.fragment(range.start as u16, more).protocol(17);
        packet.payload(&data[range]).build()
    };
    [fragment(0..16, true), fragment(16..data.len(), false)]
}

/// Frames, and the seconds that pass before each: a flow that lives (30 s are its limit), one that has timed
/// out, a datagram in time (60 s) and one too late.
fn scene() -> Vec<(u64, Vec<u8>)> {
    let [early, in_time] = halves(&mark(7_000), 1);
    let [first, too_late] = halves(&mark(7_001), 2);
    vec![
        (1, mark(6_000).build()),
        (29, mark(6_000).build()),
        (1, mark(6_001).build()),
        (28, mark(6_000).build()),
        (31, mark(6_000).build()),
        (1, early),
        (59, in_time),
        (1, first),
        (61, too_late),
        (1, mark(6_000).build()),
    ]
}

/// Runs the scene; `offset_ns` says the wall clock's offset before each frame.
fn run(offset_ns: impl Fn(usize) -> i64) -> Outcome {
    let rules = rule_set(RULES);
    let wall = Arc::new(WallOffset::zero());
    let first = |_| Generation::new(1, Arc::clone(&rules));
    let (seat, mut link) = wire(&settings(1), &wall, first).remove(0);
    let scene = scene();
    let source = ethernet(scene.iter().map(|(_, frame)| frame.clone())).bursts([1]);
    let clock = ManualClock::default();
    let mut worker = Worker::new(seat, source, clock.clone());
    let (mut alerts, mut scratch) = (Vec::new(), RecordScratch::new());
    for (at, (seconds, _)) in scene.iter().enumerate() {
        clock.advance(seconds * S_NS);
        wall.set(offset_ns(at));
        assert!(matches!(worker.turn(), Ok(Step::Worked(1))));
        while let Some(record) = link.lanes[0].next(&mut scratch) {
            let record = record.unwrap();
            let flow = FlowFacts::decode(record.get(FieldKind::Flow).unwrap()).unwrap();
            assert_eq!(record.header.rx_ns, clock.now_ns(), "the same on every run");
            assert_eq!(
                record.header.wall_ns,
                clock.now_ns().wrapping_add_signed(offset_ns(at)),
                "an alert's time is that of the clock as it is now"
            );
            alerts.push((record.header, flow));
        }
    }
    let counters = Arc::clone(&link.counters);
    assert_balanced(&packets(&[link]));
    let counts = [&counters.flows_created, &counters.reassembled, &counters.reassembly_timeouts];
    Outcome { alerts, counts: counts.map(contract::Counter::get) }
}

#[test]
fn a_step_of_the_wall_clock_moves_no_timer_and_no_number() {
    let steady = run(|_| EPOCH_NS);
    let flows: Vec<_> = steady.alerts.iter().map(|(header, _)| header.flow).collect();
    let [a, _, b, _, c, d, e] = flows[..] else { panic!("seven alerts: {flows:?}") };
    assert_eq!(flows, [a, a, b, a, c, d, e], "one datagram was too late");
    let different: std::collections::BTreeSet<_> = [a, b, c, d, e].into();
    assert_eq!(different.len(), 5, "the first flow timed out twice");
    assert_eq!(steady.counts[1..], [1, 1]);
    let sequences: Vec<_> = steady.alerts.iter().map(|(header, _)| header.sequence).collect();
    assert_eq!(sequences, (1..=7).collect::<Vec<_>>());
    let forth_and_back = [0, HOUR_NS, 0, -HOUR_NS, HOUR_NS];
    for steps in [vec![0, HOUR_NS], vec![0, -HOUR_NS], forth_and_back.to_vec()] {
        let stepping = run(|at| EPOCH_NS + steps[at % steps.len()]);
        assert_eq!(stepping.timeless(), steady.timeless(), "{steps:?}");
        for ((header, flow), (steady_header, steady_flow)) in
            stepping.alerts.iter().zip(&steady.alerts)
        {
            // A flow never begins after its packet, and is as old as it is.
            let age = header.wall_ns.checked_sub(flow.start_wall_ns);
            assert_eq!(age, steady_header.wall_ns.checked_sub(steady_flow.start_wall_ns));
            assert!(age.is_some());
        }
    }
}
