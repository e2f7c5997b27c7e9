//! What the peer (Suricata 7.0.10) sees in headers, as data: each case was put to it as rule and capture.

use rules::hir::{
    Buffer, BufferName, ChecksumTest, Checksummed, Field, FieldTest, FragmentBitsMode,
    FragmentBitsTest, IpOptionTest, IpProtocols, IpVersion, NumberTest, PacketTest, PayloadTest,
    Protocol,
};

use super::{buffer, field};
use crate::testing::wire::Wire;
use crate::testing::{alerts, compile, content, inspect, rule};

const UDP: [u8; 9] = [0x03, 0xe8, 0x07, 0xd0, 0, 9, 0, 0, b'x'];
/// An IPv6 extension header: its number, and its bytes.
type Extension = (u8, [u8; 8]);
/// Extension headers, whether the packet is a fragment, and what is expected.
type Case<'a, T> = (&'a [Extension], bool, T);

const HOP_BY_HOP: [u8; 8] = [0, 0, 1, 4, 0x55, 0x55, 0x55, 0x55];

/// `extensions`, in which each header names the next one, and `last` after them all.
fn chained(extensions: &[Extension], last: u8) -> (u8, Vec<u8>) {
    let numbers: Vec<u8> = extensions.iter().map(|(number, _)| *number).chain([last]).collect();
    let mut bytes = Vec::new();
    for ((_, header), next) in extensions.iter().zip(&numbers[1..]) {
        bytes.push(*next);
        bytes.extend_from_slice(&header[1..]);
    }
    (numbers[0], bytes)
}

/// A fragment header with `offset` in bytes.
const fn fragment(offset: u16, more: bool) -> Extension {
    let [high, low] = (offset | more as u16).to_be_bytes();
    (44, [0, 0, high, low, 0x77, 0x77, 0x77, 0x77])
}

/// A packet of UDP behind `extensions`. Where the last is the header of a fragment, the transport header
/// is not looked at.
fn behind(extensions: &[Extension], is_fragment: bool) -> Wire {
    let (first, bytes) = chained(extensions, 17);
    let mut wire = Wire::v6_with(first, &bytes, if is_fragment { 44 } else { 17 }, &UDP);
    wire.has_transport = !is_fragment;
    wire
}

fn passes(test: PacketTest, wire: &Wire) -> bool {
    let rules = compile(vec![rule(Protocol::Ip, vec![test], Vec::new())]);
    !alerts(&rules, &wire.view()).is_empty()
}

#[test]
fn numbers_of_ip() {
    let v4 = Wire::v4(17, &UDP).with(1, &[0x1f]).with(4, &[0x55, 0x16]).with(6, &[0xbf, 0xff]);
    let view = v4.view();
    assert_eq!(field(Field::Tos, &view), Some(0x1f));
    assert_eq!(field(Field::IpId, &view), Some(21_782));
    // In units of 8 bytes, the bits before it left out.
    assert_eq!(field(Field::FragmentOffset, &view), Some(8_191));
    let v6 = Wire::v6(17, &UDP);
    for unknown in [Field::Tos, Field::IpId, Field::FragmentOffset] {
        assert_eq!(field(unknown, &v6.view()), None, "{unknown:?}");
    }
}

#[test]
fn the_fragment_offset_of_ipv6_is_in_bytes_and_the_first_one() {
    let hop = (0, HOP_BY_HOP);
    let cases: [Case<'_, u32>; 6] = [
        (&[fragment(0, false)], false, 0),
        (&[fragment(0, true)], true, 0),
        (&[fragment(8, false)], true, 8),
        (&[fragment(65_528, false)], true, 65_528),
        (&[hop, fragment(24, true)], true, 24),
        (&[fragment(0, false), fragment(8, true)], true, 0),
    ];
    for (extensions, is_fragment, expected) in cases {
        let wire = behind(extensions, is_fragment);
        assert_eq!(field(Field::FragmentOffset, &wire.view()), Some(expected), "{extensions:?}");
    }
}

