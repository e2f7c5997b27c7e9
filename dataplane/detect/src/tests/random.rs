//! Generated rules on generated packets: the engine and its slow twin say the same.

use std::net::IpAddr;

use proptest::prelude::*;
use rules::hir::{
    Action, Class, Content, FastPattern, FlagsMode, FlagsTest, NumberTest, PacketTest, PayloadTest,
    Protocol, Rule,
};

use crate::testing::{address, alerts, any_end, compile, packet, pcre, port, rule, tuple};

/// Few letters, so that generated literals often occur in generated payloads.
fn text(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let letter = prop_oneof![4 => Just(b'a'), 4 => Just(b'b'), 2 => Just(b'A'), 1 => Just(b'\n')];
    proptest::collection::vec(letter, 1..=longest)
}

fn a_content() -> impl Strategy<Value = Content> {
    let place = prop_oneof![
        3 => Just((None, None, None, None)),
        2 => (0..6_u32, proptest::option::of(0..14_u32))
            .prop_map(|(offset, depth)| (Some(offset), depth, None, None)),
        3 => (proptest::option::of(-6..8_i32), proptest::option::of(0..12_i32))
            .prop_map(|(distance, within)| (None, None, distance, within)),
    ];
    let flags = (prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.15));
    let pattern = prop_oneof![
        6 => Just(FastPattern::Auto),
        1 => Just(FastPattern::Chosen),
        1 => (0..4_u16, 1..4_u16)
            .prop_map(|(offset, length)| FastPattern::Chop { offset, length }),
    ];
    (text(9), place, flags, pattern).prop_map(
        |(bytes, (offset, depth, distance, within), (negated, nocase, endswith), fast_pattern)| {
            Content {
                bytes,
                negated,
                nocase,
                offset,
                depth,
                distance,
                within,
                endswith,
                fast_pattern,
            }
        },
    )
}

fn a_pcre() -> impl Strategy<Value = PayloadTest> {
    let patterns = [
        "a+b",
        "(a|b)A",
        "^a",
        "b$",
        "[^a]{2}",
        "ab*?b",
        "\\ba",
        "(?i)aB",
        ".a.",
        "^b.*a$",
        "a|$",
        "(?:ab){2,3}",
        "\\s",
        "",
    ];
    let flags = ["", "i", "s", "m", "R", "Ri", "A", "!", "R!", "AR", "E", "G"];
    (prop::sample::select(patterns.to_vec()), prop::sample::select(flags.to_vec()))
        .prop_map(|(pattern, flags)| PayloadTest::Pcre(pcre(pattern, flags)))
}

fn a_packet_test() -> impl Strategy<Value = PacketTest> {
    let number = prop_oneof![
        (0..20_u32).prop_map(NumberTest::Equal),
        (0..20_u32).prop_map(NumberTest::Less),
        (0..20_u32).prop_map(NumberTest::Greater),
        (0..10_u32, 5..20_u32).prop_map(|(low, high)| NumberTest::Between(low, high)),
    ];
    let modes = vec![FlagsMode::Exact, FlagsMode::All, FlagsMode::Any, FlagsMode::Not];
    let mode = prop::sample::select(modes);
    prop_oneof![
        3 => number.clone().prop_map(PacketTest::Dsize),
        1 => number.clone().prop_map(PacketTest::Ttl),
        1 => number.clone().prop_map(PacketTest::Itype),
        1 => number.prop_map(PacketTest::Icode),
        2 => (mode, 0..64_u8, prop::sample::select(vec![0_u8, 8, 16]))
            .prop_map(|(mode, flags, ignore)| PacketTest::Flags(FlagsTest { mode, flags, ignore })),
    ]
}

fn an_end() -> impl Strategy<Value = rules::hir::Endpoint> {
    prop_oneof![
        4 => Just(any_end()),
        2 => (0..4_u16).prop_map(port),
        1 => (1..3_u8).prop_map(|host| address(IpAddr::from([10, 0, 0, host]))),
    ]
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let protocols =
        [Protocol::Tcp, Protocol::Udp, Protocol::Ip, Protocol::Icmp, Protocol::Ipv6, Protocol::Udp];
    let actions =
        [Action::Alert, Action::Alert, Action::Alert, Action::Drop, Action::Reject, Action::Pass];
    let payload = prop_oneof![4 => a_content().prop_map(PayloadTest::Content), 1 => a_pcre()];
    let tests = (
        proptest::collection::vec(a_packet_test(), 0..2),
        proptest::collection::vec(payload, 0..4),
    );
    let ends = (an_end(), an_end(), prop::bool::weighted(0.2));
    let header =
        (prop::sample::select(protocols.to_vec()), prop::sample::select(actions.to_vec()), 1..4_u8);
    (header, ends, tests).prop_map(
        |(
            (protocol, action, priority),
            (source, destination, bidirectional),
            (packet, payload),
        )| {
            let mut rule = rule(protocol, packet, payload);
            if rule.packet.is_empty() && rule.payload.is_empty() {
                rule.class = Class::IpOnly;
            }
            (rule.action, rule.meta.priority) = (action, priority);
            (rule.source, rule.destination) = (source, destination);
            rule.bidirectional = bidirectional;
            rule
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]
    #[test]
    fn engine_and_reference_agree(
        rules in proptest::collection::vec(a_rule(), 1..12),
        packets in proptest::collection::vec(
            (prop::sample::select(vec![1_u8, 6, 17, 17, 47]), 0..4_u16, 0..4_u16, any::<u8>(),
             prop_oneof![1 => Just(Vec::new()), 8 => text(24)], any::<bool>()),
            1..12,
        ),
    ) {
        let rules = compile(rules);
        for (protocol, source, destination, flags, payload, first) in &packets {
            let mut view = packet(tuple(*protocol, *source, *destination), payload);
            view.tcp_flags = view.tcp_flags.map(|_| flags & 0x3f);
            view.ttl = flags & 0x1f;
            view.first_in_direction = *first;
            alerts(&rules, &view);
        }
    }
}
