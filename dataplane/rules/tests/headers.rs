//! Keywords about headers: what they mean, which class they give a rule, and what is said where they are
//! wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use rules::hir::{
    BufferName, ChecksumTest, Checksummed, Class, Field, FieldTest, FragmentBitsMode,
    FragmentBitsTest, IpOptionTest, IpProtocols, IpVersion, NumberTest, PacketTest, PayloadTest,
    Rule,
};
use rules::{Environment, load};

fn read(protocol: &str, options: &str) -> Rule {
    let text = format!("alert {protocol} any any -> any any ({options} sid:1;)");
    let mut loaded = load(text.as_bytes(), "local.rules", &Environment::default());
    loaded.rules.pop().unwrap_or_else(|| panic!("{text}: {:?}", loaded.diagnostics))
}

fn test_of(options: &str) -> PacketTest {
    let mut rule = read("ip", options);
    assert_eq!(rule.packet.len(), 1, "{options}");
    rule.packet.pop().unwrap()
}

#[test]
fn numbers() {
    use NumberTest::{Between, Equal, Greater, Less, LessOrEqual, NotEqual};
    let cases = [
        ("id:21782;", Field::IpId, Equal(21_782)),
        ("tos:8;", Field::Tos, Equal(8)),
        ("tos:!xFf;", Field::Tos, NotEqual(255)),
        ("tos:\"8\";", Field::Tos, Equal(8)),
        ("fragoffset:0;", Field::FragmentOffset, Equal(0)),
        ("fragoffset:>5;", Field::FragmentOffset, Greater(5)),
        ("seq:4294967295;", Field::TcpSequence, Equal(u32::MAX)),
        ("tcp.ack:0;", Field::TcpAcknowledgement, Equal(0)),
        ("window:! 5;", Field::TcpWindow, NotEqual(5)),
        ("tcp.mss:500-600;", Field::TcpMss, Between(500, 600)),
        ("tcp.mss:<=5;", Field::TcpMss, LessOrEqual(5)),
        ("icmp_id:1;", Field::IcmpId, Equal(1)),
        ("icmp_seq:65535;", Field::IcmpSequence, Equal(65_535)),
        ("icmpv6.mtu:<1280;", Field::Icmpv6Mtu, Less(1_280)),
    ];
    for (options, field, number) in cases {
        assert_eq!(test_of(options), PacketTest::Field(FieldTest { field, number }), "{options}");
    }
}

#[test]
fn properties() {
    let bits = |mode, bits| PacketTest::FragmentBits(FragmentBitsTest { mode, bits });
    let checksum = |of, valid| PacketTest::Checksum(ChecksumTest { of, valid });
    let cases = [
        ("sameip;", PacketTest::SameAddresses),
        ("ipopts:LSRR;", PacketTest::IpOption(IpOptionTest::Type(131))),
        ("ipopts:any;", PacketTest::IpOption(IpOptionTest::Any)),
        ("fragbits:MD;", bits(FragmentBitsMode::Exact, 3)),
        ("fragbits:+ R;", bits(FragmentBitsMode::AndOthers, 4)),
        ("fragbits:*MDR;", bits(FragmentBitsMode::Any, 7)),
        ("fragbits:!D;", bits(FragmentBitsMode::NotAll, 2)),
        ("l3_proto:IP6;", PacketTest::Version(IpVersion::V6)),
        ("ipv4-csum:valid;", checksum(Checksummed::Ipv4, true)),
        ("tcpv6-csum:Invalid;", checksum(Checksummed::Tcp(IpVersion::V6), false)),
        ("udpv4-csum:invalid;", checksum(Checksummed::Udp(IpVersion::V4), false)),
        ("icmpv6-csum:valid;", checksum(Checksummed::Icmpv6, true)),
    ];
    for (options, expected) in cases {
        assert_eq!(test_of(options), expected, "{options}");
    }
}

