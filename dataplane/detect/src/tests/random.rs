//! Generated rules on generated packets: the engine and its slow twin say the same.

use std::net::IpAddr;

use contract::{Event, EventSet};
use proptest::prelude::*;
use rules::hir::{
    Action, Change, Class, Comparison, Content, Effect, FastPattern, FlagsMode, FlagsTest,
    FlowTest, IntegerTest, NumberTest, Operand, PacketTest, PayloadTest, PlaceVariables, Protocol,
    Rule, StreamSides, StreamSizeTest, Way,
};

use crate::testing::{Session, address, any_end, compile, packet, pcre, port, rule, tuple};
use crate::{FlowView, Scope};

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
                variables: PlaceVariables::default(),
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

/// A few of the events.
fn an_event() -> impl Strategy<Value = Event> {
    let events = [Event::TooManyLayers, Event::UdpHlenInvalid, Event::StreamEstInvalidAck];
    prop::sample::select(events.to_vec())
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
        1 => an_event().prop_map(PacketTest::Event),
        2 => (mode, 0..64_u8, prop::sample::select(vec![0_u8, 8, 16]))
            .prop_map(|(mode, flags, ignore)| PacketTest::Flags(FlagsTest { mode, flags, ignore })),
    ]
}

/// What is due of a stream: nothing for most packets.
fn a_stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(text(24), 1..4)]
}

/// Few names, so that rules meet in them.
fn a_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()])
}

fn an_operand() -> impl Strategy<Value = Operand> {
    let numbers = vec![0, 1, 1, 2, 3, u32::MAX];
    prop_oneof![
        2 => prop::sample::select(numbers).prop_map(Operand::Number),
        1 => a_name().prop_map(Operand::Variable),
    ]
}

fn an_integer_test() -> impl Strategy<Value = IntegerTest> {
    let comparisons = vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];
    prop_oneof![
        1 => Just(IntegerTest::Set),
        1 => Just(IntegerTest::NotSet),
        3 => (prop::sample::select(comparisons), an_operand())
            .prop_map(|(comparison, operand)| IntegerTest::Compare(comparison, operand)),
    ]
}

fn a_flow_test() -> impl Strategy<Value = FlowTest> {
    let number = prop_oneof![
        (0..4_u32).prop_map(NumberTest::Equal),
        (0..4_u32).prop_map(NumberTest::Greater),
    ];
    let sides = prop::sample::select(vec![
        StreamSides::Client,
        StreamSides::Server,
        StreamSides::Both,
        StreamSides::Either,
    ]);
    let bits = (proptest::collection::vec(a_name(), 1..3), any::<bool>());
    prop_oneof![
        1 => Just(FlowTest::Member),
        2 => prop::sample::select(vec![Way::ToServer, Way::ToClient]).prop_map(FlowTest::Way),
        2 => any::<bool>().prop_map(FlowTest::Established),
        1 => any::<bool>().prop_map(FlowTest::Stream),
        1 => any::<bool>().prop_map(FlowTest::Reassembled),
        1 => number.clone().prop_map(FlowTest::Age),
        1 => (sides, number)
            .prop_map(|(sides, size)| FlowTest::StreamSize(StreamSizeTest { sides, size })),
        4 => bits.prop_map(|(names, set)| FlowTest::Bits { names, set }),
        4 => (a_name(), an_integer_test())
            .prop_map(|(name, test)| FlowTest::Integer { name, test }),
    ]
}

fn an_effect() -> impl Strategy<Value = Effect> {
    let change = prop::sample::select(vec![Change::Set, Change::Add, Change::Subtract]);
    prop_oneof![
        2 => a_name().prop_map(Effect::SetBit),
        2 => a_name().prop_map(Effect::UnsetBit),
        2 => a_name().prop_map(Effect::ToggleBit),
        4 => (a_name(), change, an_operand())
            .prop_map(|(name, change, operand)| Effect::Integer { name, change, operand }),
        1 => Just(Effect::Bypass),
    ]
}

