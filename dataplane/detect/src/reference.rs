//! The slow twin: every rule on every packet, straight from HIR, without groups, prefilters, caches or
//! compiled programs. Tests hold [`RuleSet::inspect`](crate::RuleSet::inspect) against it.
//!
//! It shares with the engine what is not an optimisation: the order of actions, the meaning of flag
//! tests and the translation of regular expressions.

use std::net::IpAddr;

use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use rules::hir::{Action, Class, Content, Endpoint, FastPattern, PayloadTest, Pcre, Rule};

use crate::Inspect;
use crate::header::{has_ports, packet_test, protocol_matches};
use crate::order::{both_ways, rank};
use crate::program::pcre::translate;
use crate::program::{INSPECTION_STEPS_MAX, is_negated, is_relative};

/// The indexes of the rules that `view` raises, in order. Rules that the engine refuses are to be left
/// out by the caller; here they never match.
#[must_use]
pub fn alerts<R: AsRef<Rule>>(rules: &[R], view: &Inspect<'_>) -> Vec<u32> {
    let mut matching = Vec::new();
    for (index, rule) in (0_u32..).zip(rules) {
        let rule = rule.as_ref();
        let ways = if both_ways(rule) { 2 } else { 1 };
        for swapped in [false, true].into_iter().take(ways) {
            if header_matches(rule, swapped, view) && payload_matches(rule, view.payload) {
                matching.push((rank(rule), index, rule.action));
            }
        }
    }
    matching.sort_by_key(|(rank, ..)| *rank);
    matching
        .into_iter()
        .take_while(|(.., action)| *action != Action::Pass)
        .map(|(_, index, _)| index)
        .collect()
}

fn header_matches(rule: &Rule, swapped: bool, view: &Inspect<'_>) -> bool {
    let (source, destination) =
        if swapped { (&rule.destination, &rule.source) } else { (&rule.source, &rule.destination) };
    let tuple = &view.tuple;
    rule.class != Class::Stream
        && (rule.class != Class::IpOnly || view.first_in_direction)
        && protocol_matches(rule.protocol, tuple)
        && (rule.payload.is_empty() || !view.payload.is_empty())
        && rule.packet.iter().all(|test| packet_test(test, view))
        && endpoint_matches(source, tuple.source, tuple.source_port, has_ports(view))
        && endpoint_matches(destination, tuple.destination, tuple.destination_port, has_ports(view))
}

fn endpoint_matches(endpoint: &Endpoint, address: IpAddr, port: u16, has_port: bool) -> bool {
    let any_port = (0..=u16::MAX).all(|port| endpoint.ports.0.iter().any(|r| r.contains(&port)));
    let port_matches =
        any_port || (has_port && endpoint.ports.0.iter().any(|range| range.contains(&port)));
    port_matches
        && match address {
            IpAddr::V4(address) => endpoint.addresses.v4.iter().any(|r| r.contains(&address)),
            IpAddr::V6(address) => endpoint.addresses.v6.iter().any(|r| r.contains(&address)),
        }
}

fn payload_matches(rule: &Rule, payload: &[u8]) -> bool {
    let mut steps = 0;
    rest_matches(&rule.payload, payload, 0, &mut steps) == Verdict::Match
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Match,
    /// Another place of the test before may do.
    Miss,
    /// No other place of any test can help.
    Never,
}

fn rest_matches(
    tests: &[PayloadTest],
    payload: &[u8],
    position: usize,
    steps: &mut u32,
) -> Verdict {
    let Some((test, rest)) = tests.split_first() else { return Verdict::Match };
    *steps += 1;
    if *steps >= INSPECTION_STEPS_MAX {
        return Verdict::Never;
    }
    let miss = if is_relative(test) { Verdict::Miss } else { Verdict::Never };
    let places = match test {
        PayloadTest::Content(content) => content_places(content, payload, position),
        PayloadTest::Pcre(pcre) => pcre_places(pcre, payload, position),
    };
    if is_negated(test) {
        return if places.is_empty() { rest_matches(rest, payload, position, steps) } else { miss };
    }
    let again = rest.first().is_some_and(is_relative);
    for end in places.iter().take(if again { usize::MAX } else { 1 }) {
        let only = matches!(test, PayloadTest::Content(c) if c.fast_pattern == FastPattern::Only);
        match rest_matches(rest, payload, if only { position } else { *end }, steps) {
            Verdict::Miss if again => {}
            verdict => return verdict,
        }
    }
    miss
}

/// The ends of all occurrences of `content` (for a negated one: of those that count).
fn content_places(content: &Content, payload: &[u8], position: usize) -> Vec<usize> {
    let length = payload.len() as i128;
    let (start, end) = content_window(content, position as i128, length);
    let literal = content.bytes.len() as i128;
    let mut ends = Vec::new();
    let mut at = start;
    while at + literal <= end {
        let there = payload.iter().skip(at as usize).take(content.bytes.len());
        let equal = there
            .zip(&content.bytes)
            .all(|(a, b)| if content.nocase { a.eq_ignore_ascii_case(b) } else { a == b });
        if equal {
            let found_end = at + literal;
            if content.negated && content.endswith {
                // The peer looks at the first occurrence alone, and counts the start twice.
                let counts = end == length && found_end + start == length;
                return if counts { vec![found_end as usize] } else { Vec::new() };
            }
            if !content.endswith || found_end == length {
                ends.push(found_end as usize);
            }
        }
        at += 1;
    }
    ends
}

fn content_window(content: &Content, position: i128, length: i128) -> (i128, i128) {
    let offset = i128::from(content.offset.unwrap_or(0));
    if !content.is_relative() {
        let end = content.depth.map_or(length, |depth| offset + i128::from(depth));
        return (offset, end.min(length));
    }
    let from = position + i128::from(content.distance.unwrap_or(0));
    let end = content.within.map_or(length, |within| from + i128::from(within));
    // Negative ends wrap around in the peer.
    let end = if end < 0 { length } else { end.min(length) };
    (from.max(offset).max(0), end)
}

/// The ends of the successive matches of `pcre`.
fn pcre_places(pcre: &Pcre, payload: &[u8], position: usize) -> Vec<usize> {
    let base = if pcre.relative { position } else { 0 };
    let subject = payload.get(base..).unwrap_or_default();
    let Some(vm) = simple_regex(pcre) else { return Vec::new() };
    let mut cache = vm.create_cache();
    let mut ends = Vec::new();
    let mut from = 0;
    while from <= subject.len() {
        let anchored = if pcre.anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(subject).span(from..subject.len()).anchored(anchored);
        let mut slots = [None; 2];
        vm.search_slots(&mut cache, &input, &mut slots);
        let [Some(start), Some(end)] = slots else { break };
        ends.push(base + end.get());
        from = start.get() + 1;
    }
    ends
}

fn simple_regex(pcre: &Pcre) -> Option<PikeVM> {
    PikeVM::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(&translate(pcre).ok()?.pattern)
        .ok()
}
