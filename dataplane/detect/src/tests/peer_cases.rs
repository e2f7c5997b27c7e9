//! What the peer (Suricata 7.0.10) answers, as data: each case was put to it as rule and capture.

use std::net::IpAddr;

use rules::hir::{Action, Class, Content, FlagsMode, FlagsTest, PacketTest, PayloadTest, Protocol};

use crate::outcome::PassScope;
use crate::testing::{
    address, alerts, any_end, compile, content, inspect, packet, pcre, port, rule, tuple, udp,
};
use crate::{Inspect, Outcome};

/// The payloads out of `payloads` on which a UDP rule with `tests` alerts.
fn matching<'a>(tests: Vec<PayloadTest>, payloads: &[&'a str]) -> Vec<&'a str> {
    let rules = compile(vec![rule(Protocol::Udp, Vec::new(), tests)]);
    assert!(rules.refused().is_empty(), "{:?}", rules.refused());
    let hit = |payload: &&&str| !alerts(&rules, &udp(payload.as_bytes())).is_empty();
    payloads.iter().filter(hit).copied().collect()
}

fn has(bytes: &str) -> PayloadTest {
    PayloadTest::Content(content(bytes.as_bytes()))
}

fn with(bytes: &str, change: impl FnOnce(&mut Content)) -> PayloadTest {
    let mut content = content(bytes.as_bytes());
    change(&mut content);
    PayloadTest::Content(content)
}

fn relative(bytes: &str, distance: Option<i32>, within: Option<i32>) -> PayloadTest {
    with(bytes, |content| (content.distance, content.within) = (distance, within))
}

fn regex(pattern: &str, flags: &str) -> PayloadTest {
    PayloadTest::Pcre(pcre(pattern, flags))
}

#[test]
fn a_content_is_tried_again_only_if_the_next_test_is_relative() {
    let between = vec![
        has("A"),
        with("Z", |content| content.negated = true),
        relative("B", Some(0), Some(1)),
    ];
    assert_eq!(matching(between, &["AxxAB", "AB"]), ["AB"]);
    let direct = vec![has("A"), relative("B", Some(0), Some(1))];
    assert_eq!(matching(direct, &["AxxAB", "AB"]), ["AxxAB", "AB"]);
}

#[test]
fn a_payload_is_needed_also_for_what_must_not_be_in_it() {
    let negated = vec![with("Z", |content| content.negated = true)];
    assert_eq!(matching(negated, &["", "a"]), ["a"]);
    assert_eq!(matching(vec![regex("^$", "")], &["", "a"]), [""; 0]);
}

#[test]
fn a_window_before_the_payload_is_the_whole_payload() {
    let payloads = ["AxxBCD", "ABCD", "BCDA", "xxxxxxABCD"];
    let narrow = vec![has("A"), relative("BCD", Some(-5), Some(3))];
    assert_eq!(matching(narrow, &payloads), ["AxxBCD", "ABCD"]);
    let wide = vec![has("A"), relative("BCD", Some(-5), Some(10))];
    assert_eq!(matching(wide, &payloads), payloads);
}

#[test]
fn a_first_relative_content_counts_from_the_start() {
    assert_eq!(matching(vec![relative("A", Some(2), None)], &["Axx", "xxA"]), ["xxA"]);
    assert_eq!(matching(vec![relative("A", None, Some(2))], &["Axx", "xxA"]), ["Axx"]);
}

#[test]
fn the_step_limit_ends_a_search_and_is_counted() {
    let tests = vec![has("a"), relative("b", Some(0), Some(1))];
    let rules = compile(vec![rule(Protocol::Udp, Vec::new(), tests)]);
    for (repeats, expected) in [(2_997, 1), (2_998, 0)] {
        let payload = format!("{}ab", "a".repeat(repeats));
        assert_eq!(alerts(&rules, &udp(payload.as_bytes())).len(), expected, "{repeats}");
        let outcome = inspect(&rules, &udp(payload.as_bytes()), &mut rules.new_scratch());
        assert_eq!(outcome.match_limit_hits, 1 - expected as u32, "{repeats}");
    }
}

