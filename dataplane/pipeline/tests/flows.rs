//! Flows begin and end where they should, and each end is counted once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::Ordering;

use capture::memory::MemorySource;
use common::{alerts, ethernet, packets, rule_set, run, settings, wired};
use contract::{Counter, FlowEnd, WorkerCounters};
use pipeline::clock::ManualClock;
use pipeline::{Link, Settings, Step, Worker};
use testkit::ledgers::assert_balanced;
use testkit::{Packet, Side, Traffic, tcp_conversation, tcp_flags};

/// Once for each direction of a flow.
const RULES: &str = "alert ip any any -> any any (msg:\"flow\"; sid:1;)";
const S: u64 = 1_000_000_000;

fn sum(links: &[Link], read: impl Fn(&WorkerCounters) -> &Counter) -> u64 {
    links.iter().map(|link| read(&link.counters).get()).sum()
}

fn ended(links: &[Link], end: FlowEnd) -> u64 {
    sum(links, |counters| &counters.flow_ends[end as usize])
}

/// Every flow that was created is in the table or has ended; all of them, once the workers have.
#[track_caller]
fn assert_flows_balanced(links: &[Link]) {
    let created = sum(links, |counters| &counters.flows_created);
    let ends: u64 = FlowEnd::ALL.iter().map(|end| ended(links, *end)).sum();
    assert_eq!(created, ends + sum(links, |counters| &counters.flows));
    assert_balanced(&packets(links));
}

/// `frames`, a time step apart, through so many workers; all of them come to the first.
fn replay(workers: u16, frames: &[Vec<u8>], step_ns: u64, settings: &Settings) -> Vec<Link> {
    let rules = rule_set(RULES);
    let mut sources = vec![ethernet(frames.to_vec()).timestamps(1_000 * S, step_ns)];
    sources.resize_with(usize::from(workers), || ethernet(Vec::new()));
    run(wired(settings, &rules), sources).0
}

fn udp(port: u16) -> Packet {
    Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(port, 53).payload(b"?")
}

#[test]
fn every_flow_ends_in_one_counter() {
    let frames: Vec<_> =
        Traffic::new(4).flows(80).frames(2_000).into_iter().map(|f| f.bytes).collect();
    for (step_ns, small) in [(1_000, false), (1_000, true), (S / 10, false), (S * 7, true)] {
        let flows_max = if small { 8 } else { 4_096 };
        let links = replay(1, &frames, step_ns, &Settings { flows_max, ..settings(1) });
        assert_flows_balanced(&links);
        assert_eq!(sum(&links, |counters| &counters.flows), 0);
        assert_eq!(links[0].counters.flow_emergency.load(Ordering::Relaxed), 0);
        let evicted: u64 = FlowEnd::ALL
            .iter()
            .filter(|e| e.name().contains("evicted"))
            .map(|e| ended(&links, *e))
            .sum();
        if step_ns == 1_000 {
            assert_eq!(evicted > 0, small);
            assert_eq!(sum(&links, |counters| &counters.flows_emergency) > 0, small);
        }
    }
}

/// A packet's own time says whether its flow is over, whatever else its worker has seen.
#[test]
fn flows_are_the_same_with_one_worker_and_with_two() {
    let frames: Vec<_> =
        Traffic::new(4).flows(60).frames(3_000).into_iter().map(|f| f.bytes).collect();
    // A flow's packets are some minutes apart, so that many have timed out meanwhile.
    let [mut one, mut two] =
        [1, 2].map(|workers| replay(workers, &frames, 2 * S, &settings(workers)));
    let created = sum(&one, |counters| &counters.flows_created);
    assert!((200..3_000).contains(&created), "{created}");
    assert_eq!(sum(&two, |counters| &counters.flows_created), created);
    assert!(two.iter().all(|link| link.counters.flows_created.get() > 50));
    assert_flows_balanced(&one);
    assert_flows_balanced(&two);
    let rules = rule_set(RULES);
    let expected = alerts(&mut one, &rules);
    assert_eq!(alerts(&mut two, &rules), expected);
    assert!(expected.len() as u64 > created);
}

