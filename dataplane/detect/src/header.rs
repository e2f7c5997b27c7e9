//! Checks of a directed rule's header and packet properties: cheap, and before any payload.

use std::net::IpAddr;

use contract::FiveTuple;
use rules::hir::{
    AddressSet, Class, Endpoint, FlagsMode, FlagsTest, NumberTest, PacketTest, PortSet, Protocol,
    Rule,
};

use crate::rpc::rpc_matches;
use crate::{Inspect, Scope, headers};

/// IANA protocol numbers that rules name.
pub(crate) mod number {
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const SCTP: u8 = 132;
}

/// Whether a rule of `protocol` can be about packets of IP protocol `number`.
pub(crate) const fn protocol_covers(protocol: Protocol, number: u8) -> bool {
    protocol.covers(number)
}

/// Whether a rule of `protocol` is about a packet with `tuple`.
pub(crate) const fn protocol_matches(protocol: Protocol, tuple: &FiveTuple) -> bool {
    match protocol {
        Protocol::Ipv4 => tuple.source.is_ipv4(),
        Protocol::Ipv6 => tuple.source.is_ipv6(),
        other => protocol_covers(other, tuple.protocol),
    }
}

/// Whether ports of `view` mean something.
pub(crate) const fn has_ports(view: &Inspect<'_>) -> bool {
    view.has_transport && matches!(view.tuple.protocol, number::TCP | number::UDP | number::SCTP)
}

/// Whether `flags` of a TCP header pass `test`.
pub(crate) const fn flags_match(test: &FlagsTest, flags: u8) -> bool {
    let compared = flags & !test.ignore;
    match test.mode {
        FlagsMode::Exact => compared == test.flags,
        FlagsMode::All => compared & test.flags == test.flags,
        FlagsMode::Any => compared & test.flags != 0,
        FlagsMode::Not => compared & test.flags != test.flags,
    }
}

/// Whether `view` passes `dsize`. As in the peer, a size that no empty packet has wants a payload that is
/// inspected, and 0 wants a packet on which nothing of the stream is inspected either.
fn dsize_matches(number: NumberTest, view: &Inspect<'_>) -> bool {
    number.accepts(view.payload_bytes)
        && match number {
            NumberTest::Equal(0) => view.chunks.is_empty(),
            _ => number.accepts(0) || !view.payload.is_empty(),
        }
}

/// Whether `view` passes `test`.
pub(crate) fn packet_test(test: &PacketTest, view: &Inspect<'_>) -> bool {
    match test {
        PacketTest::Dsize(number) => dsize_matches(*number, view),
        PacketTest::Flags(flags) => view.tcp_flags.is_some_and(|found| flags_match(flags, found)),
        PacketTest::Itype(number) => view.icmp.is_some_and(|(kind, _)| number.accepts(kind.into())),
        PacketTest::Icode(number) => view.icmp.is_some_and(|(_, code)| number.accepts(code.into())),
        PacketTest::Ttl(number) => number.accepts(view.ttl.into()),
        PacketTest::Event(event) => view.events.contains(*event),
        PacketTest::Rpc(rpc) => rpc_matches(rpc, view),
        PacketTest::IpProtocols(set) => set.contains(view.tuple.protocol),
        PacketTest::SameAddresses => view.tuple.source == view.tuple.destination,
        PacketTest::IpOption(option) => headers::option_matches(*option, view),
        PacketTest::FragmentBits(test) => {
            headers::fragment_bits(view).is_some_and(|bits| test.accepts(bits))
        }
        PacketTest::Version(version) => headers::version_matches(*version, view),
        PacketTest::Field(test) => {
            headers::field(test.field, view).is_some_and(|value| test.number.accepts(value))
        }
        PacketTest::Checksum(test) => headers::checksum_matches(*test, view),
    }
}

/// One side of a header, ready to be asked.
#[derive(Clone, Debug)]
struct Side {
    any_address: bool,
    addresses: AddressSet,
    /// `None`: any port, also of packets that have none.
    ports: Option<PortSet>,
}

impl Side {
    fn new(endpoint: &Endpoint) -> Self {
        let ports = (!is_any_port(&endpoint.ports)).then(|| endpoint.ports.clone());
        let any_address = is_any_address(&endpoint.addresses);
        let addresses =
            if any_address { AddressSet::default() } else { endpoint.addresses.clone() };
        Self { any_address, addresses, ports }
    }

