//! GRE (RFC 2784, RFC 2890), PPTP's version of it (RFC 2637) and ERSPAN in it.

use crate::link::{Family, Layer, ethertype};
use crate::read::{array, u16_at};

use super::Tunnel;

/// Bytes of the fixed header: flags and version, protocol.
const HEADER_BYTES: usize = 4;
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Version 1's acknowledgement number (RFC 2637 section 4.1).
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION_MASK: u16 = 0x0007;
/// Bits of version 1 that must be 0 (RFC 2637 section 4.1).
const VERSION_1_ZERO: u16 = CHECKSUM | ROUTING | 0x0f78;
/// Bits of version 0 that the peer wants to be 0: recursion and reserved flags.
const VERSION_0_ZERO: u16 = 0x07f8;
/// Bytes of each optional field.
const FIELD_BYTES: usize = 4;
/// Bytes of the head of a source route entry (RFC 1701).
const ROUTE_HEAD_BYTES: usize = 4;
/// Source route entries that are skipped at most: a packet holds no more of them with a byte of route each.
const ROUTE_ENTRIES_MAX: usize = 64;

/// ERSPAN in GRE (draft-foschiano-erspan-03).
const ERSPAN: u16 = 0x88be;
const ERSPAN_II_BYTES: usize = 8;
const ERSPAN_II_VERSION: u8 = 1;

/// The packet inside of the GRE header at `at`.
pub(super) fn find(packet: &[u8], at: usize) -> Option<Tunnel> {
    let flags = u16_at(packet, at)?;
    let kind = u16_at(packet, at + 2)?;
    match flags & VERSION_MASK {
        0 => version_0(packet, at + HEADER_BYTES, flags, kind),
        1 => version_1(packet, at + HEADER_BYTES, flags, kind),
        _ => None,
    }
}

fn version_0(packet: &[u8], mut at: usize, flags: u16, kind: u16) -> Option<Tunnel> {
    if flags & VERSION_0_ZERO != 0 {
        return None;
    }
    // Checksum and offset share a word that is there for either.
    for present in [flags & (CHECKSUM | ROUTING), flags & KEY, flags & SEQUENCE] {
        at += if present != 0 { FIELD_BYTES } else { 0 };
    }
    if flags & ROUTING != 0 {
        at = after_routes(packet, at)?;
    }
    let layer = match kind {
        ethertype::IPV4 => Layer::Ip(Family::V4),
        ethertype::IPV6 => Layer::Ip(Family::V6),
        ethertype::PPP => Layer::Ppp,
        ethertype::VLAN => Layer::Tag,
        ethertype::BRIDGE => Layer::Ethernet,
        ERSPAN => return erspan(packet, at, flags),
        _ => return None,
    };
    (at < packet.len()).then(|| Tunnel::new(layer, at))
}

/// Skips source routes (RFC 1701): address family, offset, length, route; a length of 0 is the last.
fn after_routes(packet: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..ROUTE_ENTRIES_MAX {
        let [.., length] = array::<ROUTE_HEAD_BYTES>(packet, at)?;
        at += ROUTE_HEAD_BYTES + usize::from(*length);
        if *length == 0 {
            return Some(at);
        }
    }
    None
}

/// PPTP: PPP with a key, and a sequence number where there is data.
fn version_1(packet: &[u8], at: usize, flags: u16, kind: u16) -> Option<Tunnel> {
    if flags & VERSION_1_ZERO != 0 || flags & KEY == 0 || kind != ethertype::PPP {
        return None;
    }
    let numbers = [flags & SEQUENCE, flags & ACKNOWLEDGEMENT];
    let numbers = numbers.iter().filter(|flag| **flag != 0).count();
    let start = at + FIELD_BYTES * (1 + numbers);
    (start < packet.len()).then(|| Tunnel::new(Layer::Ppp, start))
}

/// Type I has no header of its own and no sequence number in GRE; type II has both.
fn erspan(packet: &[u8], at: usize, flags: u16) -> Option<Tunnel> {
    if flags & SEQUENCE == 0 {
        return (at < packet.len()).then(|| Tunnel::new(Layer::Ethernet, at));
    }
    let head = array::<ERSPAN_II_BYTES>(packet, at).copied()?;
    // Version (4 bits), VLAN (12).
    if head[0] >> 4 != ERSPAN_II_VERSION {
        return None;
    }
    let vlan = u16::from_be_bytes([head[0], head[1]]) & 0x0fff;
    Some(Tunnel { vlan: [vlan, 0], ..Tunnel::new(Layer::Ethernet, at + ERSPAN_II_BYTES) })
}