/// UDP: 30 s without an answer, 300 s with one.
#[test]
fn an_answer_makes_a_flow_last() {
    let ask = udp(1_000).build();
    let answer = Packet::ethernet().ip("10.0.0.2", "10.0.0.1").udp(53, 1_000).payload(b"!").build();
    let arp = Packet::ethernet().ethertype(0x0806).payload(&[0; 28]).build();
    // Packets 10 s apart: an answer or none, so many that are of no flow, the question again; flows.
    for (is_answered, pause, flows) in
        [(false, 2, 1), (false, 3, 2), (true, 3, 1), (true, 29, 1), (true, 30, 2)]
    {
        let mut frames = vec![ask.clone()];
        frames.extend(is_answered.then(|| answer.clone()));
        frames.extend(std::iter::repeat_n(arp.clone(), pause));
        frames.push(ask.clone());
        let links = replay(1, &frames, 10 * S, &settings(1));
        let created = links[0].counters.flows_created.get();
        assert_eq!(created, flows, "answered {is_answered}, {pause} packets between");
        assert_flows_balanced(&links);
    }
}

#[test]
fn a_closed_connection_is_another_when_its_ports_are_opened_again() {
    let whole = tcp_conversation("10.0.0.1:4000", "10.0.0.2:80", &[]);
    let mut client = Side::new("10.0.0.1:4000", "10.0.0.2:80", 90_000);
    let again = client.send(tcp_flags::SYN, b"").build();
    for (syn, flows) in [(again, 2), (whole[0].clone(), 1)] {
        // With the number of before it is the SYN of before.
        let links = replay(1, &[whole.clone(), vec![syn]].concat(), 1_000, &settings(1));
        assert_eq!(links[0].counters.flows_created.get(), flows);
        assert_eq!(ended(&links, FlowEnd::Reused), flows - 1);
        assert_flows_balanced(&links);
    }
    // What is not over is the same connection.
    let open = [&whole[..4], &whole[..4]].concat();
    let links = replay(1, &open, 1_000, &settings(1));
    assert_eq!(links[0].counters.flows_created.get(), 1);
    assert_flows_balanced(&links);
}

#[test]
fn half_open_connections_push_out_each_other_and_nothing_established() {
    let flag = |client: u16, flags: u8| {
        let packet = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").tcp(client, 80);
        packet.flags(flags).build()
    };
    let mut frames = tcp_conversation("10.0.0.1:4000", "10.0.0.2:80", &[])[..3].to_vec();
    frames.extend((5_000..7_000).map(|client| flag(client, tcp_flags::SYN)));
    frames.push(flag(4_000, tcp_flags::ACK));
    let links = replay(1, &frames, 1_000, &Settings { flows_max: 64, ..settings(1) });
    assert_eq!(links[0].counters.flows_created.get(), 2_001);
    assert_eq!(ended(&links, FlowEnd::EvictedEstablished), 0);
    assert!(ended(&links, FlowEnd::EvictedNew) > 1_900);
    assert_flows_balanced(&links);
}

#[test]
fn vlan_tags_tell_flows_apart_unless_they_are_not_to() {
    let there = Packet::ethernet().vlan(10).ip("10.0.0.1", "10.0.0.2").udp(1, 2).build();
    let back = Packet::ethernet().vlan(20).ip("10.0.0.2", "10.0.0.1").udp(2, 1).build();
    for workers in [1, 2] {
        for (vlan_tracking, flows) in [(true, 2), (false, 1)] {
            let frames = [there.clone(), back.clone()];
            let links =
                replay(workers, &frames, 1, &Settings { vlan_tracking, ..settings(workers) });
            assert_eq!(sum(&links, |counters| &counters.flows_created), flows);
            assert_flows_balanced(&links);
        }
    }
}

/// Without times of the packets' own the clock tells the silence, also while nothing comes.
#[test]
fn silent_flows_end_while_a_worker_idles() {
    let rules = rule_set(RULES);
    let (seat, link) = wired(&settings(1), &rules).pop().unwrap();
    let clock = ManualClock::default();
    clock.advance(1_000 * S);
    let source: MemorySource = ethernet((1..=20).map(|port| udp(port).build())).bursts([10, 0, 0]);
    let mut worker = Worker::new(seat, source, clock.clone());
    assert_eq!(worker.turn().unwrap(), Step::Worked(10));
    assert_eq!(link.counters.flows.get(), 10);
    clock.advance(20 * S);
    assert_eq!(worker.turn().unwrap(), Step::Idle);
    assert_eq!(link.counters.flows.get(), 10);
    clock.advance(20 * S);
    assert_eq!(worker.turn().unwrap(), Step::Idle);
    let links = [link];
    assert_eq!((links[0].counters.flows.get(), ended(&links, FlowEnd::TimedOutNew)), (0, 10));
    assert_eq!(worker.turn().unwrap(), Step::Worked(10));
    assert_eq!(links[0].counters.flows.get(), 10);
    assert_flows_balanced(&links);
}
