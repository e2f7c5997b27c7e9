//! What decoding a frame gives.

use contract::{EventSet, FiveTuple, FlowKey, IpOptions};

use crate::notes::Notes;
use crate::{Network, TcpOptions, Tunnel};

/// Bytes of a frame: a start and a length, always within the frame that was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// From `start` to `end`; empty at `end` if `start` is beyond.
    #[inline]
    pub(crate) fn between(start: usize, end: usize) -> Self {
        let start = start.min(end);
        // Offsets fit: frames are at most FRAME_BYTES_MAX.
        Self { start: start as u32, len: (end - start) as u32 }
    }

    /// These bytes of `frame`; empty if `frame` is not the one that was decoded and is shorter.
    #[inline]
    #[must_use]
    pub fn of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        frame.get(start..start + self.len as usize).unwrap_or(&[])
    }
}

/// A TCP header (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFacts {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number; it means something only with the ACK flag.
    pub ack: u32,
    /// Window, unscaled.
    pub window: u16,
    /// Flags, FIN 1 … CWR 128.
    pub flags: u8,
    /// Bytes of the header, options included.
    pub header_len: u8,
    /// The options.
    pub options: TcpOptions,
}

/// The fragment fields of a packet that is one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification: 16 bits of IPv4, 32 of IPv6.
    pub id: u32,
    /// Offset of this fragment's data in the whole, in bytes.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
    /// Protocol of the whole's payload: for IPv6 the fragment header's next header.
    pub protocol: u8,
    /// End, in the frame, of what comes before the fragment's data: for IPv6 the fragment header's start.
    pub head_end: u32,
    /// For IPv6, the place in the frame that names the fragment header as the next one.
    pub next_header_at: u32,
}

/// A decoded packet. Offsets are from the frame's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Addresses, protocol, and ports where `has_transport`; for ICMP, type and code.
    ///
    /// The protocol is what the peer takes the packet for: of an IPv6 fragment 44 (see
    /// [`Fragment::protocol`]); where an IPv6 packet comes to nothing that the peer has a protocol for (no
    /// next header, ICMP of IPv4), the last extension header's, and without one 0.
    pub tuple: FiveTuple,
    /// Identifiers of the two outer VLAN tags, from the outside in; 0 where there is none.
    pub vlan: [u16; 2],
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Options of an IPv4 header; those that are not sound are left out, as in the peer.
    pub ip_options: IpOptions,
    /// TCP header, where it is whole and valid.
    pub tcp: Option<TcpFacts>,
    /// ICMP or ICMPv6 type and code, where the header is whole.
    pub icmp: Option<(u8, u8)>,
    /// What detection sees as payload: the transport's, without padding after the IP packet. Empty for
    /// fragments, for an invalid transport header and for protocols that are not decoded, as in the peer.
    pub payload: Span,
    /// Start of the IP header.
    pub network_offset: u32,
    /// Start of what follows IP and its extension headers: the transport header, or a fragment's data.
    pub transport_offset: u32,
    /// End of the IP packet in the frame; what lies behind is padding or a trailer.
    pub network_end: u32,
    /// The fragment fields, where the packet is a fragment. An atomic IPv6 fragment (RFC 6946) is none.
    pub fragment: Option<Fragment>,
    /// For ICMP errors the tuple of the packet that they quote, in that packet's direction.
    pub quoted: Option<FiveTuple>,
    /// The packet that this one carries; [`crate::decode_inner`] decodes it.
    pub tunnel: Option<Tunnel>,
    /// Tunnels around this packet: 0 for the one that the frame's link layer carries.
    pub depth: u8,
    /// The transport header was decoded, so that ports, or type and code, mean something.
    pub has_transport: bool,
    /// What follows IP is of a protocol that is decoded, and could be.
    pub(crate) wants_flow: bool,
    /// The IP packet is longer than what was captured (a snap length): it was decoded as far as it goes.
    /// The peer inspects no such packet, but for its events.
    pub cut: bool,
    /// The packet was put together of fragments. Decoding does not know: who did that says so.
    pub reassembled: bool,
    /// What is wrong with the packet, its link layers included.
    pub events: EventSet,
    /// Layers down to here, those of the carriers included; see [`crate::LAYERS_MAX`].
    pub(crate) layers: u8,
}

impl Decoded {
    /// The packet with its IP layer alone.
    #[inline]
    pub(crate) fn new(network: &Network, notes: &Notes) -> Self {
        Self {
            tuple: network.tuple(),
            vlan: notes.vlan,
            ttl: network.ttl,
            ip_options: network.options,
            tcp: None,
            icmp: None,
            payload: Span::between(network.end, network.end),
            network_offset: network.network_offset as u32,
            transport_offset: network.transport_offset as u32,
            network_end: network.end as u32,
            fragment: network.fragment,
            quoted: None,
            tunnel: None,
            depth: 0,
            has_transport: false,
            wants_flow: false,
            cut: network.cut,
            reassembled: false,
            events: notes.events,
            layers: notes.layers,
        }
    }

    /// Whether only rules about events and addresses are for the packet: it has events, and the peer does not
    /// know the protocol of what follows IP.
    #[inline]
    #[must_use]
    pub fn is_for_events_only(&self) -> bool {
        self.tuple.protocol == 0 && !self.events.is_empty()
    }

    /// Whether the packet belongs to a flow. The peer has none for fragments, carriers, protocols that it
    /// does not decode and malformed transport headers: it asks address-only rules of each of these packets.
    #[inline]
    #[must_use]
    pub const fn wants_flow(&self) -> bool {
        self.wants_flow && self.fragment.is_none()
    }

    /// The tuple that says which flow the packet belongs to: an ICMP error belongs to the one it quotes.
    #[inline]
    #[must_use]
    pub fn flow_tuple(&self) -> &FiveTuple {
        self.quoted.as_ref().unwrap_or(&self.tuple)
    }

    /// The key of the flow that the packet belongs to, and whether the packet's own tuple, or the quoted
    /// one, runs from the key's low end.
    #[inline]
    #[must_use]
    pub fn flow_key(&self) -> (FlowKey, bool) {
        FlowKey::of(self.flow_tuple(), self.vlan, self.depth)
    }

    /// Bytes of the IP packet, as far as they were captured.
    #[inline]
    #[must_use]
    pub const fn network_bytes(&self) -> u32 {
        self.network_end - self.network_offset
    }
}
