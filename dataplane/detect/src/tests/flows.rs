//! Flow keywords and variables: what the peer answers, as data (`data/flows.txt`), and what only we have.

use rules::{Environment, load};

use crate::error::RefusalReason;
use crate::testing::{Session, packet, tuple};
use crate::{
    CompileCache, CompileOptions, FLOW_BITS_MAX, FLOW_INTEGERS_MAX, FlowView, Inspect, RuleSet,
};

/// Rules by their options, or whole rules without a `sid`, which is their place in the list from 1.
fn compile_with(rules: &[&str], cache: &mut CompileCache) -> RuleSet {
    let rule = |(sid, rule): (usize, &&str)| match rule.strip_suffix(')') {
        Some(rule) => format!("{rule} sid:{sid};)\n"),
        None => format!("alert udp any any -> any any ({rule} sid:{sid};)\n"),
    };
    let text: String = (1..).zip(rules).map(rule).collect();
    let loaded = load(text.as_bytes(), "test", &Environment::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    RuleSet::compile(loaded.rules, &CompileOptions::default(), cache).unwrap()
}

fn compile(rules: &[&str]) -> RuleSet {
    let rules = compile_with(rules, &mut CompileCache::new());
    assert!(rules.refused().is_empty(), "{:?}", rules.refused());
    rules
}

/// A packet of the client or server of one flow.
#[derive(Clone, Copy)]
struct Seen {
    payload: &'static str,
    to_server: bool,
    age_s: u32,
}

const fn seen(payload: &'static str, to_server: bool, age_s: u32) -> Seen {
    Seen { payload, to_server, age_s }
}

const ONE: [Seen; 5] = [
    seen("pkt0 a", true, 0),
    seen("pkt1 a", true, 0),
    seen("pkt2 a", true, 0),
    seen("pkt3 a", true, 0),
    seen("pkt4 a", true, 0),
];
const BOTH: [Seen; 5] = [
    seen("one a", true, 0),
    seen("two a", false, 1),
    seen("three a", true, 1),
    seen("four a", false, 1),
    seen("five a", true, 4),
];

fn view(seen: Seen) -> Inspect<'static> {
    let (source, destination) = if seen.to_server { (1_000, 2_000) } else { (2_000, 1_000) };
    let mut tuple = tuple(17, source, destination);
    if !seen.to_server {
        std::mem::swap(&mut tuple.source, &mut tuple.destination);
    }
    packet(tuple, seen.payload.as_bytes())
}

/// The sids that each packet raises, in order, as the pipeline would put the packets to the rules.
fn raised(rules: &RuleSet, packets: &[Seen]) -> Vec<Vec<u32>> {
    let mut session = Session::default();
    let mut ways = [false; 2];
    let mut answers = Vec::new();
    for packet in packets {
        let mut view = view(*packet);
        let way = usize::from(packet.to_server);
        view.first_in_direction = !std::mem::replace(&mut ways[way], true);
        view.flow = Some(FlowView {
            to_server: packet.to_server,
            established: ways == [true; 2],
            age_s: packet.age_s,
            stream_sizes: None,
        });
        let ended = session.bypassed || session.passed;
        let alerts = if ended { Vec::new() } else { session.alerts(rules, &view) };
        let sid = |index: &u32| rules.signatures()[*index as usize].meta.sid;
        answers.push(alerts.iter().map(sid).collect());
    }
    answers
}

#[test]
fn the_peer_answers_the_same() {
    let mut files = 0;
    for file in include_str!("data/flows.txt").split("\n\n") {
        let mut lines = file.lines().filter(|line| !line.starts_with('#'));
        let Some(packets) = lines.next() else { continue };
        let packets = if packets == "= both" { BOTH } else { ONE };
        let (numbers, rules): (Vec<&str>, Vec<&str>) =
            lines.map(|line| line.split_once(' ').unwrap()).unzip();
        let rules: Vec<&str> = rules.into_iter().map(str::trim).collect();
        let answers = raised(&compile(&rules), &packets);
        for (sid, (numbers, rule)) in (1..).zip(numbers.iter().zip(&rules)) {
            let found: Vec<String> = (1..)
                .zip(&answers)
                .filter(|(_, sids)| sids.contains(&sid))
                .map(|(number, _): (u32, _)| number.to_string())
                .collect();
            let found = if found.is_empty() { "-".to_owned() } else { found.join(",") };
            assert_eq!(found, *numbers, "rule {sid} `{rule}` of\n{file}");
        }
        files += 1;
    }
    assert_eq!(files, 24);
}

