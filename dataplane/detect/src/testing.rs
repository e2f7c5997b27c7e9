//! Builders of rules and packets for tests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use contract::FiveTuple;
use rules::hir::{
    Action, AddressSet, Class, Content, Endpoint, Meta, PacketTest, PayloadTest, Pcre, PortSet,
    Protocol, Rule,
};

use crate::{CompileCache, CompileOptions, Inspect, RuleSet, reference};

pub(crate) fn any_address() -> AddressSet {
    AddressSet {
        v4: vec![Ipv4Addr::UNSPECIFIED..=Ipv4Addr::BROADCAST],
        v6: vec![Ipv6Addr::UNSPECIFIED..=Ipv6Addr::from(u128::MAX)],
    }
}

pub(crate) fn any_end() -> Endpoint {
    Endpoint { addresses: any_address(), ports: PortSet(vec![0..=u16::MAX]) }
}

pub(crate) fn port(port: u16) -> Endpoint {
    Endpoint { ports: PortSet(vec![port..=port]), ..any_end() }
}

pub(crate) fn address(address: IpAddr) -> Endpoint {
    let addresses = match address {
        IpAddr::V4(address) => AddressSet { v4: vec![address..=address], v6: Vec::new() },
        IpAddr::V6(address) => AddressSet { v4: Vec::new(), v6: vec![address..=address] },
    };
    Endpoint { addresses, ..any_end() }
}

/// `alert protocol any any -> any any` with these tests.
pub(crate) fn rule(protocol: Protocol, packet: Vec<PacketTest>, payload: Vec<PayloadTest>) -> Rule {
    Rule {
        action: Action::Alert,
        protocol,
        source: any_end(),
        destination: any_end(),
        bidirectional: false,
        meta: Meta { sid: 1, gid: 1, priority: 3, ..Meta::default() },
        class: Class::Pkt,
        packet,
        payload,
        text: Arc::from(""),
        line: 1,
    }
}

pub(crate) fn content(bytes: &[u8]) -> Content {
    Content::anywhere(bytes.to_vec())
}

/// A `pcre` with its flags as in a rule.
pub(crate) fn pcre(pattern: &str, flags: &str) -> Pcre {
    let flag = |letter| flags.contains(letter);
    Pcre {
        pattern: pattern.to_owned(),
        negated: flag('!'),
        relative: flag('R'),
        caseless: flag('i'),
        dot_all: flag('s'),
        multi_line: flag('m'),
        extended: flag('x'),
        anchored: flag('A'),
        dollar_end_only: flag('E'),
        ungreedy: flag('G'),
    }
}

pub(crate) fn tuple(protocol: u8, source_port: u16, destination_port: u16) -> FiveTuple {
    FiveTuple {
        source: IpAddr::from([10, 0, 0, 1]),
        destination: IpAddr::from([10, 0, 0, 2]),
        source_port,
        destination_port,
        protocol,
    }
}

/// A packet with `payload`, first of its flow.
pub(crate) fn packet(tuple: FiveTuple, payload: &[u8]) -> Inspect<'_> {
    let icmp = matches!(tuple.protocol, 1 | 58)
        .then_some((tuple.source_port as u8, tuple.destination_port as u8));
    Inspect {
        tuple,
        ttl: 64,
        tcp_flags: (tuple.protocol == 6).then_some(0x18),
        icmp,
        payload,
        payload_bytes: payload.len() as u32,
        has_transport: matches!(tuple.protocol, 1 | 6 | 17 | 58 | 132),
        first_in_direction: true,
    }
}

pub(crate) fn udp(payload: &[u8]) -> Inspect<'_> {
    packet(tuple(17, 1_000, 2_000), payload)
}

pub(crate) fn compile(rules: Vec<Rule>) -> RuleSet {
    RuleSet::compile(rules, &CompileOptions::default(), &mut CompileCache::new()).unwrap()
}

/// The alerts of the engine, after comparing them with the reference's.
pub(crate) fn alerts(rules: &RuleSet, view: &Inspect<'_>) -> Vec<u32> {
    let mut scratch = rules.new_scratch();
    rules.inspect(view, &mut scratch);
    let found: Vec<u32> = scratch.alerts().iter().map(|index| index.0).collect();
    assert_eq!(found, reference::alerts(rules.signatures(), view), "engine and reference differ");
    found
}
