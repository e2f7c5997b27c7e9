//! Generated rules on headers and generated packets: the engine and its slow twin say the same.

use proptest::prelude::*;
use rules::hir::{
    Buffer, BufferName, ChecksumTest, Checksummed, Class, DataAt, Field, FieldTest,
    FragmentBitsMode, FragmentBitsTest, IpOptionTest, IpProtocols, IpVersion, NumberTest,
    PacketTest, PayloadTest, Protocol, Quantity, Rule,
};

use crate::testing::wire::Wire;
use crate::testing::{alerts, compile, content, pcre, rule};

/// Protocols of rules and packets.
const NUMBERS: [u8; 7] = [1, 6, 17, 58, 132, 47, 0];

fn a_number() -> impl Strategy<Value = NumberTest> {
    let n = prop_oneof![0..4_u32, Just(0x0101_u32), Just(0x0101_0101_u32)];
    prop_oneof![
        3 => n.clone().prop_map(NumberTest::Equal),
        1 => n.clone().prop_map(NumberTest::NotEqual),
        1 => n.clone().prop_map(NumberTest::Less),
        1 => n.clone().prop_map(NumberTest::GreaterOrEqual),
        1 => (n.clone(), n).prop_map(|(low, high)| NumberTest::Between(low, high)),
    ]
}

fn a_test() -> impl Strategy<Value = PacketTest> {
    let field = prop::sample::select(Field::ALL.to_vec());
    let modes = vec![
        FragmentBitsMode::Exact,
        FragmentBitsMode::AndOthers,
        FragmentBitsMode::Any,
        FragmentBitsMode::NotAll,
    ];
    let version = prop::sample::select(vec![IpVersion::V4, IpVersion::V6]);
    let checksummed = version.clone().prop_flat_map(|version| {
        prop::sample::select(vec![
            Checksummed::Ipv4,
            Checksummed::Tcp(version),
            Checksummed::Udp(version),
            Checksummed::Icmpv4,
            Checksummed::Icmpv6,
        ])
    });
    let option = prop_oneof![
        Just(IpOptionTest::Any),
        prop::sample::select(vec![0_u8, 1, 7, 148]).prop_map(IpOptionTest::Type),
    ];
    let protocols = prop::collection::vec(prop::sample::select(NUMBERS.to_vec()), 1..4);
    prop_oneof![
        6 => (field, a_number())
            .prop_map(|(field, number)| PacketTest::Field(FieldTest { field, number })),
        2 => protocols.prop_map(|some| {
            PacketTest::IpProtocols(IpProtocols::of(|number| some.contains(&number)))
        }),
        1 => Just(PacketTest::SameAddresses),
        1 => option.prop_map(PacketTest::IpOption),
        1 => (prop::sample::select(modes), 0..8_u8)
            .prop_map(|(mode, bits)| FragmentBitsTest { mode, bits })
            .prop_map(PacketTest::FragmentBits),
        1 => version.prop_map(PacketTest::Version),
        1 => (checksummed, any::<bool>())
            .prop_map(|(of, valid)| PacketTest::Checksum(ChecksumTest { of, valid })),
    ]
}

/// Tests of a buffer's bytes.
fn some_bytes() -> impl Strategy<Value = Vec<PayloadTest>> {
    let literal = prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', b'A']), 1..3);
    let place = (proptest::option::of(0..12_u32), any::<bool>(), prop::bool::weighted(0.2));
    let test = prop_oneof![
        5 => (literal, place).prop_map(|(bytes, (offset, nocase, negated))| {
            let mut content = content(&bytes);
            (content.offset, content.nocase, content.negated) = (offset, nocase, negated);
            PayloadTest::Content(content)
        }),
        1 => prop::sample::select(vec!["a\\x00", "^\\x45", "(?s)^.{8}\\z", "A"])
            .prop_map(|pattern| PayloadTest::Pcre(pcre(pattern, "i"))),
        1 => a_number().prop_map(PayloadTest::BufferSize),
        1 => (0..24_u32, any::<bool>(), any::<bool>()).prop_map(|(position, relative, negated)| {
            let position = Quantity::Literal(position);
            PayloadTest::DataAt(DataAt { position, relative, negated })
        }),
    ];
    prop::collection::vec(test, 1..3)
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let protocols = [Protocol::Ip, Protocol::Ip, Protocol::Tcp, Protocol::Udp, Protocol::Icmp];
    let names = [
        BufferName::Ipv4Header,
        BufferName::Ipv6Header,
        BufferName::TcpHeader,
        BufferName::UdpHeader,
        BufferName::Icmpv4Header,
        BufferName::Icmpv6Header,
    ];
    let buffer = (prop::sample::select(names.to_vec()), some_bytes())
        .prop_map(|(name, tests)| (Buffer { name }, tests));
    let parts = (
        prop::collection::vec(a_test(), 0..3),
        prop::collection::vec(buffer, 0..2),
        proptest::option::weighted(0.2, some_bytes()),
    );
    (prop::sample::select(protocols.to_vec()), parts).prop_map(
        |(protocol, (packet, buffers, payload))| {
            let mut rule = rule(protocol, packet, payload.unwrap_or_default());
            rule.buffers = buffers;
            rule.class = Class::Pkt;
            rule
        },
    )
}

fn a_packet() -> impl Strategy<Value = Wire> {
    let byte = prop_oneof![4 => 0..4_u8, 1 => Just(b'a'), 1 => Just(b'A'), 1 => any::<u8>()];
    let transport = prop::collection::vec(byte.clone(), 20..32);
    let head = prop::collection::vec(byte, 8);
    let protocol = prop::sample::select(NUMBERS.to_vec());
    let parts = (protocol, transport, head, any::<bool>(), 0..4_u8);
    (parts, proptest::option::of(0..4_u16), prop::bool::weighted(0.1)).prop_map(
        |((protocol, mut transport, head, v6, shape), mss, same)| {
            transport[12] = (transport[12] & 15) | 0x50;
            let mut wire = match (v6, shape) {
                (true, 0) => Wire::v6_with(
                    44,
                    &[&[protocol, 0, 0, 0], &head[..4]].concat(),
                    protocol,
                    &transport,
                ),
                (true, _) => Wire::v6(protocol, &transport),
                (false, 0) => Wire::v4_with(protocol, &[7, 3, 4, 0], &transport),
                (false, _) => {
                    Wire::v4(protocol, &transport).with(1, &head[..1]).with(4, &head[4..7])
                }
            };
            if shape == 0 && !v6 {
                wire.ip_options.insert(7);
                wire.ip_options.insert(0);
            }
            wire.tcp_mss = mss.filter(|_| protocol == 6);
            if same {
                wire = if v6 { wire.with(23, &[2]) } else { wire.with(12, &[10, 0, 0, 2]) };
            }
            wire
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn engine_and_reference_agree(
        rules in prop::collection::vec(a_rule(), 1..16),
        packets in prop::collection::vec(a_packet(), 1..10),
    ) {
        let rules = compile(rules);
        prop_assert!(rules.refused().is_empty());
        for packet in &packets {
            alerts(&rules, &packet.view());
        }
    }
}
