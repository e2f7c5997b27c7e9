//! Why a frame could not be decoded.

use contract::{EventSet, PacketDrop};
use core::net::IpAddr;

use crate::Decoded;
use crate::notes::Notes;

/// Why a frame could not be decoded: a discriminant, to be counted, never text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DecodeError {
    /// The frame holds something else than IP.
    NotIp,
    /// The decoder does not know the link type.
    UnknownLink,
    /// The frame is longer than [`crate::FRAME_BYTES_MAX`].
    FrameTooLong,
    /// The link header, or a VLAN tag, is cut.
    LinkCut,
    /// There are more VLAN tags than [`crate::VLAN_TAGS_MAX`].
    TooManyTags,
    /// There are more layers than [`crate::LAYERS_MAX`].
    TooManyLayers,
    /// An MPLS label is reserved for something else than data.
    MplsLabel,
    /// The network service header contradicts itself.
    Nsh,
    /// The version in the IP header is not what the link layer says, or neither 4 nor 6.
    IpVersion,
    /// The fixed part of the IP header is cut.
    IpCut,
    /// IPv4's header length is below 20 bytes, or more than there is.
    Ipv4HeaderLength,
    /// IPv4's total length is less than the header's.
    Ipv4TotalLength,
    /// An IPv4 option is longer than the options.
    Ipv4Option,
    /// The IP packet is longer than what was captured; see [`Undecoded::of_cut`].
    Cut,
}

impl DecodeError {
    /// The name used in counters and documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::UnknownLink => "unknown_link",
            Self::FrameTooLong => "frame_too_long",
            Self::LinkCut => "link_cut",
            Self::TooManyTags => "too_many_tags",
            Self::TooManyLayers => "too_many_layers",
            Self::MplsLabel => "mpls_label",
            Self::Nsh => "nsh",
            Self::IpVersion => "ip_version",
            Self::IpCut => "ip_cut",
            Self::Ipv4HeaderLength => "ipv4_header_length",
            Self::Ipv4TotalLength => "ipv4_total_length",
            Self::Ipv4Option => "ipv4_option",
            Self::Cut => "cut",
        }
    }

    /// The drop cause under which the packet is counted.
    #[must_use]
    pub const fn cause(self) -> PacketDrop {
        match self {
            Self::NotIp => PacketDrop::NotIp,
            Self::UnknownLink => PacketDrop::UnknownLink,
            Self::Cut => PacketDrop::Cut,
            _ => PacketDrop::Malformed,
        }
    }
}

impl From<DecodeError> for PacketDrop {
    fn from(error: DecodeError) -> Self {
        error.cause()
    }
}

/// A frame, or a carried packet, that could not be decoded, and what is known of it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecoded {
    /// Why there is no packet.
    pub error: DecodeError,
    /// What is wrong with it; none where it only holds something else than IP.
    pub events: EventSet,
    /// Identifiers of the two outer VLAN tags, from the outside in; 0 where there is none.
    pub vlan: [u16; 2],
    /// Source and destination, where an IP header was read and only its options are wrong. The peer runs
    /// address-only rules on these.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Tunnels around it.
    pub depth: u8,
}

impl Undecoded {
    /// What is left of a packet that is longer than what was captured ([`Decoded::cut`]), where such are not
    /// inspected: as in the peer, not even its addresses.
    #[must_use]
    pub const fn of_cut(packet: &Decoded) -> Self {
        Self {
            error: DecodeError::Cut,
            events: packet.events,
            vlan: packet.vlan,
            addresses: None,
            depth: packet.depth,
        }
    }

    #[cold]
    pub(crate) fn new(error: DecodeError, notes: &Notes, depth: u8) -> Self {
        Self { error, events: notes.events, vlan: notes.vlan, addresses: notes.addresses, depth }
    }
}

impl From<Undecoded> for PacketDrop {
    fn from(undecoded: Undecoded) -> Self {
        undecoded.error.cause()
    }
}
