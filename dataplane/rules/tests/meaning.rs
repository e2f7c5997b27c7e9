//! What rules mean: text → HIR. Classes are those that Suricata 7.0.10 reports for the same rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::IpAddr;

use contract::Event;
use rules::hir::{
    Action, Change, Class, Comparison, Content, Effect, FastPattern, FlagsMode, FlagsTest,
    FlowTest, IntegerTest, NumberTest, Operand, PacketTest, PayloadTest, Pcre, PortSet, Protocol,
    Rule, StreamSides, StreamSizeTest, Way,
};
use rules::{Environment, load, parse_classifications};

fn read(text: &str) -> Rule {
    let (classifications, _) = parse_classifications(
        "config classification: bad,Bad things,2\nconfig classification: worse,Worse things,1\n",
    );
    let mut environment = Environment { classifications, ..Environment::default() };
    environment.address_groups.insert("NET".into(), "1.2.3.0/24".into());
    environment.address_groups.insert("NOT_NET".into(), "!$NET".into());
    environment.references.insert("cve".into(), "https://example.org/".into());
    let mut loaded = load(text.as_bytes(), "rules", &environment);
    loaded.rules.pop().unwrap_or_else(|| panic!("{text}: {:?}", loaded.diagnostics))
}

fn options(text: &str) -> Rule {
    read(&format!("alert tcp any any -> any any ({text} sid:1;)"))
}

fn content(text: &str) -> Content {
    match options(text).payload.pop() {
        Some(PayloadTest::Content(content)) => content,
        other => panic!("{text}: {other:?}"),
    }
}

fn plain(bytes: &[u8]) -> Content {
    Content::anywhere(bytes.to_vec())
}

#[test]
fn header() {
    let rule = read("reject udp $NET [53,5353] <> !2.2.2.2 any (msg:\"m\"; sid:8; rev:3;)");
    assert_eq!(
        (rule.action, rule.protocol, rule.bidirectional),
        (Action::Reject, Protocol::Udp, true)
    );
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(rule.source.addresses.contains(address("1.2.3.255")));
    assert!(!rule.source.addresses.contains(address("1.2.4.0")));
    assert!(!rule.destination.addresses.contains(address("2.2.2.2")));
    assert!(!rule.destination.addresses.contains(address("::1")), "no IPv6 is named");
    assert_eq!(rule.source.ports, PortSet(vec![53..=53, 5353..=5353]));
    assert!(rule.destination.ports.is_any() && !rule.destination.addresses.is_any());
    assert!(rule.source.ports.contains(5353) && !rule.source.ports.contains(54));
    assert_eq!((rule.meta.sid, rule.meta.rev, rule.line), (8, 3, 1));
    assert!(rule.text.starts_with("reject udp") && rule.text.ends_with(')'));
}

#[test]
fn protocol_words() {
    let cases = [
        ("ip", Protocol::Ip),
        ("ip4", Protocol::Ipv4),
        ("ipv4", Protocol::Ipv4),
        ("pkthdr", Protocol::PktHdr),
        ("ip6", Protocol::Ipv6),
        ("ipv6", Protocol::Ipv6),
        ("TCP", Protocol::Tcp),
        ("tcp-pkt", Protocol::TcpPkt),
        ("tcp-stream", Protocol::TcpStream),
        ("udp", Protocol::Udp),
        ("icmp", Protocol::Icmp),
        ("icmpv4", Protocol::Icmpv4),
        ("icmpv6", Protocol::Icmpv6),
        ("sctp", Protocol::Sctp),
    ];
    for (word, protocol) in cases {
        assert_eq!(read(&format!("alert {word} any any -> any any (sid:1;)")).protocol, protocol);
    }
}