/// Seen on the peer: what is written comes before what is read, after the action and before the priority.
#[test]
fn alerts_come_in_the_order_in_which_rules_are_looked_at() {
    let cases: [(&[&str], &[u32]); 3] = [
        (
            &[
                "flowbits:isset,x;",
                "flowbits:set,x;",
                "flowbits:isset,x; flowbits:set,y;",
                "flowbits:isset,y;",
            ],
            &[2, 3, 1, 4],
        ),
        (
            &[
                "flowbits:isset,x; priority:1;",
                "flowbits:set,x; priority:4;",
                "ttl:64; priority:1;",
            ],
            &[2, 1, 3],
        ),
        (
            &[
                "ttl:64;",
                "flowint:ab,>,0;",
                "flowint:ab,+,1; priority:4;",
                "flowbits:isset,x;",
                "flowbits:set,x;",
                "drop udp any any -> any any (flowbits:isnotset,x;)",
            ],
            &[6, 5, 4, 3, 2, 1],
        ),
    ];
    for (rules, expected) in cases {
        assert_eq!(raised(&compile(rules), &ONE[..1]), [expected], "{rules:?}");
    }
}

/// Seen on the peer with fragments, IGMP and truncated headers.
#[test]
fn a_packet_without_a_flow() {
    let rules = compile(&[
        "flow:to_server;",
        "flow:to_client;",
        "flow:no_stream;",
        "flow:no_stream,no_frag;",
        "flow:stateless;",
        "flow:not_established;",
        "flow:no_frag;",
        "flow:stateless,to_server;",
        "flow:to_server,no_stream;",
        "flow:established,no_stream;",
        "flow.age:<999;",
        "flowbits:isnotset,x;",
        "flowint:ab,notset;",
        "flowbits:set,y; ttl:64;",
        "flowbits:isset,y;",
        "flow:stateless,no_stream;",
        "flow:not_established,no_stream;",
    ]);
    let mut view = view(ONE[0]);
    view.flow = None;
    let sids = Session::default().alerts(&rules, &view);
    let sids: Vec<u32> = sids.iter().map(|index| index + 1).collect();
    assert_eq!(sids, [14, 1, 3, 4, 16, 17]);
}

/// Seen on the peer: a conversation of 4 and 6 bytes, after its handshake and after each of them.
#[test]
fn sizes_of_a_stream() {
    let sizes = [[1, 0], [1, 1], [5, 1], [5, 7], [7, 7]];
    let cases: [(&str, [bool; 5]); 9] = [
        ("server,=,0", [true, false, false, false, false]),
        ("server,!=,1", [true, false, false, true, true]),
        ("client,>,5", [false, false, false, false, true]),
        ("client,<=,1", [true, true, false, false, false]),
        ("both,=,1", [false, true, false, false, false]),
        ("both,>=,7", [false, false, false, false, true]),
        ("both,<,2", [true, true, false, false, false]),
        ("either,=,5", [false, false, true, true, false]),
        ("either,>,5", [false, false, false, true, true]),
    ];
    for (test, expected) in cases {
        let rules = compile(&[&format!("alert tcp any any -> any any (stream_size:{test};)")]);
        let found = sizes.map(|sizes| {
            let mut view = packet(tuple(6, 3_000, 80), b"");
            view.flow = view.flow.map(|flow| FlowView { stream_sizes: Some(sizes), ..flow });
            !Session::default().alerts(&rules, &view).is_empty()
        });
        assert_eq!(found, expected, "{test}");
        let unknown = packet(tuple(6, 3_000, 80), b"");
        assert!(Session::default().alerts(&rules, &unknown).is_empty(), "no session is followed");
    }
}

#[test]
fn names_keep_their_meaning_over_generations() {
    let mut cache = CompileCache::new();
    let first = compile_with(&["flowbits:set,seen; flowint:count,=,7; ttl:64;"], &mut cache);
    let later = ["flowbits:isset,other;", "flowbits:isset,seen; flowint:count,==,7; ttl:64;"];
    let second = compile_with(&later, &mut cache);
    let third = compile_with(&later, &mut CompileCache::after(&first));
    let mut session = Session::default();
    assert_eq!(session.alerts(&first, &view(ONE[0])), [0]);
    for rules in [second, third] {
        assert_eq!(session.alerts(&rules, &view(ONE[0])), [1]);
    }
}

#[test]
fn a_name_too_many_refuses_its_rule_alone() {
    let bits = (0..FLOW_BITS_MAX).map(|bit| format!("flowbits:set,bit{bit};"));
    let integers = (0..FLOW_INTEGERS_MAX).map(|integer| format!("flowint:integer{integer},+,1;"));
    let more = ["flowbits:isset,bit7|more; ttl:64;", "flowint:more,+,1;", "flowbits:isset,bit7;"];
    let texts: Vec<String> = bits.chain(integers).chain(more.map(str::to_owned)).collect();
    let rules: Vec<&str> = texts.iter().map(String::as_str).collect();
    let rules = compile_with(&rules, &mut CompileCache::new());
    assert_eq!(rules.signatures().len(), texts.len() - 2);
    let [bit, integer] = rules.refused() else { panic!("{:?}", rules.refused()) };
    let (keyword, names_max) = ("flowbits", FLOW_BITS_MAX);
    assert_eq!(bit.reason, RefusalReason::TooManyNames { keyword, names_max });
    assert_eq!((bit.reason.word(), integer.reason.word()), ("flowbits", "flowint"));
    assert!(integer.to_string().contains("there have been 16 names"), "{integer}");
}
