//! Header decode: link layer to transport, and the owner hash.
//!
//! [`decode`] turns a frame into a [`Decoded`]: plain values and offsets into the frame, no allocation,
//! no panic on any input. Where RFCs leave room, or where practice differs, it does what the peer
//! (Suricata 7.0.10) was seen to do; each such place says so.
//!
//! A packet inside of a packet is found, not decoded ([`Decoded::tunnel`]): [`decode_inner`] does that.
//! Fragments are not put together here: each is what it is (addresses, protocol, no payload).
//!
//! What is wrong with a packet is said by [`contract::Event`]s, by the peer's names and where the peer raises
//! them: in [`Decoded::events`], or in [`Undecoded::events`] where there is no packet.

#![forbid(unsafe_code)]

mod decoded;
mod error;
mod extension;
mod icmp;
mod ipv4;
mod ipv4_options;
mod ipv6;
mod link;
mod notes;
mod options;
mod owner;
mod read;
mod transport;
mod tunnel;

pub use decoded::{Decoded, Fragment, Span, TcpFacts};
pub use error::{DecodeError, Undecoded};
pub use extension::EXTENSION_HEADERS_MAX;
pub use link::VLAN_TAGS_MAX;
pub use notes::LAYERS_MAX;
pub use options::TcpOptions;
pub use owner::OwnerHash;
pub use tunnel::{GENEVE_PORT, TEREDO_PORT, TUNNEL_DEPTH_MAX, Tunnel, VXLAN_PORT};

use contract::{Event, FiveTuple, IpOptions, LinkType};
use core::net::IpAddr;

use link::{Family, Link};
use notes::Notes;

/// Longest frame that is decoded: offsets are 32 bits, and nothing on a wire comes near.
pub const FRAME_BYTES_MAX: usize = 1 << 24;

/// IP protocol numbers (IANA registry) that the decoder knows.
pub mod protocol {
    /// Internet Control Message Protocol.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP (RFC 2003).
    pub const IPV4_IN_IP: u8 = 4;
    /// Transmission Control Protocol.
    pub const TCP: u8 = 6;
    /// User Datagram Protocol.
    pub const UDP: u8 = 17;
    /// IPv6 in IP (RFC 2473, RFC 4213).
    pub const IPV6_IN_IP: u8 = 41;
    /// IPv6 fragment header.
    pub const IPV6_FRAGMENT: u8 = 44;
    /// Generic Routing Encapsulation (RFC 2784).
    pub const GRE: u8 = 47;
    /// Encapsulating Security Payload.
    pub const ESP: u8 = 50;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// Stream Control Transmission Protocol.
    pub const SCTP: u8 = 132;
}

/// An IP header, its extension headers included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    /// Protocol of what starts at `transport_offset`.
    pub(crate) protocol: u8,
    /// The protocol that the peer takes the packet for, and rules see; 0 where it comes to none.
    pub(crate) shown_protocol: u8,
    /// The peer does not look into what `protocol` stands for, because of its place.
    pub(crate) is_opaque: bool,
    pub(crate) network_offset: usize,
    pub(crate) transport_offset: usize,
    /// End of the IP packet in the frame, or of the frame where that comes first.
    pub(crate) end: usize,
    /// The IP packet is longer than what was captured.
    pub(crate) cut: bool,
    pub(crate) fragment: Option<Fragment>,
    /// Options of IPv4.
    pub(crate) options: IpOptions,
}

impl Network {
    /// The header of `family` at `offset`.
    #[inline]
    fn parse(
        family: Family,
        frame: &[u8],
        offset: usize,
        notes: &mut Notes,
    ) -> Result<Self, DecodeError> {
        match family {
            Family::V4 => ipv4::parse(frame, offset, notes),
            Family::V6 => ipv6::parse(frame, offset, notes),
        }
    }

    /// The tuple with ports 0.
    fn tuple(&self) -> FiveTuple {
        FiveTuple {
            source: self.source,
            destination: self.destination,
            source_port: 0,
            destination_port: 0,
            protocol: self.shown_protocol,
        }
    }
}

/// Decodes `frame`, whose first byte is of link type `link`.
///
/// A transport header that is cut or contradicts itself is no error: the packet keeps its addresses and
/// protocol, its ports are 0, its payload is empty and [`Decoded::has_transport`] is false. This is how
/// the peer treats it: rules on addresses and protocol see the packet, nothing else does.
///
/// # Errors
/// [`Undecoded`] where there is no IP packet, or its header cannot be understood.
#[inline]
pub fn decode(link: LinkType, frame: &[u8]) -> Result<Decoded, Undecoded> {
    let mut notes = Notes::default();
    if frame.len() > FRAME_BYTES_MAX {
        return Err(Undecoded::new(DecodeError::FrameTooLong, &notes, 0));
    }
    let decoded = match link::parse(link, frame, &mut notes) {
        Ok(link) => packet(link, frame, &mut notes),
        Err(error) => Err(error),
    };
    decoded.map_err(|error| Undecoded::new(error, &notes, 0))
}

/// Decodes the packet that `outer`, which was decoded from `frame`, carries. `None` where it carries none,
/// or lies [`TUNNEL_DEPTH_MAX`] deep.
#[must_use]
pub fn decode_inner(outer: &Decoded, frame: &[u8]) -> Option<Result<Decoded, Undecoded>> {
    let tunnel = outer.tunnel.filter(|_| outer.depth < TUNNEL_DEPTH_MAX)?;
    // What follows the carrier is no part of the carried.
    let inside = frame.get(..outer.network_end as usize).unwrap_or(frame);
    let mut notes = Notes::inside(outer.layers + 1, tunnel.vlan);
    let decoded = match tunnel.enter(inside, &mut notes) {
        Ok(link) => packet(link, inside, &mut notes),
        Err(error) => Err(error),
    };
    let depth = outer.depth + 1;
    Some(match decoded {
        Ok(inner) => Ok(Decoded { depth, ..inner }),
        Err(error) => Err(Undecoded::new(error, &notes, depth)),
    })
}

/// The packet inside of all tunnels of `outer`, which was decoded from `frame`, as far as they can be
/// decoded: the one that says who owns the frame.
#[must_use]
pub fn innermost(outer: &Decoded, frame: &[u8]) -> Decoded {
    let mut packet = *outer;
    while let Some(Ok(inner)) = decode_inner(&packet, frame) {
        packet = inner;
    }
    packet
}

/// The IP packet behind `link`.
#[inline]
fn packet(link: Link, frame: &[u8], notes: &mut Notes) -> Result<Decoded, DecodeError> {
    let network = Network::parse(link.family, frame, link.network_offset, notes)?;
    let mut decoded = Decoded::new(&network, notes);
    if network.fragment.is_none() {
        let packet = frame.get(..network.end).unwrap_or(frame);
        transport::parse(packet, &network, &mut decoded);
        decoded.tunnel = tunnel::find(packet, &network, &mut decoded);
    }
    if network.cut {
        // The peer looks no further at a packet that is longer than what was captured.
        decoded.events = notes.events;
        decoded.events.insert(match link.family {
            Family::V4 => Event::Ipv4TruncPkt,
            Family::V6 => Event::Ipv6TruncPkt,
        });
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests;