#[test]
fn a_regex_is_tried_again_for_its_successor() {
    let payloads = ["ab\n", "abbc", "b\n\n", "axbbc"];
    let successor = |pattern, flags| vec![regex(pattern, flags), relative("c", Some(0), Some(1))];
    assert_eq!(matching(successor("b", ""), &payloads), ["abbc", "axbbc"]);
    let chained = vec![has("a"), regex("^b", "R"), relative("c", Some(0), Some(1))];
    assert_eq!(matching(chained, &payloads), [""; 0]);
    assert_eq!(matching(vec![has("a"), regex("b$", "R")], &payloads), ["ab\n"]);
    assert_eq!(matching(vec![has("a"), regex("b", "R!")], &payloads), [""; 0]);
    assert_eq!(matching(vec![regex("b", "A")], &payloads), ["b\n\n"]);
    assert_eq!(matching(vec![has("a"), regex("b", "AR")], &payloads), ["ab\n", "abbc"]);
    assert_eq!(matching(vec![regex("(?:a$|x)", "")], &payloads), ["axbbc"]);
}

#[test]
fn ends_and_depths() {
    let payloads = ["xaab", "abxab", "ab", "xab", "xxxabc"];
    let ends = |content: &mut Content| content.endswith = true;
    assert_eq!(matching(vec![with("ab", ends)], &payloads), ["xaab", "abxab", "ab", "xab"]);
    let deep = |content: &mut Content| {
        (content.offset, content.depth, content.endswith) = (Some(1), Some(3), true);
    };
    assert_eq!(matching(vec![with("ab", deep)], &payloads), ["xaab", "xab"]);
    let near = vec![has("x"), with("ab", |c| (c.within, c.endswith) = (Some(4), true))];
    assert_eq!(matching(near, &payloads), ["xaab", "abxab", "xab"]);
    let not_at_one = |content: &mut Content| {
        (content.negated, content.offset, content.depth) = (true, Some(1), Some(2));
    };
    assert_eq!(
        matching(vec![with("ab", not_at_one)], &payloads),
        ["xaab", "abxab", "ab", "xxxabc"]
    );
    let not_behind = |content: &mut Content| (content.negated, content.offset) = (true, Some(10));
    assert_eq!(matching(vec![with("ab", not_behind)], &payloads), payloads);
    let not_next = vec![has("x"), with("b", |c| (c.negated, c.within) = (true, Some(2)))];
    assert_eq!(matching(not_next, &payloads), ["xaab", "xxxabc"]);
}

#[test]
fn a_negated_end_looks_at_the_first_occurrence_and_counts_the_start_twice() {
    let payloads = ["xQab", "xQabz", "xQzab", "xQabab", "xQababz", "xQzz"];
    let end = |distance: Option<i32>, offset: Option<u32>| {
        let change = move |content: &mut Content| {
            (content.negated, content.endswith) = (true, true);
            (content.distance, content.offset) = (distance, offset);
        };
        vec![has("xQ"), with("ab", change)]
    };
    assert_eq!(matching(end(None, None), &payloads), ["xQabz", "xQabab", "xQababz", "xQzz"]);
    let behind = matching(end(Some(0), None), &payloads);
    assert_eq!(behind, ["xQab", "xQabz", "xQzab", "xQababz", "xQzz"]);
    let from_one = matching(end(None, Some(1)), &payloads);
    assert_eq!(from_one, ["xQab", "xQzab", "xQabab", "xQababz", "xQzz"]);
}

#[test]
fn flags() {
    let seen: [u8; 6] = [0x10, 0x02, 0x12, 0x18, 0x00, 0x04];
    let cases: [(FlagsMode, u8, u8, &[u8]); 5] = [
        (FlagsMode::All, 0x10, 0, &[0x10, 0x12, 0x18]),
        (FlagsMode::Not, 0x10, 0, &[0x02, 0x00, 0x04]),
        (FlagsMode::Exact, 0x02, 0x20, &[0x02]),
        (FlagsMode::Exact, 0x10, 0x02, &[0x10, 0x12]),
        (FlagsMode::Any, 0x06, 0, &[0x02, 0x12, 0x04]),
    ];
    for (mode, flags, ignore, expected) in cases {
        let test = PacketTest::Flags(FlagsTest { mode, flags, ignore });
        let rules = compile(vec![rule(Protocol::Tcp, vec![test], Vec::new())]);
        let hit = |flags: &u8| {
            let mut view = packet(tuple(6, 1, 2), b"");
            view.tcp_flags = Some(*flags);
            !alerts(&rules, &view).is_empty()
        };
        let found: Vec<u8> = seen.into_iter().filter(hit).collect();
        assert_eq!(found, expected, "{mode:?} {flags:#x} without {ignore:#x}");
    }
}

