//! What a rule's class means on a packet and on what is due of its stream, as the peer (Suricata 7.0.10)
//! answered to rules and captures.

use rules::hir::{Class, Content, NumberTest, PacketTest, PayloadTest, Protocol, Rule};

use crate::testing::{alerts, compile, content, inspect, packet, rule, tuple};
use crate::{Inspect, Match, SignatureIndex};

fn with(class: Class, packet: Vec<PacketTest>, contents: &[&str]) -> Rule {
    let tests = contents.iter().map(|text| {
        let (negated, bytes) = text.strip_prefix('!').map_or((false, *text), |rest| (true, rest));
        PayloadTest::Content(Content { negated, ..content(bytes.as_bytes()) })
    });
    Rule { class, ..rule(Protocol::Tcp, packet, tests.collect()) }
}

fn either(contents: &[&str]) -> Rule {
    with(Class::PktOrStream, Vec::new(), contents)
}

fn view<'a>(payload: &'a str, in_stream: bool, chunks: &'a [&'a [u8]]) -> Inspect<'a> {
    let packet = packet(tuple(6, 1_234, 80), payload.as_bytes());
    Inspect { in_stream, chunks, ..packet }
}

#[test]
fn a_packet_that_went_into_a_stream_waits_for_its_chunk() {
    let rules = compile(vec![either(&["EVIL"])]);
    assert_eq!(alerts(&rules, &view("EVIL", false, &[])), [0]);
    assert_eq!(alerts(&rules, &view("EVIL", true, &[])), [0; 0]);
    assert_eq!(alerts(&rules, &view("", false, &[b"xxEVILxx"])), [0]);
}

#[test]
fn a_pattern_may_lie_across_packets_but_not_across_a_gap() {
    let rules = compile(vec![either(&["EVILPATTERN"]), either(&["EVIL", "!PATTERN"])]);
    assert_eq!(alerts(&rules, &view("", false, &[b"EVILPATTERN"])), [0]);
    assert_eq!(alerts(&rules, &view("", false, &[b"EVIL", b"PATTERN"])), [1]);
}

#[test]
fn a_content_at_a_place_is_looked_for_in_both() {
    let rules = compile(vec![with(Class::PktAndStream, Vec::new(), &["EVIL"])]);
    let chunk = |chunks| view("EVIL", true, chunks);
    let found = |view: &Inspect<'_>| alerts(&rules, view);
    assert_eq!((found(&chunk(&[])), found(&chunk(&[b"xx"]))), (vec![0], vec![0]));
    assert_eq!(found(&view("xx", true, &[b"EVIL"])), [0]);
    assert_eq!(found(&chunk(&[b"EVIL"])), [0], "once");
}

#[test]
fn packet_rules_look_at_the_packet_alone() {
    let dsize = vec![PacketTest::Dsize(NumberTest::Equal(4))];
    let rules = compile(vec![
        with(Class::Pkt, dsize, &["EVIL"]),
        with(Class::Pkt, Vec::new(), &["EVIL"]),
        with(Class::Stream, Vec::new(), &["EVIL"]),
    ]);
    assert_eq!(alerts(&rules, &view("EVIL", true, &[])), [0, 1]);
    assert_eq!(alerts(&rules, &view("EVIL", false, &[])), [0, 1]);
    assert_eq!(alerts(&rules, &view("", false, &[b"EVIL"])), [2]);
    assert_eq!(alerts(&rules, &view("EVIL", true, &[b"EVIL"])), [0, 1, 2]);
}

#[test]
fn an_end_of_a_flow_has_chunks_and_no_packet() {
    let rules = compile(vec![
        with(Class::IpOnly, Vec::new(), &[]),
        with(Class::Pkt, vec![PacketTest::Ttl(NumberTest::Greater(0))], &[]),
        either(&["EVIL"]),
        either(&["!GOOD"]),
    ]);
    let end = Inspect { chunks_only: true, ..view("", false, &[b"EVIL"]) };
    assert_eq!(alerts(&rules, &end), [2, 3]);
}

#[test]
fn a_chunk_counts_as_payload_for_what_wants_some_or_none() {
    let rules = compile(vec![
        with(Class::Pkt, vec![PacketTest::Dsize(NumberTest::Equal(0))], &[]),
        with(Class::Pkt, vec![PacketTest::Dsize(NumberTest::Less(5))], &[]),
        with(Class::Pkt, Vec::new(), &["!BBBB"]),
    ]);
    assert_eq!(alerts(&rules, &view("", false, &[])), [0, 1]);
    assert_eq!(alerts(&rules, &view("", false, &[b"zzzz"])), [1, 2]);
}

#[test]
fn a_rule_alerts_once_and_says_where() {
    let rules = compile(vec![either(&["EVIL"])]);
    let mut scratch = rules.new_scratch();
    let found = |chunk| Match { signature: SignatureIndex(0), chunk };
    inspect(&rules, &view("EVIL", false, &[b"x", b"EVIL", b"EVIL"]), &mut scratch);
    assert_eq!(scratch.alerts(), [found(Some(1))]);
    inspect(&rules, &view("EVIL", false, &[b"x"]), &mut scratch);
    assert_eq!(scratch.alerts(), [found(None)]);
}