    #[inline]
    fn matches(&self, address: IpAddr, port: Option<u16>, anywhere: bool) -> bool {
        let port_matches =
            self.ports.as_ref().is_none_or(|set| port.is_some_and(|p| contains_port(set, p)));
        port_matches && (anywhere || self.any_address || contains_address(&self.addresses, address))
    }
}

/// Whether `set` holds every port.
pub(crate) fn is_any_port(set: &PortSet) -> bool {
    matches!(set.0.as_slice(), [all] if *all.start() == 0 && *all.end() == u16::MAX)
}

/// Whether `set` holds every address of both families.
pub(crate) fn is_any_address(set: &AddressSet) -> bool {
    let v4 = matches!(set.v4.as_slice(), [r] if r.start().to_bits() == 0 && r.end().to_bits() == u32::MAX);
    let v6 = matches!(set.v6.as_slice(), [r] if r.start().to_bits() == 0 && r.end().to_bits() == u128::MAX);
    v4 && v6
}

fn contains_port(set: &PortSet, port: u16) -> bool {
    let after = set.0.partition_point(|range| *range.end() < port);
    set.0.get(after).is_some_and(|range| *range.start() <= port)
}

fn contains_address(set: &AddressSet, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let after = set.v4.partition_point(|range| *range.end() < address);
            set.v4.get(after).is_some_and(|range| *range.start() <= address)
        }
        IpAddr::V6(address) => {
            let after = set.v6.partition_point(|range| *range.end() < address);
            set.v6.get(after).is_some_and(|range| *range.start() <= address)
        }
    }
}

/// Header and packet properties of one directed rule.
#[derive(Clone, Debug)]
pub(crate) struct HeaderCheck {
    protocol: Protocol,
    needs_payload: bool,
    ip_only: bool,
    about_events: bool,
    source: Side,
    destination: Side,
    tests: Box<[PacketTest]>,
}

impl HeaderCheck {
    /// The check of `rule`, with its ends exchanged where `swapped`.
    pub(crate) fn new(rule: &Rule, swapped: bool) -> Self {
        let (source, destination) = ends(rule, swapped);
        Self {
            protocol: rule.protocol,
            needs_payload: !rule.payload.is_empty(),
            ip_only: rule.class == Class::IpOnly,
            about_events: rule.class == Class::Event,
            source: Side::new(source),
            destination: Side::new(destination),
            tests: rule.packet.clone().into_boxed_slice(),
        }
    }

    /// Whether `view` passes. Rules that look at a payload need one, also where all they say is what
    /// must not be in it; as in the peer, a chunk of the stream will do for any of them.
    #[inline]
    pub(crate) fn matches(&self, view: &Inspect<'_>) -> bool {
        if (self.needs_payload && !view.has_bytes())
            || (self.ip_only && !view.first_in_direction)
            || !protocol_matches(self.protocol, &view.tuple)
        {
            return false;
        }
        if view.scope != Scope::Whole && !self.sees(view.scope) {
            return false;
        }
        let tuple = &view.tuple;
        let (source_port, destination_port) = if has_ports(view) {
            (Some(tuple.source_port), Some(tuple.destination_port))
        } else {
            (None, None)
        };
        // As in the peer: where there is no IP header, rules about events ask for no address.
        let anywhere = self.about_events && view.scope == Scope::Undecoded;
        self.tests.iter().all(|test| packet_test(test, view))
            && self.destination.matches(tuple.destination, destination_port, anywhere)
            && self.source.matches(tuple.source, source_port, anywhere)
    }

    /// Whether the rule is one of those that see packets of `scope`.
    const fn sees(&self, scope: Scope) -> bool {
        let any_protocol = matches!(self.protocol, Protocol::Ip | Protocol::PktHdr);
        (self.ip_only || self.about_events)
            && (any_protocol || matches!(scope, Scope::Whole | Scope::Malformed))
    }
}

/// Source and destination of `rule`, exchanged where `swapped`.
pub(crate) const fn ends(rule: &Rule, swapped: bool) -> (&Endpoint, &Endpoint) {
    if swapped { (&rule.destination, &rule.source) } else { (&rule.source, &rule.destination) }
}
