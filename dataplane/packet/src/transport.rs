//! Transport headers: TCP, UDP, SCTP, and where the payload of the others begins.

use contract::Event;

use crate::read::{array, u16_at};
use crate::{Decoded, Network, Span, TcpFacts, TcpOptions, icmp, protocol};

/// Bytes of a TCP header without options (RFC 9293 section 3.1).
const TCP_BYTES: usize = 20;
/// Bytes of a UDP header (RFC 768).
const UDP_BYTES: usize = 8;
/// Bytes of SCTP's common header (RFC 9260 section 3.1).
const SCTP_BYTES: usize = 12;
/// Bytes of ESP's header (RFC 4303 section 2).
const ESP_BYTES: usize = 8;

/// Decodes what follows `network` into `decoded`, as far as it is valid; `packet` ends with `network`.
#[inline]
pub(crate) fn parse(packet: &[u8], network: &Network, decoded: &mut Decoded) {
    let at = network.transport_offset;
    match network.protocol {
        protocol::TCP => tcp(packet, at, decoded),
        protocol::UDP => udp(packet, at, network.cut, decoded),
        protocol::ICMP if network.source.is_ipv4() => icmp::v4(packet, at, decoded),
        protocol::ICMPV6 if network.source.is_ipv6() => icmp::v6(packet, at, decoded),
        protocol::ICMP => decoded.events.insert(Event::Ipv6Icmpv4),
        protocol::ICMPV6 => decoded.events.insert(Event::Ipv4Icmpv6),
        protocol::SCTP => sctp(packet, at, decoded),
        protocol::ESP => esp(packet, at, network.source.is_ipv6(), decoded),
        _ => {}
    }
    decoded.wants_flow |= decoded.has_transport;
}

#[inline]
fn tcp(packet: &[u8], at: usize, decoded: &mut Decoded) {
    let Some(h) = array::<TCP_BYTES>(packet, at) else {
        return decoded.events.insert(Event::TcpPktTooSmall);
    };
    let header_len = (h[12] >> 4) * 4;
    let options_at = at + TCP_BYTES;
    let payload_at = at + usize::from(header_len);
    if usize::from(header_len) < TCP_BYTES {
        return decoded.events.insert(Event::TcpInvalidOptlen);
    }
    let Some(options) = packet.get(options_at..payload_at) else {
        return decoded.events.insert(Event::TcpHlenTooSmall);
    };
    decoded.tuple.source_port = u16::from_be_bytes([h[0], h[1]]);
    decoded.tuple.destination_port = u16::from_be_bytes([h[2], h[3]]);
    decoded.tcp = Some(TcpFacts {
        seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
        window: u16::from_be_bytes([h[14], h[15]]),
        flags: h[13],
        header_len,
        options: TcpOptions::parse(options, &mut decoded.events),
    });
    decoded.payload = Span::between(payload_at, packet.len());
    decoded.has_transport = true;
}

/// RFC 768: the length counts header and data, so it is at least 8. The peer refuses one that exceeds
/// the IP payload and, with less, takes the data that the length says.
#[inline]
fn udp(packet: &[u8], at: usize, cut: bool, decoded: &mut Decoded) {
    let Some(h) = array::<UDP_BYTES>(packet, at) else {
        return decoded.events.insert(Event::UdpHlenTooSmall);
    };
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    if at + length > packet.len() && !cut {
        return decoded.events.insert(Event::UdpPktTooSmall);
    }
    if length < UDP_BYTES {
        return decoded.events.insert(Event::UdpLenInvalid);
    }
    decoded.tuple.source_port = u16::from_be_bytes([h[0], h[1]]);
    decoded.tuple.destination_port = u16::from_be_bytes([h[2], h[3]]);
    decoded.payload = Span::between(at + UDP_BYTES, packet.len().min(at + length));
    decoded.has_transport = true;
}

fn sctp(packet: &[u8], at: usize, decoded: &mut Decoded) {
    if at + SCTP_BYTES > packet.len() {
        return decoded.events.insert(Event::SctpPktTooSmall);
    }
    if let Some((source, destination)) = ports(packet, at) {
        decoded.tuple.source_port = source;
        decoded.tuple.destination_port = destination;
        decoded.payload = Span::between(at + SCTP_BYTES, packet.len());
        decoded.has_transport = true;
    }
}

fn esp(packet: &[u8], at: usize, v6: bool, decoded: &mut Decoded) {
    if v6 && at + 2 > packet.len() {
        // Of two bytes of each IPv6 extension header, as which the peer takes it here.
        decoded.events.insert(Event::Ipv6TruncExthdr);
        decoded.tuple.protocol = 0;
    } else if at + ESP_BYTES > packet.len() {
        decoded.events.insert(Event::EspPktTooSmall);
    } else {
        decoded.wants_flow = true;
    }
    decoded.payload = Span::between(at + ESP_BYTES, packet.len());
}

/// The two ports at `at`: TCP, UDP and SCTP begin alike.
pub(crate) fn ports(packet: &[u8], at: usize) -> Option<(u16, u16)> {
    Some((u16_at(packet, at)?, u16_at(packet, at + 2)?))
}
