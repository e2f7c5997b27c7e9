//! ICMP (RFC 792) and ICMPv6 (RFC 4443), and the packet that their errors quote.

use contract::{Event, FiveTuple};

use crate::link::Family;
use crate::notes::Notes;
use crate::read::array;
use crate::transport::ports;
use crate::{Decoded, Network, Span, protocol};

/// Bytes of an ICMP or ICMPv6 header with the word after the checksum.
const HEADER_BYTES: usize = 8;
/// Bytes of an ICMP timestamp message (RFC 792): three timestamps follow the header.
const TIMESTAMP_BYTES: usize = 20;
/// Bytes of the headers that an error must quote to be of use.
const QUOTED_V4_BYTES: usize = 20;
const QUOTED_V6_BYTES: usize = 40;

/// ICMP (IPv4) at `at`.
pub(crate) fn v4(packet: &[u8], at: usize, decoded: &mut Decoded) {
    let Some((kind, code)) = head(packet, at, decoded) else {
        return decoded.events.insert(Event::Icmpv4PktTooSmall);
    };
    let header = header_bytes_v4(packet.get(at..).unwrap_or(&[]));
    decoded.payload = Span::between(at + header, packet.len());
    let known = knows_v4(kind, code);
    match known {
        None => decoded.events.insert(Event::Icmpv4UnknownType),
        Some(false) => decoded.events.insert(Event::Icmpv4UnknownCode),
        Some(true) => {}
    }
    // RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.
    if matches!(kind, 3 | 4 | 5 | 11 | 12) {
        let start = at + HEADER_BYTES;
        decoded.quoted = quoted(Family::V4, packet, start);
        let quote = packet.get(start..).unwrap_or(&[]);
        // The peer minds that a source quench quotes nothing, and not that another does.
        if known == Some(true) && (kind == 4 || !quote.is_empty()) {
            quote_event(quote, Family::V4)
                .into_iter()
                .for_each(|event| decoded.events.insert(event));
        }
    } else if (kind, code) == (13, 0) && header < TIMESTAMP_BYTES {
        decoded.events.insert(Event::Icmpv4Ipv4TruncPkt);
    }
    decoded.tuple.source_port = kind.into();
    decoded.tuple.destination_port = code.into();
}

/// Bytes that the peer counts as the header of `message`: with the timestamps of these (RFC 792), and the
/// addresses of a router advertisement (RFC 1256 section 3), where they are all there.
fn header_bytes_v4(message: &[u8]) -> usize {
    let bytes = match *message {
        [13 | 14, ..] => TIMESTAMP_BYTES,
        [9, _, _, _, addresses, words, ..] => {
            HEADER_BYTES + usize::from(addresses) * usize::from(words) * 4
        }
        _ => HEADER_BYTES,
    };
    if bytes <= message.len() { bytes } else { HEADER_BYTES }
}

/// Whether the peer knows the code of an ICMP message; `None` where it does not know the type.
const fn knows_v4(kind: u8, code: u8) -> Option<bool> {
    Some(match kind {
        3 => code <= 15,
        5 => code <= 3,
        9 => true,
        11 => code <= 1,
        0 | 4 | 8 | 12..=18 => code == 0,
        _ => return None,
    })
}

/// What is wrong with the head of a quoted packet.
fn quote_event(quote: &[u8], family: Family) -> Option<Event> {
    let (bytes, cut, version) = match family {
        Family::V4 => (QUOTED_V4_BYTES, Event::Icmpv4Ipv4TruncPkt, Event::Icmpv4Ipv4UnknownVer),
        Family::V6 => (QUOTED_V6_BYTES, Event::Icmpv6Ipv6TruncPkt, Event::Icmpv6Ipv6UnknownVersion),
    };
    match quote.first() {
        Some(first) if quote.len() >= bytes => (first >> 4 != family.version()).then_some(version),
        _ => Some(cut),
    }
}

/// ICMPv6 at `at`.
pub(crate) fn v6(packet: &[u8], at: usize, decoded: &mut Decoded) {
    let Some((kind, code)) = head(packet, at, decoded) else {
        return decoded.events.insert(Event::Icmpv6PktTooSmall);
    };
    let start = at + HEADER_BYTES;
    decoded.payload = if has_known_body(kind, code) {
        Span::between(start, packet.len())
    } else {
        // Of all other messages the peer inspects the body from the word after the checksum on, but
        // as many bytes fewer as the header has.
        Span::between(start - 4, (packet.len() - HEADER_BYTES).max(start - 4))
    };
    let event = v6_event(kind, code);
    event.into_iter().for_each(|event| decoded.events.insert(event));
    // RFC 2710 section 3: multicast listener messages have the hop limit 1.
    if matches!(kind, 130..=132) && decoded.ttl != 1 {
        decoded.events.insert(Event::Icmpv6MldMessageWithInvalidHl);
    }
    // RFC 4443 section 2.1: errors have types below 128; 1 to 4 are the ones that are defined.
    if matches!(kind, 1..=4) {
        decoded.quoted = quoted(Family::V6, packet, start);
        if has_known_body(kind, code) {
            let quote = packet.get(start..).unwrap_or(&[]);
            quote_event(quote, Family::V6)
                .into_iter()
                .for_each(|event| decoded.events.insert(event));
        }
    }
    decoded.tuple.source_port = kind.into();
    decoded.tuple.destination_port = code.into();
}

/// What the peer says of an ICMPv6 type and code.
const fn v6_event(kind: u8, code: u8) -> Option<Event> {
    let known = match kind {
        0 | 127 => return Some(Event::Icmpv6UnknownType),
        100 | 101 | 200 | 201 => return Some(Event::Icmpv6ExperimentationType),
        5..=126 | 160..=255 => return Some(Event::Icmpv6UnassignedType),
        1..=4 | 128 | 129 => has_known_body(kind, code),
        138 => matches!(code, 0 | 1 | 2 | 255),
        139 | 140 => code <= 2,
        150..=153 | 155 => true,
        130..=159 => code == 0,
    };
    if known { None } else { Some(Event::Icmpv6UnknownCode) }
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
    // What is wrong with a quoted packet is no event of the one that quotes it.
    let network = Network::parse(family, packet, at, &mut Notes::default()).ok()?;
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