#[test]
fn ip_protocols_narrow_one_set() {
    type Accepts = fn(u8) -> bool;
    let cases: [(&str, Accepts); 9] = [
        ("ip_proto:47;", |n| n == 47),
        ("ip_proto:gre;", |n| n == 47),
        ("ip_proto:!TCP;", |n| n != 6),
        ("ip_proto:\"!6\";", |n| n != 6),
        ("ip_proto:! 6;", |n| n != 6),
        ("ip_proto:>5; ip_proto:<18;", |n| n > 5 && n < 18),
        ("ip_proto:!6; ip_proto:!17;", |n| n != 6 && n != 17),
        ("ip_proto:<17; ip_proto:!10; ip_proto:>6;", |n| n < 17 && n != 10 && n > 6),
        ("ip_proto:>254;", |n| n == 255),
    ];
    for (options, accepts) in cases {
        let expected = PacketTest::IpProtocols(IpProtocols::of(accepts));
        assert_eq!(test_of(options), expected, "{options}");
    }
}

#[test]
fn classes() {
    let cases = [
        ("ip", "ip_proto:17;", Class::IpOnly),
        ("udp", "l3_proto:ipv4;", Class::IpOnly),
        ("ip", "sameip;", Class::Pkt),
        ("ip", "ip_proto:17; sameip;", Class::Pkt),
        ("ip", "ipv4-csum:valid;", Class::Pkt),
        ("ip", "ip_proto:6; content:\"x\";", Class::PktOrStream),
        ("tcp", "tcpv4-csum:valid; content:\"x\";", Class::PktOrStream),
        ("tcp", "seq:1; content:\"x\";", Class::Pkt),
        ("tcp", "ipv4.hdr; content:\"x\";", Class::Pkt),
        ("tcp", "tcp.hdr; content:\"x\"; pkt_data; content:\"y\";", Class::Pkt),
        ("tcp-stream", "tcpv4-csum:valid; content:\"x\";", Class::PktOrStream),
        ("tcp", "flow:only_stream; tcpv4-csum:valid; content:\"x\";", Class::Stream),
        ("tcp", "flow:no_stream; tcpv4-csum:valid; content:\"x\";", Class::Pkt),
        ("ip", "flow:to_server; ip_proto:17;", Class::Pkt),
    ];
    for (protocol, options, expected) in cases {
        assert_eq!(read(protocol, options).class, expected, "{protocol} {options}");
    }
}

/// The contents of a list as text.
fn contents(tests: &[PayloadTest]) -> Vec<String> {
    let text = |test: &PayloadTest| match test {
        PayloadTest::Content(content) => String::from_utf8(content.bytes.clone()).unwrap(),
        other => format!("{other:?}"),
    };
    tests.iter().map(text).collect()
}

#[test]
fn tests_go_to_the_buffer_before_them() {
    let rule = read(
        "ip",
        "content:\"a\"; tcp.hdr; content:\"b\"; ipv4.hdr; content:\"c\"; nocase; \
         tcp.hdr; content:\"d\"; distance:0; pkt_data; content:\"e\";",
    );
    assert_eq!(contents(&rule.payload), ["a", "e"]);
    let mut buffers: Vec<_> = rule
        .buffers
        .iter()
        .map(|(buffer, tests)| (buffer.name.keyword(), contents(tests)))
        .collect();
    buffers.sort();
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(buffers, [("ipv4.hdr", texts(&["c"])), ("tcp.hdr", texts(&["b", "d"]))]);
    for (_, tests) in &rule.buffers {
        for test in tests {
            let PayloadTest::Content(content) = test else { panic!("{test:?}") };
            assert_eq!(content.nocase, content.bytes == b"c");
            assert_eq!(content.distance, (content.bytes == b"d").then_some(0));
        }
    }
    let first = read("udp", "udp.hdr; pcre:\"/a/R\";");
    assert_eq!(first.buffers[0].0.name, BufferName::UdpHeader);
}

