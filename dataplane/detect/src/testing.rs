//! Builders of rules and packets for tests.

pub(crate) mod wire;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use contract::{EventSet, FiveTuple};
use rules::hir::{
    Action, AddressSet, Class, Content, Endpoint, Meta, PacketTest, PayloadTest, Pcre, PortSet,
    Protocol, Rule,
};

use crate::reference::{self, Variables};
use crate::{
    CompileCache, CompileOptions, FlowVariables, FlowView, Headers, Inspect, Outcome, PassScope,
    RuleSet, Scope, Scratch,
};

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
        flow: Vec::new(),
        effects: Vec::new(),
        raises: true,
        buffers: Vec::new(),
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
        in_stream: false,
        chunks: &[],
        chunks_only: false,
        headers: Headers::default(),
        has_transport: matches!(tuple.protocol, 1 | 6 | 17 | 58 | 132),
        first_in_direction: true,
        flow: Some(FlowView { to_server: true, established: false, age_s: 0, stream_sizes: None }),
        reassembled: false,
        events: EventSet::EMPTY,
        scope: Scope::Whole,
    }
}

pub(crate) fn udp(payload: &[u8]) -> Inspect<'_> {
    packet(tuple(17, 1_000, 2_000), payload)
}

pub(crate) fn compile(rules: Vec<Rule>) -> RuleSet {
    RuleSet::compile(rules, &CompileOptions::default(), &mut CompileCache::new()).unwrap()
}

/// What the engine says of a packet in a flow in which no rule has noted anything.
pub(crate) fn inspect(rules: &RuleSet, view: &Inspect<'_>, scratch: &mut Scratch) -> Outcome {
    rules.inspect(view, &mut FlowVariables::default(), scratch)
}

/// The alerts of the engine, after comparing them with the reference's.
pub(crate) fn alerts(rules: &RuleSet, view: &Inspect<'_>) -> Vec<u32> {
    Session::default().alerts(rules, view)
}

/// One flow, as the engine and its twin remember it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) variables: FlowVariables,
    pub(crate) bypassed: bool,
    /// A rule lets the whole flow pass.
    pub(crate) passed: bool,
    twin: Variables,
}

impl Session {
    /// The alerts of the flow's next packet, after comparing them and what is noted with the twin's.
    pub(crate) fn alerts(&mut self, rules: &RuleSet, view: &Inspect<'_>) -> Vec<u32> {
        let mut scratch = rules.new_scratch();
        let outcome = rules.inspect(view, &mut self.variables, &mut scratch);
        self.bypassed |= outcome.bypass;
        self.passed |= outcome.pass == Some(PassScope::Flow);
        let found: Vec<u32> = scratch.alerts().iter().map(|found| found.signature.0).collect();
        let expected = reference::alerts(rules.signatures(), view, &mut self.twin);
        assert_eq!(found, expected, "engine and reference differ");
        assert_eq!(self.told(rules), self.twin, "engine and reference note different things");
        found
    }

    /// What the engine has noted, by name.
    fn told(&self, rules: &RuleSet) -> Variables {
        let bits = rules.names.bits.iter().filter(|(_, number)| self.variables.bit(**number));
        let integers =
            rules.names.integers.iter().filter_map(|(name, number)| {
                Some((name.clone(), self.variables.integer(*number)?))
            });
        Variables {
            bits: bits.map(|(name, _)| name.clone()).collect(),
            integers: integers.collect(),
            bypassed: self.bypassed,
        }
    }
}