#[test]
fn what_a_rule_says_of_itself() {
    let meta = options(
        &[
            r#"msg:"a\;b\"c\\d\:e"; gid:3; gid:4; reference:CVE, 2020-1 ; classtype:Bad;"#,
            "metadata:a b, c  d e, f,,; metadata:a x; target:src_ip;",
        ]
        .join(" "),
    )
    .meta;
    assert_eq!(meta.msg, r#"a;b"c\d:e"#);
    assert_eq!((meta.gid, meta.rev, meta.priority), (4, 0, 2));
    assert_eq!((meta.classtype.as_deref(), meta.category.as_str()), (Some("bad"), "Bad things"));
    assert_eq!(meta.references, [("cve".to_owned(), "2020-1".to_owned())]);
    let metadata: Vec<_> =
        meta.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(metadata, [("a", "b"), ("c", "d e"), ("f", ""), ("a", "x"), ("target", "src_ip")]);
}

#[test]
fn priorities() {
    let cases = [
        ("", 3, ""),
        ("classtype:bad;", 2, "Bad things"),
        ("classtype:bad; priority:7;", 7, "Bad things"),
        ("priority:5; priority:4; priority:6; classtype:worse;", 4, "Worse things"),
        ("classtype:bad; classtype:worse;", 1, "Worse things"),
        ("classtype:worse; classtype:bad;", 1, "Worse things"),
        ("classtype:nonesuch;", 3, ""),
    ];
    for (text, priority, category) in cases {
        let meta = options(text).meta;
        assert_eq!((meta.priority, meta.category.as_str()), (priority, category), "{text}");
    }
}

#[test]
fn contents_and_their_modifiers() {
    let cases = [
        (r#"content:"a|20 42|";"#, plain(b"a B")),
        (r#"content:! "ab"; nocase;"#, Content { negated: true, nocase: true, ..plain(b"ab") }),
        (
            r#"content:"ab"; offset:2; depth:0x8;"#,
            Content { offset: Some(2), depth: Some(8), ..plain(b"ab") },
        ),
        (
            r#"content:"x"; content:"ab"; distance:-3; within:9; endswith;"#,
            Content { distance: Some(-3), within: Some(9), endswith: true, ..plain(b"ab") },
        ),
        (
            r#"content:"ab"; startswith;"#,
            Content { offset: Some(0), depth: Some(2), ..plain(b"ab") },
        ),
        (
            r#"content:"abcdef"; fast_pattern:1, 3;"#,
            Content {
                fast_pattern: FastPattern::Chop { offset: 1, length: 3 },
                ..plain(b"abcdef")
            },
        ),
        (
            r#"content:"ab"; rawbytes; fast_pattern:only;"#,
            Content { fast_pattern: FastPattern::Only, ..plain(b"ab") },
        ),
        (
            r#"content:"ab"; fast_pattern;"#,
            Content { fast_pattern: FastPattern::Chosen, ..plain(b"ab") },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(content(text), expected, "{text}");
    }
}

/// Seen on the peer: such a rule is silent wherever the literal is in the payload.
#[test]
fn a_lone_negated_content_may_not_be_anywhere() {
    let cases = [
        (r#"content:!"ab"; endswith;"#, false),
        (r#"pcre:"/x/"; content:!"ab"; endswith;"#, false),
        (r#"content:!"ab"; endswith; offset:1;"#, true),
        (r#"content:!"ab"; endswith; depth:5;"#, true),
        (r#"content:"x"; content:!"ab"; endswith;"#, true),
        (r#"content:"x"; content:!"ab"; distance:0; endswith;"#, true),
    ];
    for (text, expected) in cases {
        let rule = options(text);
        let ends = rule.payload.iter().any(|test| match test {
            PayloadTest::Content(content) => content.endswith,
            _ => false,
        });
        assert_eq!(ends, expected, "{text}");
    }
}

#[test]
fn modifiers_belong_to_the_last_content_even_after_a_pcre() {
    let rule = options(r#"content:"ab"; pcre:!"/x\/y\;/iR"; depth:5; nocase;"#);
    let expected = Content { depth: Some(5), nocase: true, ..plain(b"ab") };
    assert_eq!(rule.payload[0], PayloadTest::Content(expected));
    let PayloadTest::Pcre(pcre) = &rule.payload[1] else { panic!("not a pcre") };
    let expected = Pcre {
        pattern: r"x\/y\;".to_owned(),
        negated: true,
        relative: true,
        caseless: true,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end_only: false,
        ungreedy: false,
    };
    assert_eq!(*pcre, expected);
}

#[test]
fn packet_tests_in_rule_order() {
    let rule = options("ttl:<64; dsize:10<>20; flags:S,12; itype:!8; icode:>=1; flags:+A;");
    let flags = |mode, flags, ignore| PacketTest::Flags(FlagsTest { mode, flags, ignore });
    assert_eq!(
        rule.packet,
        [
            PacketTest::Ttl(NumberTest::Less(64)),
            PacketTest::Dsize(NumberTest::Between(10, 20)),
            flags(FlagsMode::Exact, 0x02, 0xc0),
            PacketTest::Itype(NumberTest::NotEqual(8)),
            PacketTest::Icode(NumberTest::GreaterOrEqual(1)),
            flags(FlagsMode::All, 0x10, 0),
        ]
    );
}

#[test]
fn flow_tests_and_effects_in_rule_order() {
    let rule = options(
        "flow: Established , from_client,no_stream; flow.age:>3; flowbits:isset, a|b; \
         flowbits:set,c; stream_size:both, >= ,7; flowint:ab,+,1; flowbits: isnotset,d; bypass; \
         flowint:ab, >, c_d; flowint:ab,notset; flowint: ab,=,cd; flowbits:toggle,e;",
    );
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let integer = |test| FlowTest::Integer { name: "ab".into(), test };
    assert_eq!(
        rule.flow,
        [
            FlowTest::Established(true),
            FlowTest::Way(Way::ToServer),
            FlowTest::Stream(false),
            FlowTest::Member,
            FlowTest::Age(NumberTest::Greater(3)),
            FlowTest::Bits { names: names(&["a", "b"]), set: true },
            FlowTest::StreamSize(StreamSizeTest {
                sides: StreamSides::Both,
                size: NumberTest::GreaterOrEqual(7)
            }),
            FlowTest::Bits { names: names(&["d"]), set: false },
            integer(IntegerTest::Compare(Comparison::Greater, Operand::Variable("c_d".into()))),
            integer(IntegerTest::NotSet),
        ]
    );
    let change = |change, operand| Effect::Integer { name: "ab".into(), change, operand };
    assert_eq!(
        rule.effects,
        [
            Effect::SetBit("c".into()),
            change(Change::Add, Operand::Number(1)),
            Effect::Bypass,
            change(Change::Set, Operand::Variable("cd".into())),
            Effect::ToggleBit("e".into()),
        ]
    );
}

#[test]
fn what_raises_an_alert() {
    let cases = [
        ("alert", "", true),
        ("alert", "noalert;", false),
        ("alert", "flowbits:noalert;", false),
        ("drop", "", true),
        ("drop", "noalert;", false),
        ("reject", "", true),
        ("pass", "", false),
        ("pass", "alert;", true),
        ("pass", "alert; noalert;", false),
        ("alert", "flowbits:noalert; alert;", true),
    ];
    for (action, options, raises) in cases {
        let rule = read(&format!("{action} tcp any any -> any any ({options} sid:1;)"));
        assert_eq!(rule.raises, raises, "{action} ({options})");
    }
}

/// Companions, as measured: Suricata's matches on packets with the flags S, SA, A and PA.
#[test]
fn tests_that_suricata_adds() {
    let flags = |mode, flags| PacketTest::Flags(FlagsTest { mode, flags, ignore: 0 });
    let (any, not) = (FlagsMode::Any, FlagsMode::Not);
    let cases = [
        ("flags:!SA;", vec![flags(not, 0x12), flags(any, 0x07)]),
        ("flags:*SA;", vec![flags(any, 0x12), flags(any, 0x07)]),
        ("flags:*SF;", vec![flags(any, 0x03)]),
        ("flags:!P;", vec![flags(not, 0x08)]),
        ("flags:!U;", vec![flags(not, 0x20), flags(any, 0xe0)]),
        ("flags:*SPU;", vec![flags(any, 0x2a), flags(any, 0x07), flags(any, 0xe0)]),
        ("flags:+SA;", vec![flags(FlagsMode::All, 0x12)]),
        ("flags:0,12;", vec![flags(FlagsMode::Exact, 0)]),
        ("flags:+0;", vec![flags(FlagsMode::Exact, 0)]),
        ("flags:!0;", vec![flags(any, 0xff)]),
        ("flags:*0;", vec![flags(any, 0)]),
        (
            "dsize:!5;",
            vec![
                PacketTest::Dsize(NumberTest::NotEqual(5)),
                PacketTest::Dsize(NumberTest::Greater(0)),
            ],
        ),
        ("dsize:<5;", vec![PacketTest::Dsize(NumberTest::Less(5))]),
    ];
    for (text, expected) in cases {
        assert_eq!(options(text).packet, expected, "{text}");
    }
}

#[test]
fn classes() {
    let cases = [
        ("tcp any any -> any any", r#"content:"x";"#, Class::PktOrStream),
        ("tcp any any -> any any", r#"content:"x"; offset:5;"#, Class::PktAndStream),
        ("ip any any -> any any", r#"content:"x"; depth:5;"#, Class::PktAndStream),
        ("tcp any any -> any any", r#"content:"y"; content:"x"; startswith;"#, Class::PktAndStream),
        ("tcp-stream any any -> any any", r#"content:"x"; depth:5;"#, Class::PktOrStream),
        ("tcp any any -> any any", r#"flow:only_stream; content:"x"; depth:5;"#, Class::Stream),
        ("tcp any any -> any any", r#"pcre:"/x/";"#, Class::PktOrStream),
        ("ip any any -> any any", r#"content:"x";"#, Class::PktOrStream),
        ("ip4 any any -> any any", r#"content:"x";"#, Class::PktOrStream),
        ("tcp any any -> any any", r#"content:"x"; ttl:5;"#, Class::Pkt),
        ("tcp any any -> any any", "flags:S;", Class::Pkt),
        ("tcp !1.2.3.4 any -> any any", "flags:S;", Class::Pkt),
        ("tcp-pkt any any -> any any", r#"content:"x";"#, Class::Pkt),
        (
            "tcp any any -> any any",
            r#"flow:established,to_server; content:"x";"#,
            Class::PktOrStream,
        ),
        ("tcp any any -> any any", r#"flow:no_stream; content:"x";"#, Class::Pkt),
        ("tcp any any -> any any", r#"flow:only_stream; content:"x";"#, Class::Stream),
        ("tcp any any -> any any", "flow:only_stream;", Class::Stream),
        ("tcp any any -> any any", r#"flow.age:>1; content:"x";"#, Class::Pkt),
        ("tcp any any -> any any", r#"stream_size:both,>,1; content:"x";"#, Class::PktOrStream),
        (
            "tcp any any -> any any",
            r#"flowbits:isset,a; flowint:bc,+,1; content:"x";"#,
            Class::PktOrStream,
        ),
        ("ip 10.0.0.0/8 any -> any any", "flow:to_server;", Class::Pkt),
        ("ip !10.0.0.0/8 any -> any any", "flow:to_server;", Class::Pkt),
        ("ip 10.0.0.0/8 any -> any any", "flowbits:isnotset,a; flowbits:set,a;", Class::Pkt),
        ("ip 10.0.0.0/8 any -> any any", "flowint:ab,+,1;", Class::Pkt),
        ("ip 10.0.0.0/8 any -> any any", "flowbits:set,a; noalert; bypass;", Class::IpOnly),
        ("ip !10.0.0.0/8 any -> any any", "flowbits:set,a;", Class::PktHdr),
        ("udp any any -> any any", r#"content:"x";"#, Class::Pkt),
        ("icmp any any -> any any", r#"content:"x";"#, Class::Pkt),
        ("sctp any any -> any any", r#"content:"x";"#, Class::Pkt),
        ("tcp-stream any any -> any any", r#"content:"x";"#, Class::PktOrStream),
        ("tcp-stream any any -> any any", "", Class::IpOnly),
        ("tcp-pkt any any -> any 21", "", Class::IpOnly),
        ("tcp any 1024: -> any !21", "", Class::IpOnly),
        ("ip 10.0.0.0/8 any -> $NET any", "", Class::IpOnly),
        ("tcp !1.2.3.4 any -> any any", "", Class::PktHdr),
        ("tcp any any -> [1.2.3.0/24,![1.2.3.4,1.2.3.9]] any", "", Class::PktHdr),
        ("tcp [1.2.3.4,!9.9.9.9] any -> any any", "", Class::PktHdr),
        ("tcp $NOT_NET any -> any any", "", Class::PktHdr),
        ("pkthdr any any -> any any", "", Class::IpOnly),
        ("pkthdr any any -> any any", "decode-event:tcp.hlen_too_small;", Class::Event),
        ("tcp any any -> any any", "stream-event:est_invalid_ack;", Class::Event),
        ("ip any any -> any any", "decode-event:tcp.hlen_too_small; ttl:5;", Class::Pkt),
        ("udp any any -> any any", r#"decode-event:udp.hlen_invalid; content:"x";"#, Class::Pkt),
    ];
    for (header, options, class) in cases {
        let rule = read(&format!("alert {header} ({options} sid:1;)"));
        assert_eq!(rule.class, class, "{header} ({options})");
    }
}

#[test]
fn events_are_found_by_name() {
    let cases = [
        ("decode-event:IPv4.pkt_too_small", Event::Ipv4PktTooSmall),
        ("engine-event:decoder.ipv4.pkt_too_small", Event::Ipv4PktTooSmall),
        ("engine-event:stream.est_invalid_ack", Event::StreamEstInvalidAck),
        ("stream-event: EST_INVALID_ACK ", Event::StreamEstInvalidAck),
    ];
    for (text, event) in cases {
        assert_eq!(options(&format!("{text};")).packet, [PacketTest::Event(event)], "{text}");
    }
    let tests = options(
        "decode-event:ipv4.pkt_too_small; stream-event:est_synack_resend_with_different_ack;",
    );
    let events = [Event::Ipv4PktTooSmall, Event::StreamEstSynackResendWithDiffAck];
    assert_eq!(tests.packet, events.map(PacketTest::Event));
}

#[test]
fn an_event_that_is_none_gets_a_hint() {
    let cases = [
        ("decode-event:decoder.ipv4.pkt_too_small", Some("ipv4.pkt_too_small")),
        ("engine-event:ipv4.pkt_too_small", Some("decoder.ipv4.pkt_too_small")),
        ("stream-event:est_invalid_akc", Some("est_invalid_ack")),
        ("decode-event:nosuch", None),
        ("decode-event:!ipv4.pkt_too_small", Some("ipv4.pkt_too_small")),
    ];
    for (text, hint) in cases {
        let rule = format!("alert pkthdr any any -> any any ({text}; sid:1;)");
        let loaded = load(rule.as_bytes(), "rules", &Environment::default());
        let [fault] = &loaded.diagnostics[..] else { panic!("{text}: {:?}", loaded.diagnostics) };
        let shown = fault.to_string();
        let hinted = hint.is_none_or(|name| shown.contains(&format!("did you mean `{name}`?")));
        assert!(shown.contains("is not an event that") && hinted, "{shown}");
        assert_eq!(hint.is_some(), shown.contains("did you mean"), "{shown}");
    }
}
