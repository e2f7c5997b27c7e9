//! Tunnels over UDP: Teredo (RFC 4380), VXLAN (RFC 7348), Geneve (RFC 8926).
//!
//! Found by port alone, any packet could be one; so what each of them fixes is checked, as in the peer.

use contract::{Event, EventSet, FiveTuple};

use crate::link::{Family, Layer, ethertype};
use crate::protocol;
use crate::read::{array, u16_at};

use super::{Tunnel, on_port};

/// Port of Teredo servers (RFC 4380 section 2.9).
pub const TEREDO_PORT: u16 = 3544;
/// Port of VXLAN (RFC 7348 section 5).
pub const VXLAN_PORT: u16 = 4789;
/// Port of Geneve (RFC 8926 section 3.3).
pub const GENEVE_PORT: u16 = 6081;

const IPV6_BYTES: usize = 40;
/// Bytes of Teredo's origin indication (RFC 4380 section 5.1.1).
const ORIGIN_BYTES: usize = 8;
/// Prefix of Teredo addresses (RFC 4380 section 2.6).
const TEREDO_PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
const VXLAN_BYTES: usize = 8;
/// VXLAN's flag of a valid network identifier (RFC 7348 section 5).
const VXLAN_VALID: u8 = 0x08;
const GENEVE_BYTES: usize = 8;
const ETHERNET_BYTES: usize = 14;

/// The packet inside of the datagram whose payload starts at `start` and ends with `datagram`.
#[inline]
pub(super) fn find(
    datagram: &[u8],
    start: usize,
    tuple: &FiveTuple,
    events: &mut EventSet,
) -> Option<Tunnel> {
    if on_port(tuple, TEREDO_PORT) {
        teredo(datagram, start)
    } else if tuple.destination_port == VXLAN_PORT || tuple.source_port == VXLAN_PORT {
        vxlan(datagram, start, events)
    } else if on_port(tuple, GENEVE_PORT) {
        geneve(datagram, start, events)
    } else {
        None
    }
}

/// IPv6, perhaps behind an origin indication. It fills the datagram, and TCP or UDP has a Teredo address. The peer takes nothing that comes with an authentication (RFC 4380 section 5.1.1).
fn teredo(datagram: &[u8], start: usize) -> Option<Tunnel> {
    let mut at = start;
    if array(datagram, at) == Some(&[0, 0]) {
        at += ORIGIN_BYTES;
    }
    let header: &[u8; IPV6_BYTES] = array(datagram, at)?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let has_teredo = |from: usize| header[from..from + 4] == TEREDO_PREFIX;
    let ports = matches!(header[6], protocol::TCP | protocol::UDP);
    let is_teredo = header[0] >> 4 == 6
        && at + IPV6_BYTES + length == datagram.len()
        && (!ports || has_teredo(8) || has_teredo(24));
    is_teredo.then_some(Tunnel::ip(Family::V6, at))
}

/// A whole Ethernet frame with IP in it.
fn vxlan(datagram: &[u8], start: usize, events: &mut EventSet) -> Option<Tunnel> {
    let header: &[u8; VXLAN_BYTES] = array(datagram, start)?;
    // RFC 7348 section 5: reserved bits are zero and ignored on receipt; the peer wants the last byte 0.
    if header[0] & VXLAN_VALID == 0 || header[7] != 0 {
        return None;
    }
    let at = start + VXLAN_BYTES;
    let kind = u16_at(datagram, at + ETHERNET_BYTES - 2)?;
    if !matches!(kind, ethertype::IPV4 | ethertype::IPV6 | ethertype::VLAN | ethertype::ARP) {
        events.insert(Event::VxlanUnknownPayloadType);
    }
    ethernet(datagram, at)
}

/// IP, or a whole Ethernet frame with IP in it.
fn geneve(datagram: &[u8], start: usize, events: &mut EventSet) -> Option<Tunnel> {
    let header: &[u8; GENEVE_BYTES] = array(datagram, start)?;
    // RFC 8926 section 3.4: version (2 bits), length of the options in 4-byte words (6).
    if header[0] >> 6 != 0 || header[7] != 0 {
        return None;
    }
    let at = start + GENEVE_BYTES + usize::from(header[0] & 0x3f) * 4;
    if at > datagram.len() {
        return None;
    }
    let found = match u16::from_be_bytes([header[2], header[3]]) {
        ethertype::IPV4 => Some(Tunnel::ip(Family::V4, at)),
        ethertype::IPV6 => Some(Tunnel::ip(Family::V6, at)),
        ethertype::BRIDGE => ethernet(datagram, at),
        ethertype::ARP => None,
        _ => {
            events.insert(Event::GeneveUnknownPayloadType);
            None
        }
    };
    found.filter(|_| at < datagram.len())
}

/// The frame at `at`, if it is one of IP. The peer skips its header and takes no VLAN tag in it.
fn ethernet(datagram: &[u8], at: usize) -> Option<Tunnel> {
    let inner = at + ETHERNET_BYTES;
    let layer = match u16_at(datagram, inner - 2)? {
        ethertype::IPV4 => Layer::Ip(Family::V4),
        ethertype::IPV6 => Layer::Ip(Family::V6),
        _ => return None,
    };
    (inner < datagram.len()).then(|| Tunnel::new(layer, inner))
}