#[test]
fn numbers_of_tcp_need_a_whole_header() {
    let segment =
        [&[0_u8, 1, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x10, 2, 0, 0, 0, 0, 0][..], b"x"].concat();
    let mut wire = Wire::v4(6, &segment);
    wire.tcp_mss = Some(536);
    let expected = [
        (Field::TcpSequence, 7),
        (Field::TcpAcknowledgement, 9),
        (Field::TcpWindow, 512),
        (Field::TcpMss, 536),
    ];
    for (name, number) in expected {
        assert_eq!(field(name, &wire.view()), Some(number), "{name:?}");
    }
    (wire.has_transport, wire.tcp_mss) = (false, None);
    for (name, _) in expected {
        assert_eq!(field(name, &wire.view()), None, "{name:?}");
    }
}

#[test]
fn identifiers_of_icmp() {
    let message = |kind, code| [kind, code, 0, 0, 0, 1, 0x55, 0x16, b'0', b'1', b'2', b'3'];
    let v4 = |kind, code| Wire::v4(1, &message(kind, code));
    let v6 = |kind, code| Wire::v6(58, &message(kind, code));
    let cases = [
        (v4(0, 0), Some((1, 21_782))),
        (v4(8, 7), Some((1, 21_782))),
        (v4(13, 0), Some((1, 21_782))),
        (v4(18, 1), Some((1, 21_782))),
        (v4(3, 0), None),
        (v4(9, 0), None),
        (v4(30, 0), None),
        (v6(128, 0), Some((1, 21_782))),
        (v6(129, 0), Some((1, 21_782))),
        (v6(129, 2), Some((0, 0))),
        (v6(8, 0), None),
        (v6(136, 0), None),
    ];
    for (wire, expected) in cases {
        let view = wire.view();
        let found = field(Field::IcmpId, &view).zip(field(Field::IcmpSequence, &view));
        assert_eq!(found, expected, "{:?}", view.icmp);
    }
    assert_eq!(field(Field::Icmpv6Mtu, &v6(2, 0).view()), Some(87_318));
    assert_eq!(field(Field::Icmpv6Mtu, &v6(2, 1).view()), None);
    assert_eq!(field(Field::Icmpv6Mtu, &v4(2, 0).view()), None);
}

#[test]
fn fragment_bits() {
    use FragmentBitsMode::{AndOthers, Any, Exact, NotAll};
    // More fragments 1, do not fragment 2, reserved 4.
    let cases: [(FragmentBitsMode, u8, &[u8]); 7] = [
        (Exact, 1, &[1]),
        (Exact, 3, &[3]),
        (AndOthers, 1, &[3, 5, 7]),
        (AndOthers, 7, &[]),
        (Any, 3, &[1, 2, 3, 5, 6, 7]),
        (NotAll, 1, &[0, 2, 4, 6]),
        (NotAll, 3, &[0, 1, 2, 4, 5, 6]),
    ];
    for (mode, bits, expected) in cases {
        let test = PacketTest::FragmentBits(FragmentBitsTest { mode, bits });
        let hit = |bits: &u8| passes(test.clone(), &Wire::v4(17, &UDP).with(6, &[bits << 5]));
        assert_eq!((0..8).filter(hit).collect::<Vec<_>>(), expected, "{mode:?} {bits}");
        assert!(!passes(test.clone(), &Wire::v6(17, &UDP)));
    }
}

#[test]
fn options_addresses_versions_and_protocols() {
    let mut routed = Wire::v4_with(17, &[7, 3, 4, 0], &UDP);
    routed.ip_options.insert(7);
    let plain = Wire::v4(17, &UDP);
    let option = |kind| PacketTest::IpOption(IpOptionTest::Type(kind));
    assert!(passes(option(7), &routed) && !passes(option(131), &routed));
    let any = PacketTest::IpOption(IpOptionTest::Any);
    assert!(passes(any.clone(), &routed) && !passes(any, &plain));

    let same = plain.clone().with(12, &[10, 0, 0, 2]);
    assert!(passes(PacketTest::SameAddresses, &same));
    assert!(!passes(PacketTest::SameAddresses, &plain));

    let v6 = Wire::v6(17, &UDP);
    assert!(passes(PacketTest::Version(IpVersion::V6), &v6));
    assert!(!passes(PacketTest::Version(IpVersion::V6), &plain));

    let gre = IpProtocols::of(|number| number == 47);
    assert!(passes(PacketTest::IpProtocols(gre), &Wire::v4(47, &[0; 8])));
    assert!(!passes(PacketTest::IpProtocols(gre), &plain));
    assert!(passes(PacketTest::IpProtocols(IpProtocols::of(|number| number > 6)), &plain));
}