fn a_flow() -> impl Strategy<Value = Option<FlowView>> {
    let sizes = proptest::option::of([0..4_u32, 0..4_u32]);
    let flow = (any::<bool>(), any::<bool>(), 0..4_u32, sizes).prop_map(
        |(to_server, established, age_s, stream_sizes)| FlowView {
            to_server,
            established,
            age_s,
            stream_sizes,
        },
    );
    prop_oneof![1 => Just(None), 7 => flow.prop_map(Some)]
}

fn an_end() -> impl Strategy<Value = rules::hir::Endpoint> {
    prop_oneof![
        4 => Just(any_end()),
        2 => (0..4_u16).prop_map(port),
        1 => (1..3_u8).prop_map(|host| address(IpAddr::from([10, 0, 0, host]))),
    ]
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let protocols = [
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Ip,
        Protocol::Icmp,
        Protocol::Ipv6,
        Protocol::PktHdr,
    ];
    let actions =
        [Action::Alert, Action::Alert, Action::Alert, Action::Drop, Action::Reject, Action::Pass];
    let payload = prop_oneof![4 => a_content().prop_map(PayloadTest::Content), 1 => a_pcre()];
    let tests = (
        proptest::collection::vec(a_packet_test(), 0..2),
        proptest::collection::vec(payload, 0..4),
    );
    let flow = (
        proptest::collection::vec(a_flow_test(), 0..3),
        proptest::collection::vec(an_effect(), 0..3),
        prop::bool::weighted(0.8),
    );
    let ends = (an_end(), an_end(), prop::bool::weighted(0.2));
    let classes = [Class::Pkt, Class::PktOrStream, Class::PktAndStream, Class::Stream];
    let header =
        (prop::sample::select(protocols.to_vec()), prop::sample::select(actions.to_vec()), 1..4_u8);
    (header, prop::sample::select(classes.to_vec()), ends, tests, flow).prop_map(
        |(
            (protocol, action, priority),
            class,
            (source, destination, bidirectional),
            (packet, payload),
            (flow, effects, raises),
        )| {
            let mut rule = rule(protocol, packet, payload);
            let is_event = |test: &PacketTest| matches!(test, PacketTest::Event(_));
            rule.class = match (rule.packet.is_empty(), rule.payload.is_empty()) {
                (true, true) if flow.is_empty() => Class::IpOnly,
                (true, _) => class,
                (false, true) if rule.packet.iter().all(is_event) => Class::Event,
                (false, _) => Class::Pkt,
            };
            (rule.flow, rule.effects, rule.raises) = (flow, effects, raises);
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
            (prop::sample::select(vec![1_u8, 6, 6, 17, 17, 47]), 0..4_u16, 0..4_u16, any::<u8>(),
             prop_oneof![1 => Just(Vec::new()), 8 => text(24)], any::<[bool; 4]>(), a_flow(),
             a_stream()),
            1..12,
        ),
        unusual in proptest::collection::vec(
            (proptest::collection::vec(an_event(), 0..3),
             prop::sample::select(vec![Scope::Whole, Scope::Whole, Scope::Malformed, Scope::Undecoded])),
            12,
        ),
    ) {
        let rules = compile(rules);
        let mut session = Session::default();
        for ((protocol, source, destination, flags, payload, bits, flow, stream), (events, scope)) in
            packets.iter().zip(&unusual)
        {
            let [first, reassembled, in_stream, only] = *bits;
            let mut view = packet(tuple(*protocol, *source, *destination), payload);
            view.tcp_flags = view.tcp_flags.map(|_| flags & 0x3f);
            view.ttl = flags & 0x1f;
            view.first_in_direction = first;
            view.flow = *flow;
            view.reassembled = reassembled;
            view.events = events.iter().copied().collect::<EventSet>();
            let chunks: Vec<&[u8]> = stream.iter().map(Vec::as_slice).collect();
            if *scope == Scope::Whole && *protocol == 6 {
                (view.in_stream, view.chunks) = (in_stream, &chunks);
                view.chunks_only = only && !chunks.is_empty();
            }
            if view.chunks_only {
                view.events = EventSet::EMPTY;
            }
            view.scope = *scope;
            if *scope == Scope::Undecoded {
                view.tuple.protocol = 0;
            }
            session.alerts(&rules, &view);
        }
    }
}
