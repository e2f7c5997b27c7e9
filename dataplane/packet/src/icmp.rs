//! ICMP (RFC 792) and ICMPv6 (RFC 4443), and the packet that their errors quote.

use contract::FiveTuple;

use crate::link::Family;
use crate::read::array;
use crate::transport::ports;
use crate::{Decoded, Network, Span, protocol};

/// Bytes of an ICMP or ICMPv6 header with the word after the checksum.
const HEADER_BYTES: usize = 8;
/// Bytes of an ICMP timestamp message (RFC 792): three timestamps follow the header.
const TIMESTAMP_BYTES: usize = 20;

/// ICMP (IPv4) at `at`.
pub(crate) fn v4(packet: &[u8], at: usize, decoded: &mut Decoded) {
    let Some((kind, code)) = head(packet, at, decoded) else { return };
    // The peer counts the timestamps as header where they are all there.
    let timestamps = matches!(kind, 13 | 14) && at + TIMESTAMP_BYTES <= packet.len();
    let skipped = if timestamps { TIMESTAMP_BYTES } else { HEADER_BYTES };
    decoded.payload = Span::between(at + skipped, packet.len());
    // RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.
    if matches!(kind, 3 | 4 | 5 | 11 | 12) {
        decoded.quoted = quoted(Family::V4, packet, at + HEADER_BYTES);
    }
    decoded.tuple.source_port = kind.into();
    decoded.tuple.destination_port = code.into();
}

/// ICMPv6 at `at`.
pub(crate) fn v6(packet: &[u8], at: usize, decoded: &mut Decoded) {
    let Some((kind, code)) = head(packet, at, decoded) else { return };
    let start = at + HEADER_BYTES;
    decoded.payload = if has_known_body(kind, code) {
        Span::between(start, packet.len())
    } else {
        // Of all other messages the peer inspects the body from the word after the checksum on, but
        // only as many bytes as follow that word.
        Span::between(start - 4, packet.len() - 4)
    };
    // RFC 4443 section 2.1: errors have types below 128; 1 to 4 are the ones that are defined.
    if matches!(kind, 1..=4) {
        decoded.quoted = quoted(Family::V6, packet, start);
    }
    decoded.tuple.source_port = kind.into();
    decoded.tuple.destination_port = code.into();
}

/// Type and code, if the header is whole; the peer wants all 8 bytes.
fn head(packet: &[u8], at: usize, decoded: &mut Decoded) -> Option<(u8, u8)> {
    let [kind, code, ..] = *array::<HEADER_BYTES>(packet, at)?;
    decoded.icmp = Some((kind, code));
    decoded.has_transport = true;
    Some((kind, code))
}

/// ICMPv6 messages whose body the peer takes as payload: echo, and errors with a code that it knows.
const fn has_known_body(kind: u8, code: u8) -> bool {
    match kind {
        1 => code <= 6,
        2 => code == 0,
        3 => code <= 1,
        4 => code <= 2,
        128 | 129 => code == 0,
        _ => false,
    }
}

/// The tuple of the packet quoted at `at`: its IP header and the first bytes of its transport (RFC 792;
/// RFC 1812 section 4.3.2.3; RFC 4443 section 2.4). `None` where that is too little for a flow key.
fn quoted(family: Family, packet: &[u8], at: usize) -> Option<FiveTuple> {
    let network = Network::parse(family, packet, at).ok()?;
    let mut tuple = network.tuple();
    if network.fragment.is_some_and(|fragment| fragment.offset != 0) {
        return None;
    }
    tuple.protocol = network.fragment.map_or(network.protocol, |fragment| fragment.protocol);
    if matches!(tuple.protocol, protocol::TCP | protocol::UDP | protocol::SCTP) {
        (tuple.source_port, tuple.destination_port) = ports(packet, network.transport_offset)?;
    }
    Some(tuple)
}