/// Packets whose checksums the peer found right; all are wrong after one bit has changed.
#[test]
fn checksums() {
    let right = |of| PacketTest::Checksum(ChecksumTest { of, valid: true });
    let wrong = |of| PacketTest::Checksum(ChecksumTest { of, valid: false });
    let header = Wire::v4(17, &UDP).with(10, &[0x66, 0xce]);
    let udp = Wire::v4(17, &UDP).with(26, &[0x68, 0x21]);
    let udp6 = Wire::v6(17, &UDP).with(46, &[0x7c, 0x21]);
    let echo = Wire::v4(1, &[8, 0, 0xf7, 0xfd, 0, 1, 0, 1]);
    let echo6 = Wire::v6(58, &[128, 0, 0x7f, 0xb8, 0, 1, 0, 1]);
    let tcp = [0, 1, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x10, 2, 0, 0x99, 0xbf, 0, 0];
    let mut tcp6 = tcp;
    tcp6[16..18].copy_from_slice(&[0xad, 0xbf]);
    let (tcp, tcp6) = (Wire::v4(6, &tcp), Wire::v6(6, &tcp6));
    let cases = [
        (Checksummed::Ipv4, header, 10),
        (Checksummed::Udp(IpVersion::V4), udp.clone(), 26),
        (Checksummed::Udp(IpVersion::V6), udp6.clone(), 46),
        (Checksummed::Icmpv4, echo, 22),
        (Checksummed::Icmpv6, echo6, 42),
        (Checksummed::Tcp(IpVersion::V4), tcp, 36),
        (Checksummed::Tcp(IpVersion::V6), tcp6, 56),
    ];
    for (of, wire, at) in cases {
        let torn = wire.clone().with(at, &[wire.bytes[at] ^ 1]);
        assert!(passes(right(of), &wire) && !passes(wrong(of), &wire), "{of:?}");
        assert!(!passes(right(of), &torn) && passes(wrong(of), &torn), "{of:?}");
    }
    // None at all: no statement in IPv4, wrong in IPv6, where there has to be one.
    let (none, none6) = (udp.clone().with(26, &[0, 0]), udp6.with(46, &[0, 0]));
    let (v4, v6) = (Checksummed::Udp(IpVersion::V4), Checksummed::Udp(IpVersion::V6));
    assert!(!passes(right(v4), &none) && !passes(wrong(v4), &none));
    assert!(!passes(right(v6), &none6) && passes(wrong(v6), &none6));
    assert!(!passes(right(Checksummed::Tcp(IpVersion::V4)), &udp));
    assert!(!passes(wrong(v6), &udp));
}

#[test]
fn an_ipv6_header_ends_before_a_fragment_header_but_not_before_that_of_a_whole_packet() {
    let (hop, options) = ((0, HOP_BY_HOP), (60, HOP_BY_HOP));
    let cases: [Case<'_, usize>; 7] = [
        (&[], false, 40),
        (&[options], false, 48),
        (&[hop, options], false, 56),
        (&[fragment(0, false)], false, 48),
        (&[fragment(8, true)], true, 40),
        (&[hop, fragment(8, true)], true, 48),
        (&[fragment(0, false), fragment(8, true)], true, 56),
    ];
    for (extensions, is_fragment, expected) in cases {
        let wire = behind(extensions, is_fragment);
        let found = buffer(BufferName::Ipv6Header, &wire.view()).map(<[u8]>::len);
        assert_eq!(found, Some(expected), "{extensions:?}");
        assert_eq!(buffer(BufferName::Ipv4Header, &wire.view()), None);
    }
    // What is announced but not there is no part of it.
    let cut = Wire::v6_with(43, &[17, 9, 0, 0, 0, 0, 0, 0], 43, b"ab");
    assert_eq!(buffer(BufferName::Ipv6Header, &cut.view()).map(<[u8]>::len), Some(40));
}

