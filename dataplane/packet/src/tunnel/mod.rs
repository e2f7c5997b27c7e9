//! Tunnels: a packet inside of a packet. Both are inspected, each as one of its own, as in the peer.
//!
//! [`crate::decode`] says in [`Decoded::tunnel`] that and where there is one, and
//! [`crate::decode_inner`] decodes it. Which worker owns a frame is asked of its innermost packet.

mod gre;
mod udp;

use contract::FiveTuple;

use crate::link::{self, Family, Layer, Link};
use crate::{DecodeError, Decoded, Network, protocol};

pub use udp::{GENEVE_PORT, TEREDO_PORT, VXLAN_PORT};

/// Tunnels within each other that are followed at most. What lies deeper is the payload of the last.
pub const TUNNEL_DEPTH_MAX: u8 = 8;

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
    pub(crate) fn enter(&self, packet: &[u8]) -> Result<Link, DecodeError> {
        link::follow(self.layer, packet, self.start as usize, self.vlan)
    }
}

/// Finds the tunnel that `decoded`, of which `packet` ends with its IP layer, carries.
#[inline]
pub(crate) fn find(packet: &[u8], network: &Network, decoded: &Decoded) -> Option<Tunnel> {
    let at = network.transport_offset;
    match network.protocol {
        protocol::UDP if decoded.has_transport => {
            let start = decoded.payload.start as usize;
            let end = start + decoded.payload.len as usize;
            udp::find(packet.get(..end)?, start, &decoded.tuple)
        }
        protocol::IPV4_IN_IP => inner_ip(packet, at, 4),
        protocol::IPV6_IN_IP => inner_ip(packet, at, 6),
        protocol::GRE => gre::find(packet, at),
        _ => None,
    }
}

/// Bare IP at `at`, of version `version` (RFC 2003, RFC 2473, RFC 4213).
fn inner_ip(packet: &[u8], at: usize, version: u8) -> Option<Tunnel> {
    let family = if version == 4 { Family::V4 } else { Family::V6 };
    (packet.get(at)? >> 4 == version).then_some(Tunnel::ip(family, at))
}

/// Whether one of the ports of `tuple` is `port`.
const fn on_port(tuple: &FiveTuple, port: u16) -> bool {
    tuple.source_port == port || tuple.destination_port == port
}