/// As in the peer, the only content of a rule is decided by the prefilter where it is negated.
#[test]
fn a_lone_negated_content_of_a_buffer_may_be_nowhere_in_it() {
    let ends = |options: &str| match &read("tcp", options).buffers[0].1[0] {
        PayloadTest::Content(content) => content.endswith,
        other => panic!("{other:?}"),
    };
    assert!(!ends("tcp.hdr; content:!\"a\"; endswith;"));
    assert!(ends("tcp.hdr; content:!\"a\"; endswith; pkt_data; content:\"b\";"));
    assert!(ends("tcp.hdr; content:\"a\"; endswith;"));
}

#[test]
fn places_messages_and_hints_of_buffers() {
    check(&[
        (
            "alert udp any any -> any any (tcp.hdr; content:\"a\"; sid:1;)",
            "1:31: error: `tcp.hdr` is a header of packets that this rule is not about; \
             the rule has to be about IP protocol 6",
        ),
        (
            "alert ip any any -> any any (ip_proto:!6; tcp.hdr; content:\"a\"; sid:1;)",
            "1:43: error: `tcp.hdr` is a header of packets that this rule is not about; \
             the rule has to be about IP protocol 6",
        ),
        (
            "alert tcp any any -> any any (tcp.hdr; ipv4.hdr; content:\"a\"; sid:1;)",
            "1:31: error: nothing is looked for in this buffer; \
             a `content` or `pcre` follows the buffer that it is looked for in",
        ),
        (
            "alert tcp any any -> any any (content:\"a\"; tcp.hdr; sid:1;)",
            "1:44: error: nothing is looked for in this buffer; \
             a `content` or `pcre` follows the buffer that it is looked for in",
        ),
        (
            "alert tcp-stream any any -> any any (tcp.hdr; content:\"a\"; sid:1;)",
            "1:7: error: `tcp-stream` has no packets to test properties of; \
             use `tcp` or `tcp-pkt`",
        ),
    ]);
}

#[test]
fn places_messages_and_hints_of_fields() {
    check(&[
        (
            "alert tcp any any -> any any (ip_proto:6; sid:1;)",
            "1:31: error: `ip_proto` is for rules of protocol `ip`; \
             write `ip` in the header, or leave `ip_proto` out",
        ),
        (
            "alert ip any any -> any any (ip_proto:6; ip_proto:!7; sid:1;)",
            "1:42: error: this rule names its protocol already",
        ),
        (
            "alert ip any any -> any any (ip_proto:icpm; sid:1;)",
            "1:39: error: `icpm` is not an IP protocol; protocols go by their number too",
        ),
        (
            "alert ip any any -> any any (ip_proto:vrpp; sid:1;)",
            "1:39: error: `vrpp` is not an IP protocol; did you mean `vrrp`?",
        ),
        (
            "alert ip any any -> any any (ip_proto:<5; ip_proto:>9; sid:1;)",
            "1:52: error: no IP protocol is left",
        ),
        (
            "alert ip4 any any -> any any (l3_proto:ip6; sid:1;)",
            "1:31: error: this rule is about the other version of IP",
        ),
        (
            "alert ip any any -> any any (fragoffset:!0; sid:1;)",
            "1:41: error: `fragoffset` cannot be negated; \
             Suricata 7.0.10 refuses it too; use `<` and `>`",
        ),
        (
            "alert ip any any -> any any (ipopts:rtr; sid:1;)",
            "1:37: error: `rtr` is not an IP option; \
             options are rr, lsrr, eol, nop, ts, sec, esec, ssrr, satid and any",
        ),
        (
            "alert ip any any -> any any (id:65536; sid:1;)",
            "1:33: error: `65536` is not a number from 0 to 65535",
        ),
    ]);
}

/// Each rule is refused with what is said of it.
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let loaded = load(text.as_bytes(), "local.rules", &Environment::default());
        let said: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(said, [format!("local.rules:{expected}")], "{text}");
    }
}