#[test]
fn header_buffers() {
    let segment = [&[0; 12][..], &[0x60, 2, 0, 0, 0, 0, 0, 0], &[2, 4, 5, 0xb4], b"x"].concat();
    let message = |kind| [&[kind, 0, 0, 0, 0, 1, 0, 1][..], &[b'0'; 12], b"x"].concat();
    let cases = [
        (BufferName::TcpHeader, Wire::v4(6, &segment), 24),
        (BufferName::UdpHeader, Wire::v6(17, &UDP), 8),
        (BufferName::Ipv4Header, Wire::v4_with(17, &[1; 8], &UDP), 28),
        (BufferName::Icmpv4Header, Wire::v4(1, &message(8)), 8),
        (BufferName::Icmpv4Header, Wire::v4(1, &message(13)), 20),
        (BufferName::Icmpv4Header, Wire::v4(1, &message(13)[..12]), 8),
        (BufferName::Icmpv6Header, Wire::v6(58, &message(128)), 8),
    ];
    for (name, mut wire, bytes) in cases {
        let start = if name == BufferName::Ipv4Header { 0 } else { wire.transport_offset };
        let expected = wire.bytes[start..start + bytes].to_vec();
        assert_eq!(buffer(name, &wire.view()), Some(&expected[..]), "{name:?}");
        if name != BufferName::Ipv4Header {
            wire.has_transport = false;
            assert_eq!(buffer(name, &wire.view()), None, "{name:?}");
        }
    }
}

#[test]
fn buffers_and_payload_are_looked_at_each_by_itself() {
    let mut caseless = content(b"ab");
    caseless.nocase = true;
    let looked_for = vec![PayloadTest::Content(caseless)];
    let mut both = rule(Protocol::Tcp, Vec::new(), looked_for.clone());
    both.buffers = vec![(Buffer { name: BufferName::TcpHeader }, looked_for.clone())];
    let mut absent = rule(Protocol::Ip, Vec::new(), Vec::new());
    let mut not_there = content(b"zz");
    not_there.negated = true;
    absent.buffers =
        vec![(Buffer { name: BufferName::UdpHeader }, vec![PayloadTest::Content(not_there)])];
    let rules = compile(vec![both, absent]);
    let tcp = |head: &[u8; 2], payload: &[u8]| {
        let start = [head, &[0; 10][..], &[0x50, 2, 0, 0, 0, 0, 0, 0], payload].concat();
        Wire::v4(6, &start)
    };
    assert_eq!(alerts(&rules, &tcp(b"AB", b"xAb").view()), [0]);
    assert_eq!(alerts(&rules, &tcp(b"AB", b"xxx").view()), [0; 0]);
    assert_eq!(alerts(&rules, &tcp(b"xx", b"xAb").view()), [0; 0]);
    assert_eq!(alerts(&rules, &Wire::v4(17, &UDP).view()), [1]);
}

#[test]
fn rules_on_few_packets_are_candidates_there_alone() {
    let equal =
        |field, number| PacketTest::Field(FieldTest { field, number: NumberTest::Equal(number) });
    let tests = [
        equal(Field::IpId, 7),
        equal(Field::TcpSequence, 7),
        PacketTest::IpOption(IpOptionTest::Any),
        PacketTest::SameAddresses,
        PacketTest::IpProtocols(IpProtocols::of(|number| number == 47)),
    ];
    let rules = tests.map(|test| rule(Protocol::Ip, vec![test], Vec::new()));
    let rules = compile(rules.to_vec());
    let outcome = inspect(&rules, &Wire::v4(17, &UDP).view(), &mut rules.new_scratch());
    assert_eq!(outcome.candidates, 0);
    let found = Wire::v4(17, &UDP).with(5, &[7]);
    let outcome = inspect(&rules, &found.view(), &mut rules.new_scratch());
    assert_eq!(outcome.candidates, 1);
}
