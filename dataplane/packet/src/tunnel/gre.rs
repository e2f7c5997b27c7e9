//! GRE (RFC 2784, RFC 2890), PPTP's version of it (RFC 2637) and ERSPAN in it.

use contract::Event;

use crate::Decoded;
use crate::link::{Family, Layer, ethertype};
use crate::notes::LAYERS_MAX;
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
/// Fields that must be 0 in both versions, as the peer has them: strict source route (of version 1 alone),
/// recursion, reserved flags.
const STRICT_ROUTE: u16 = 0x0800;
const RECURSION: u16 = 0x0700;
const RESERVED: u16 = 0x0078;
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

/// The packet inside of the GRE header at `at`; what is wrong with the header is an event of `decoded`.
pub(super) fn find(packet: &[u8], at: usize, decoded: &mut Decoded) -> Option<Tunnel> {
    let found = header(packet, at, decoded);
    found.unwrap_or_else(|event| {
        decoded.events.insert(event);
        None
    })
}

fn header(packet: &[u8], at: usize, decoded: &mut Decoded) -> Result<Option<Tunnel>, Event> {
    let (Some(flags), Some(kind)) = (u16_at(packet, at), u16_at(packet, at + 2)) else {
        return Err(Event::GrePktTooSmall);
    };
    decoded.layers += 1;
    if decoded.layers >= LAYERS_MAX {
        return Err(Event::TooManyLayers);
    }
    match flags & VERSION_MASK {
        0 => version_0(packet, at + HEADER_BYTES, flags, kind),
        1 => version_1(packet, at + HEADER_BYTES, flags, kind),
        _ => Err(Event::GreWrongVersion),
    }
}

fn version_0(packet: &[u8], mut at: usize, flags: u16, kind: u16) -> Result<Option<Tunnel>, Event> {
    if flags & RECURSION != 0 {
        return Err(Event::GreVersion0Recur);
    }
    if flags & RESERVED != 0 {
        return Err(Event::GreVersion0Flags);
    }
    // Checksum and offset share a word that is there for either.
    for present in [flags & (CHECKSUM | ROUTING), flags & KEY, flags & SEQUENCE] {
        at += if present != 0 { FIELD_BYTES } else { 0 };
    }
    if at > packet.len() {
        return Err(Event::GreVersion0HdrTooBig);
    }
    if flags & ROUTING != 0 {
        at = after_routes(packet, at).ok_or(Event::GreVersion0MalformedSreHdr)?;
    }
    let layer = match kind {
        ethertype::IPV4 => Layer::Ip(Family::V4),
        ethertype::IPV6 => Layer::Ip(Family::V6),
        ethertype::PPP => Layer::Ppp,
        ethertype::VLAN => Layer::Tag,
        ethertype::BRIDGE => Layer::Ethernet,
        ERSPAN => return Ok(erspan(packet, at, flags)),
        _ => return Ok(None),
    };
    Ok((at < packet.len()).then(|| Tunnel::new(layer, at)))
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

/// PPTP (RFC 2637 section 4.1): PPP with a key, and a sequence number where there is data.
fn version_1(packet: &[u8], at: usize, flags: u16, kind: u16) -> Result<Option<Tunnel>, Event> {
    let forbidden = [
        (CHECKSUM, Event::GreVersion1Chksum),
        (ROUTING, Event::GreVersion1Route),
        (STRICT_ROUTE, Event::GreVersion1Ssr),
        (RECURSION, Event::GreVersion1Recur),
        (RESERVED, Event::GreVersion1Flags),
    ];
    if let Some((_, event)) = forbidden.iter().find(|(bits, _)| flags & bits != 0) {
        return Err(*event);
    }
    if kind != ethertype::PPP {
        return Err(Event::GreVersion1WrongProtocol);
    }
    if flags & KEY == 0 {
        return Err(Event::GreVersion1NoKey);
    }
    let numbers = [flags & SEQUENCE, flags & ACKNOWLEDGEMENT];
    let numbers = numbers.iter().filter(|flag| **flag != 0).count();
    let start = at + FIELD_BYTES * (1 + numbers);
    if start > packet.len() {
        return Err(Event::GreVersion1HdrTooBig);
    }
    Ok((start < packet.len()).then(|| Tunnel::new(Layer::Ppp, start)))
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
