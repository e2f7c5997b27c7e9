//! Rules about events: what is unusual about a packet alerts, also where there is no packet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Said, alerts, ethernet, packets, read, rule_set, run, settings, wired};
use contract::{Event, PacketDrop};
use pipeline::Link;
use testkit::Packet;
use testkit::ledgers::assert_balanced;

const RULES: &str = r#"
alert pkthdr any any -> any any (msg:"short"; decode-event:ipv4.pkt_too_small; sid:1;)
alert pkthdr any any -> any any (msg:"cut"; decode-event:ipv4.trunc_pkt; sid:2;)
alert pkthdr any any -> any any (msg:"option"; decode-event:ipv4.opt_invalid_len; sid:3;)
alert pkthdr any any -> any any (msg:"padding"; decode-event:ipv4.opt_pad_required; sid:4;)
alert pkthdr any any -> any any (msg:"overlap"; decode-event:ipv4.frag_overlap; sid:5;)
alert ip any any -> any any (msg:"addresses"; sid:6;)
alert udp any any -> any any (msg:"bytes"; content:"ODD"; sid:7;)
alert pkthdr any any -> any any (msg:"tcp"; decode-event:tcp.pkt_too_small; sid:8;)
alert ip any any -> any any (msg:"property"; ttl:64; sid:9;)
alert pkthdr any any -> any any (msg:"icmp"; decode-event:ipv6.icmpv4; sid:10;)
"#;

fn v4() -> Packet {
    Packet::ethernet().ip("10.0.0.3", "10.0.0.4")
}

/// Runs `frames` over one worker; its link, and each alert as its sid and whether it has addresses.
fn alerts_of(frames: Vec<Vec<u8>>) -> (Vec<Link>, Vec<(u32, bool)>) {
    let rules = rule_set(RULES);
    let (mut links, _) = run(wired(&settings(1), &rules), vec![ethernet(frames)]);
    let said = read(&mut links[0].lanes[0], &rules).into_iter().map(|said| match said {
        Said::Alert { sid, tuple, .. } => (sid, tuple.is_some()),
        Said::Switch(_) => panic!("no switch was asked for"),
    });
    let said = said.collect();
    (links, said)
}

fn count(links: &[Link], event: Event) -> u64 {
    links.iter().map(|link| link.counters.events.get(event)).sum()
}

#[test]
fn what_cannot_be_decoded_alerts_without_addresses_and_is_a_drop() {
    let frames = vec![
        v4().snap(14 + 19).build(),
        v4().udp(1, 2).payload(b"ODD").snap(14 + 20 + 8).build(),
        v4().ip_options(&[7, 40, 4, 0, 0, 0, 0, 0]).udp(1, 2).payload(b"ODD").build(),
        Packet::ethernet().ethertype(0x0806).payload(&[0; 28]).build(),
    ];
    let (links, said) = alerts_of(frames);
    // Of a packet whose options are wrong the addresses are known, to rules about addresses.
    assert_eq!(said, [(1, false), (2, false), (3, false), (6, false)]);
    let ledger = packets(&links);
    assert_balanced(&ledger);
    let drops = [PacketDrop::Malformed, PacketDrop::Cut, PacketDrop::NotIp];
    assert_eq!(drops.map(|cause| ledger.drops[cause as usize]), [2, 1, 1]);
    let events = [Event::Ipv4PktTooSmall, Event::Ipv4TruncPkt, Event::Ipv4OptInvalidLen];
    assert_eq!(events.map(|event| count(&links, event)), [1, 1, 1]);
    let counted: Vec<_> = links[0].counters.events.iter().collect();
    assert_eq!(counted.len(), 3, "{counted:?}");
}

#[test]
fn an_event_that_leaves_the_packet_whole_leaves_it_to_all_rules() {
    let (links, said) =
        alerts_of(vec![v4().ip_options(&[7, 3, 4, 0]).udp(1, 2).payload(b"ODD!").build()]);
    assert_eq!(said, [(4, true), (6, true), (7, true), (9, true)]);
    assert_eq!(count(&links, Event::Ipv4OptPadRequired), 1);
    assert_eq!(packets(&links).inspected, 1);
}

#[test]
fn a_malformed_transport_header_belongs_to_no_flow() {
    let short = v4().protocol(6).payload(&[0; 10]).build();
    let (links, said) = alerts_of(vec![short.clone(), short]);
    // Rules about addresses see each such packet.
    let each = [(6, true), (8, true), (9, true)];
    assert_eq!(said, [each, each].concat());
    assert_eq!(count(&links, Event::TcpPktTooSmall), 2);
    assert_balanced(&packets(&links));
}

#[test]
fn a_protocol_that_cannot_be_there_is_for_rules_about_events_and_addresses() {
    let icmp = Packet::ethernet().ip("2001:db8::1", "2001:db8::2").protocol(1).payload(&[8; 16]);
    let (links, said) = alerts_of(vec![icmp.build()]);
    assert_eq!(said, [(6, true), (10, true)]);
    assert_eq!(count(&links, Event::Ipv6Icmpv4), 1);
}

#[test]
fn an_overlap_is_an_event_of_the_fragment_that_overlaps() {
    let piece = |offset, more, byte: u8| {
        v4().id(9).fragment(offset, more).protocol(17).payload(&[byte; 16]).build()
    };
    let frames = vec![piece(16, true, 1), piece(24, true, 2), piece(64, false, 3)];
    let (links, said) = alerts_of(frames);
    assert_eq!(said.iter().filter(|(sid, _)| *sid == 5).count(), 1);
    assert_eq!(said.iter().filter(|(sid, _)| *sid == 9).count(), 3);
    assert_eq!(count(&links, Event::Ipv4FragOverlap), 1);
}

#[test]
fn two_queues_give_the_alerts_of_one() {
    let rules = rule_set(RULES);
    let frame = |n: u16| match n % 4 {
        0 => v4().snap(14 + 10).build(),
        1 => v4().ip_options(&[7, 3, 4, 0]).udp(n, 2).payload(b"ODD!").build(),
        2 => v4().ip_options(&[7, 40, 4, 0]).udp(n, 2).build(),
        _ => v4().protocol(6).payload(&[0; 10]).build(),
    };
    let frames: Vec<_> = (0..400).map(frame).collect();
    let (mut one, _) = run(wired(&settings(1), &rules), vec![ethernet(frames.clone())]);
    let (left, right) = frames.split_at(200);
    let queues = vec![ethernet(left.to_vec()), ethernet(right.to_vec())];
    let (mut two, _) = run(wired(&settings(2), &rules), queues);
    assert_balanced(&packets(&two));
    assert_eq!(alerts(&mut two, &rules), alerts(&mut one, &rules));
    assert_eq!(count(&two, Event::Ipv4OptInvalidLen), 100);
}