#[test]
fn ports_need_a_packet_that_has_them() {
    let mut by_port = rule(Protocol::Ip, Vec::new(), Vec::new());
    by_port.destination = port(0);
    let mut icmp = rule(Protocol::Icmp, Vec::new(), Vec::new());
    icmp.destination = port(80);
    let any_port = rule(Protocol::Udp, Vec::new(), Vec::new());
    let rules = compile(vec![by_port, icmp, any_port]);
    assert_eq!(alerts(&rules, &packet(tuple(1, 8, 0), b"x")), [0; 0]);
    assert_eq!(alerts(&rules, &packet(tuple(47, 0, 0), b"x")), [0; 0]);
    assert_eq!(alerts(&rules, &packet(tuple(17, 7, 0), b"x")), [0, 2]);
    let mut fragment = packet(tuple(17, 0, 0), b"x");
    fragment.has_transport = false;
    assert_eq!(alerts(&rules, &fragment), [2]);
}

#[test]
fn drop_comes_first_then_reject_then_priority_then_the_order_of_the_file() {
    let rule_of = |action, priority| {
        let mut rule = rule(Protocol::Udp, Vec::new(), vec![has("a")]);
        (rule.action, rule.meta.priority) = (action, priority);
        rule
    };
    let rules = compile(vec![
        rule_of(Action::Alert, 3),
        rule_of(Action::Alert, 3),
        rule_of(Action::Drop, 3),
        rule_of(Action::Alert, 1),
        rule_of(Action::Alert, 3),
        rule_of(Action::Reject, 3),
    ]);
    assert_eq!(alerts(&rules, &udp(b"aaa")), [2, 5, 3, 0, 1, 4]);
}

#[test]
fn a_rule_for_both_directions_may_alert_twice() {
    let between = |source, destination| {
        let mut rule = rule(Protocol::Udp, Vec::new(), vec![has("a")]);
        (rule.source, rule.destination, rule.bidirectional) = (source, destination, true);
        rule
    };
    let rules = compile(vec![
        between(any_end(), port(53)),
        between(any_end(), any_end()),
        between(port(53), port(53)),
    ]);
    assert_eq!(alerts(&rules, &packet(tuple(17, 53, 53), b"a")), [0, 0, 1, 2]);
    assert_eq!(alerts(&rules, &packet(tuple(17, 53, 54), b"a")), [0, 1]);
}

#[test]
fn pass_silences_the_packet_and_by_addresses_the_flow() {
    let mut pass = rule(Protocol::Udp, Vec::new(), vec![has("b")]);
    (pass.action, pass.raises) = (Action::Pass, false);
    let mut by_address = rule(Protocol::Ip, Vec::new(), Vec::new());
    (by_address.action, by_address.class) = (Action::Pass, Class::IpOnly);
    by_address.raises = false;
    by_address.source = address(IpAddr::from([192, 0, 2, 1]));
    let alert = rule(Protocol::Udp, Vec::new(), vec![has("a")]);
    let rules = compile(vec![pass, by_address, alert]);
    let mut scratch = rules.new_scratch();
    let mut seen = |view: &Inspect<'_>| -> (Outcome, usize) {
        let outcome = inspect(&rules, view, &mut scratch);
        (outcome, scratch.alerts().len())
    };
    let (outcome, raised) = seen(&udp(b"aab"));
    assert_eq!((outcome.pass, raised), (Some(PassScope::Packet), 0));
    let (outcome, raised) = seen(&udp(b"aaa"));
    assert_eq!((outcome.pass, raised), (None, 1));
    let mut view = udp(b"aaa");
    view.tuple.source = IpAddr::from([192, 0, 2, 1]);
    let (outcome, raised) = seen(&view);
    assert_eq!((outcome.pass, raised), (Some(PassScope::Flow), 0));
    view.first_in_direction = false;
    let (outcome, raised) = seen(&view);
    assert_eq!((outcome.pass, raised), (None, 1));
}
