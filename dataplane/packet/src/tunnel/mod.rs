//! Tunnels: a packet inside of a packet. Both are inspected, each as one of its own, as in the peer.
//!
//! [`crate::decode`] says in [`Decoded::tunnel`] that and where there is one, and
//! [`crate::decode_inner`] decodes it. Which worker owns a frame is asked of its innermost packet.

mod gre;
mod udp;

use contract::{Event, FiveTuple};

use crate::link::{self, Family, Layer, Link};
use crate::notes::{LAYERS_MAX, Notes};
use crate::{DecodeError, Decoded, Network, protocol};

pub use udp::{GENEVE_PORT, TEREDO_PORT, VXLAN_PORT};

/// Tunnels within each other that are followed at most: as many as [`LAYERS_MAX`] allows where each takes one
/// IP header and itself. What lies deeper is the payload of the last.
pub const TUNNEL_DEPTH_MAX: u8 = (LAYERS_MAX - 1) / 2;

/// Bytes of IP's fixed headers.
const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;

/// Where the inner packet starts, and with which layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    pub(crate) layer: Layer,
    /// Offset of the inner packet's first byte in the frame.
    pub start: u32,
    /// VLAN tags that the carrier hands on (ERSPAN).
    pub(crate) vlan: [u16; 2],
}

impl Tunnel {
    fn new(layer: Layer, start: usize) -> Self {
        Self { layer, start: start as u32, vlan: [0; 2] }
    }

    const fn ip(family: Family, start: usize) -> Self {
        Self { layer: Layer::Ip(family), start: start as u32, vlan: [0; 2] }
    }

    /// Follows the inner packet's link layers.
    pub(crate) fn enter(&self, packet: &[u8], notes: &mut Notes) -> Result<Link, DecodeError> {
        link::follow(self.layer, packet, self.start as usize, notes)
    }
}

/// Finds the tunnel that `decoded`, of which `packet` ends with its IP layer, carries.
#[inline]
pub(crate) fn find(packet: &[u8], network: &Network, decoded: &mut Decoded) -> Option<Tunnel> {
    let at = network.transport_offset;
    let over_v6 = network.source.is_ipv6();
    let found = match network.protocol {
        _ if network.is_opaque => None,
        protocol::UDP if decoded.has_transport => {
            let start = decoded.payload.start as usize;
            let end = start + decoded.payload.len as usize;
            let datagram = packet.get(..end)?;
            udp::find(datagram, start, &decoded.tuple, &mut decoded.events)
        }
        protocol::IPV4_IN_IP if over_v6 => in_ipv6(packet, at, Family::V4, decoded),
        protocol::IPV6_IN_IP if over_v6 => in_ipv6(packet, at, Family::V6, decoded),
        protocol::IPV4_IN_IP => inner_ip(packet, at, Family::V4),
        protocol::IPV6_IN_IP => inner_ip(packet, at, Family::V6),
        protocol::GRE => gre::find(packet, at, decoded),
        _ => None,
    };
    if found.is_some() && decoded.layers + 1 >= LAYERS_MAX {
        decoded.events.insert(Event::TooManyLayers);
        return None;
    }
    found
}

/// Bare IP of `family` at `at` (RFC 2003, RFC 4213).
fn inner_ip(packet: &[u8], at: usize, family: Family) -> Option<Tunnel> {
    (packet.get(at)? >> 4 == family.version()).then_some(Tunnel::ip(family, at))
}

/// The same over IPv6 (RFC 2473), where the peer says what is wrong with it.
fn in_ipv6(packet: &[u8], at: usize, family: Family, decoded: &mut Decoded) -> Option<Tunnel> {
    let left = packet.len().saturating_sub(at);
    let found = inner_ip(packet, at, family);
    let event = match family {
        Family::V4 if left < IPV4_BYTES => Event::Ipv6Ipv4InIpv6TooSmall,
        Family::V6 if left < IPV6_BYTES => Event::Ipv6Ipv6InIpv6TooSmall,
        _ if found.is_some() => return found,
        Family::V4 => Event::Ipv6Ipv4InIpv6WrongVersion,
        Family::V6 => Event::Ipv6Ipv6InIpv6WrongVersion,
    };
    decoded.events.insert(event);
    None
}

/// Whether one of the ports of `tuple` is `port`.
const fn on_port(tuple: &FiveTuple, port: u16) -> bool {
    tuple.source_port == port || tuple.destination_port == port
}
