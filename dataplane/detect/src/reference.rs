//! The slow twin: every rule on every packet, straight from HIR, without groups, prefilters, caches or
//! compiled programs. Tests hold [`RuleSet::inspect`](crate::RuleSet::inspect) against it.
//!
//! It shares with the engine what is not an optimisation: the order of actions, the meaning of flag
//! tests and the translation of regular expressions.

use std::net::IpAddr;

use rules::hir::{Action, Class, Endpoint, Protocol, Rule};

use crate::header::{has_ports, number, packet_test, protocol_matches};
use crate::order::{both_ways, rank};
use crate::{Inspect, Scope, headers};

mod numbers;
mod payload;

use self::payload::tests_match;

mod flow;

pub use self::flow::Variables;

/// The indexes of the rules that `view`, a packet of the flow with `variables`, raises, in order. Rules
/// that the engine refuses are to be left out by the caller; here they never match.
#[must_use]
pub fn alerts<R: AsRef<Rule>>(
    rules: &[R],
    view: &Inspect<'_>,
    variables: &mut Variables,
) -> Vec<u32> {
    let mut order = Vec::new();
    for (index, rule) in (0_u32..).zip(rules) {
        let rule = rule.as_ref();
        let ways = if both_ways(rule) { 2 } else { 1 };
        order.extend([false, true].into_iter().take(ways).map(|swapped| (index, rule, swapped)));
    }
    order.sort_by_key(|(_, rule, _)| rank(rule));
    let (mut raised, mut passed) = (Vec::new(), false);
    for (index, rule, swapped) in order {
        if !header_matches(rule, swapped, view)
            || !flow::matches(rule, view, variables)
            || !bytes_match(rule, view)
        {
            continue;
        }
        if view.flow.is_some() {
            variables.apply(rule);
        }
        if rule.raises && !passed {
            raised.push(index);
        }
        passed |= rule.action == Action::Pass;
    }
    raised
}

fn header_matches(rule: &Rule, swapped: bool, view: &Inspect<'_>) -> bool {
    let (source, destination) =
        if swapped { (&rule.destination, &rule.source) } else { (&rule.source, &rule.destination) };
    let tuple = &view.tuple;
    let anywhere = rule.class == Class::Event && view.scope == Scope::Undecoded;
    (rule.class != Class::IpOnly || view.first_in_direction)
        && protocol_matches(rule.protocol, tuple)
        && scope_matches(rule, view.scope)
        && (rule.payload.is_empty() || view.has_bytes())
        && rule.packet.iter().all(|test| packet_test(test, view))
        && endpoint_matches(source, tuple.source, tuple.source_port, view, anywhere)
        && endpoint_matches(destination, tuple.destination, tuple.destination_port, view, anywhere)
}

fn scope_matches(rule: &Rule, scope: Scope) -> bool {
    let narrow = matches!(rule.class, Class::IpOnly | Class::Event);
    match scope {
        Scope::Whole => true,
        Scope::Malformed => narrow,
        Scope::Undecoded => narrow && matches!(rule.protocol, Protocol::Ip | Protocol::PktHdr),
    }
}

fn endpoint_matches(
    endpoint: &Endpoint,
    address: IpAddr,
    port: u16,
    view: &Inspect<'_>,
    anywhere: bool,
) -> bool {
    let any_port = (0..=u16::MAX).all(|port| endpoint.ports.0.iter().any(|r| r.contains(&port)));
    let port_matches =
        any_port || (has_ports(view) && endpoint.ports.0.iter().any(|range| range.contains(&port)));
    let address_matches = anywhere
        || match address {
            IpAddr::V4(address) => endpoint.addresses.v4.iter().any(|r| r.contains(&address)),
            IpAddr::V6(address) => endpoint.addresses.v6.iter().any(|r| r.contains(&address)),
        };
    port_matches && address_matches
}

/// Whether every sticky buffer, and the payload or, for rules that look at streams, a chunk matches.
fn bytes_match(rule: &Rule, view: &Inspect<'_>) -> bool {
    let in_buffers = rule.buffers.iter().all(|(buffer, tests)| {
        headers::buffer(buffer.name, view).is_some_and(|bytes| tests_match(tests, bytes))
    });
    let is_tcp = view.tuple.protocol == number::TCP;
    let (in_packet, in_chunks) = match rule.class {
        Class::Stream => (false, true),
        Class::PktOrStream => (!(is_tcp && view.in_stream), true),
        Class::PktAndStream => (true, true),
        Class::Pkt | Class::IpOnly | Class::PktHdr | Class::Event => (true, false),
    };
    let matches = |bytes: &[u8]| tests_match(&rule.payload, bytes);
    in_buffers
        && ((in_chunks && view.chunks.iter().any(|chunk| matches(chunk)))
            || (in_packet && !view.chunks_only && matches(view.payload)))
}
