//! Addresses of a packet and the key of a flow.

use core::net::IpAddr;

/// Data link type of a capture, as in the pcap `LINKTYPE_` registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, `LINKTYPE_NULL`.
    pub const NULL: Self = Self(0);
    /// Ethernet, `LINKTYPE_ETHERNET`.
    pub const ETHERNET: Self = Self(1);
    /// Raw IPv4 or IPv6, `LINKTYPE_RAW`.
    pub const RAW: Self = Self(101);
}

/// The five-tuple of one packet, in the packet's own direction.
///
/// Ports are in host order; for ICMP and ICMPv6 they are type and code, as Suricata keeps them
/// (`source_port` = type, `destination_port` = code); for other protocols without ports they are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiveTuple {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family as `source`.
    pub destination: IpAddr,
    /// Source port, or ICMP type.
    pub source_port: u16,
    /// Destination port, or ICMP code.
    pub destination_port: u16,
    /// IP protocol number (IANA registry), of the last header of the chain.
    pub protocol: u8,
}

/// The direction-free key of a flow: the endpoints in ascending order, so that both directions of a
/// conversation have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The smaller (address, port) endpoint.
    pub low: (IpAddr, u16),
    /// The larger (address, port) endpoint.
    pub high: (IpAddr, u16),
    /// IP protocol number.
    pub protocol: u8,
    /// VLAN identifiers from the outside in; 0 where there is none.
    pub vlan: [u16; 2],
    /// Tunnels around the flow's packets: a flow inside of a tunnel is another than the same one outside.
    pub depth: u8,
}

impl FlowKey {
    /// The key of `tuple` inside of `depth` tunnels, and whether the packet runs from `low` to `high`.
    ///
    /// ICMP type and code differ between the directions, so they are left out of the key.
    #[must_use]
    pub fn of(tuple: &FiveTuple, vlan: [u16; 2], depth: u8) -> (Self, bool) {
        let portless = matches!(tuple.protocol, 1 | 58);
        let (sport, dport) =
            if portless { (0, 0) } else { (tuple.source_port, tuple.destination_port) };
        let source = (tuple.source, sport);
        let destination = (tuple.destination, dport);
        let forward = source <= destination;
        let (low, high) = if forward { (source, destination) } else { (destination, source) };
        (Self { low, high, protocol: tuple.protocol, vlan, depth }, forward)
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use super::{FiveTuple, FlowKey};

    #[test]
    fn both_directions_have_one_key() {
        let a = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let b = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
        let there = FiveTuple {
            source: a,
            destination: b,
            source_port: 40_000,
            destination_port: 80,
            protocol: 6,
        };
        let back = FiveTuple {
            source: b,
            destination: a,
            source_port: 80,
            destination_port: 40_000,
            protocol: 6,
        };
        let (key_there, forward) = FlowKey::of(&there, [0, 0], 0);
        let (key_back, backward) = FlowKey::of(&back, [0, 0], 0);
        assert_eq!(key_there, key_back);
        assert!(forward && !backward);
        assert_ne!(key_there, FlowKey::of(&there, [7, 0], 0).0);
        assert_ne!(key_there, FlowKey::of(&there, [0, 0], 1).0);
    }
}
