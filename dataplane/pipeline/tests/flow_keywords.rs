//! Flow keywords through the worker: what rules note in a flow, and what they are told of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use common::{Said, ethernet, packets, read, rule_set, run, settings, wired};
use detect::{CompileCache, CompileOptions, Generation, RuleSet};
use pipeline::Step;
use pipeline::clock::TscClock;
use rules::Environment;
use testkit::ledgers::assert_balanced;
use testkit::{Chunk, Packet, tcp_conversation};

fn conversation(client: u16, chunks: &[Chunk<'_>]) -> Vec<Vec<u8>> {
    tcp_conversation(&format!("10.0.0.1:{client}"), "10.0.0.2:80", chunks)
}

fn udp(to_server: bool, payload: &[u8]) -> Vec<u8> {
    let packet = if to_server {
        Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(1_000, 2_000)
    } else {
        Packet::ethernet().ip("10.0.0.4", "10.0.0.3").udp(2_000, 1_000)
    };
    packet.payload(payload).build()
}

fn sids(said: &[Said]) -> Vec<u32> {
    let sid = |said: &Said| match said {
        Said::Alert { sid, .. } => Some(*sid),
        Said::Switch(_) => None,
    };
    said.iter().filter_map(sid).collect()
}

/// The sids that one worker raises on `frames`, in order.
fn raised(rules: &str, frames: Vec<Vec<u8>>) -> Vec<u32> {
    let rules = rule_set(rules);
    let (mut links, _) = run(wired(&settings(1), &rules), vec![ethernet(frames)]);
    let said = read(&mut links[0].lanes[0], &rules);
    assert_balanced(&packets(&links));
    sids(&said)
}

/// A request is noted, and its reply alerts; a reply without a request does not.
#[test]
fn a_bit_joins_the_packets_of_its_flow() {
    let rules = r#"
alert tcp any any -> any 80 (flow:established,to_server; content:"GET /x"; flowbits:set,asked; noalert; sid:1;)
alert tcp any 80 -> any any (flow:established,to_client; content:"secret"; flowbits:isset,asked; sid:2;)
"#;
    let talk = |client, request: &[u8]| {
        conversation(client, &[Chunk::Client(request), Chunk::Server(b"the secret")])
    };
    let frames: Vec<_> = (4_000..4_050)
        .flat_map(|client| talk(client, if client % 2 == 0 { b"GET /x" } else { b"GET /y" }))
        .collect();
    assert_eq!(raised(rules, frames), [2; 25]);
}

#[test]
fn a_flow_is_established_when_both_sides_have_sent() {
    let rules = r#"
alert tcp any any -> any any (flow:established; sid:1;)
alert tcp any any -> any any (flow:not_established; sid:2;)
alert udp any any -> any any (flow:established,to_client; sid:3;)
alert udp any any -> any any (flow:not_established,to_server; sid:4;)
"#;
    let handshake = conversation(4_000, &[]).into_iter().take(4).collect();
    assert_eq!(raised(rules, handshake), [2, 2, 2, 1]);
    let midstream = conversation(4_001, &[]).split_off(2);
    assert_eq!(raised(rules, midstream), [2; 4]);
    let talk = vec![udp(true, b"a"), udp(true, b"b"), udp(false, b"c"), udp(true, b"d")];
    assert_eq!(raised(rules, talk), [4, 4, 3]);
}

#[test]
fn a_bypassed_flow_is_not_inspected_any_more() {
    let rules = rule_set(
        r#"
alert udp any any -> any any (content:"stop"; bypass; sid:1;)
alert udp any any -> any any (content:"x"; sid:2;)
"#,
    );
    let frames = vec![
        udp(true, b"x"),
        udp(false, b"stop x"),
        udp(true, b"x"),
        udp(false, b"x stop"),
        Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(1_001, 2_000).payload(b"x").build(),
    ];
    let (mut links, _) = run(wired(&settings(1), &rules), vec![ethernet(frames)]);
    assert_eq!(sids(&read(&mut links[0].lanes[0], &rules)), [2, 1, 2, 2]);
    assert_eq!(links[0].counters.bypassed.get(), 2);
    let ledger = packets(&links);
    assert_balanced(&ledger);
    assert_eq!((ledger.rx, ledger.inspected), (5, 5));
}

#[test]
fn what_is_put_together_of_fragments_is_told_from_what_is_whole() {
    let rules = r#"
alert udp any any -> any any (flow:only_frag; content:"x"; sid:1;)
alert udp any any -> any any (flow:no_frag; content:"x"; sid:2;)
alert ip any any -> any any (flow:stateless; ttl:64; sid:3;)
alert ip any any -> any any (flow:to_client; ttl:64; sid:4;)
alert ip any any -> any any (flow:to_server; ttl:64; sid:5;)
"#;
    let packet = || Packet::ethernet().ip("10.0.0.3", "10.0.0.4").id(7);
    let whole = packet().udp(1_000, 2_000).payload(&[b'x'; 64]).ip_packet();
    let data = &whole[20..];
    let fragment = |from: usize, to: usize, more| {
        packet().fragment(from as u16, more).protocol(17).payload(&data[from..to]).build()
    };
    let frames = vec![fragment(0, 32, true), fragment(32, data.len(), false), udp(true, b"x")];
    // The packet put together comes before its last fragment. Fragments have no flow.
    assert_eq!(raised(rules, frames), [5, 1, 3, 5, 5, 2, 3, 5]);
}

/// What a rule noted keeps its meaning when other rules come, in whatever order these name it.
#[test]
fn variables_outlive_a_change_of_rules() {
    let mut cache = CompileCache::new();
    let mut compile = |text: &str| {
        let loaded = rules::load(text.as_bytes(), "test.rules", &Environment::default());
        let options = CompileOptions::default();
        Arc::new(RuleSet::compile(loaded.rules, &options, &mut cache).unwrap())
    };
    let first = compile(r#"alert udp any any -> any any (content:"x"; flowbits:set,seen; sid:1;)"#);
    let second = compile(
        r#"
alert udp any any -> any any (flowbits:isset,other; sid:2;)
alert udp any any -> any any (flowbits:isset,seen; sid:3;)
"#,
    );
    let (seat, mut link) = wired(&settings(1), &first).pop().unwrap();
    let frames = vec![udp(true, b"x"), udp(true, b"y"), udp(false, b"z")];
    let source = ethernet(frames).bursts([2, 1]);
    let mut worker = pipeline::Worker::new(seat, source, TscClock::new());
    assert!(matches!(worker.turn(), Ok(Step::Worked(2))));
    assert_eq!(sids(&read(&mut link.lanes[0], &first)), [1]);
    link.generations.push(Generation::new(2, Arc::clone(&second))).unwrap();
    assert!(matches!(worker.turn(), Ok(Step::Worked(1))));
    assert_eq!(sids(&read(&mut link.lanes[0], &second)), [3]);
}
