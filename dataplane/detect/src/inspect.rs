//! What detection looks at: one packet, as plain values and borrowed bytes.

use contract::{EventSet, FiveTuple};

use crate::Headers;

/// A view of one decoded packet. It says nothing of where the bytes come from.
#[derive(Clone, Copy, Debug)]
pub struct Inspect<'a> {
    /// The packet's five-tuple (for ICMP: type and code in the ports).
    pub tuple: FiveTuple,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// TCP flags, where the packet is TCP with a whole header.
    pub tcp_flags: Option<u8>,
    /// ICMP type and code, where the packet is ICMP or ICMPv6.
    pub icmp: Option<(u8, u8)>,
    /// Payload of the transport layer. Empty for fragments and for protocols that are not decoded, as in
    /// the peer: content rules never match there.
    pub payload: &'a [u8],
    /// Bytes that the transport layer carries. More than `payload` where that is empty because it is a
    /// packet that is inspected by itself (a tunnel).
    pub payload_bytes: u32,
    /// The payload went into the stream of its flow: for rules that may look at either (`Class::PktOrStream`)
    /// the stream decides, not the payload.
    pub in_stream: bool,
    /// What is due of the stream in this packet's direction, in order, with gaps in between. Nothing for
    /// most packets. Rules that look at streams look at each of these.
    pub chunks: &'a [&'a [u8]],
    /// Only the chunks are to be inspected: there is no packet, since the flow has ended.
    pub chunks_only: bool,
    /// The bytes of the packet and its headers, for rules that ask for them.
    pub headers: Headers<'a>,
    /// The transport header was decoded, so that ports mean something.
    pub has_transport: bool,
    /// The packet is the first of its flow in its direction, or belongs to no flow: address-only
    /// rules (`Class::IpOnly`) are looked at on these packets alone, as the peer does.
    pub first_in_direction: bool,
    /// The packet's flow, where it belongs to one.
    pub flow: Option<FlowView>,
    /// The packet was put together of fragments.
    pub reassembled: bool,
    /// What is unusual about the packet, or about what it is in its stream.
    pub events: EventSet,
    /// Which rules see the packet.
    pub scope: Scope,
}

/// Which rules see a packet, as in the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All.
    #[default]
    Whole,
    /// Those about events alone (`Class::Event`) and about addresses alone (`Class::IpOnly`): what follows IP
    /// is malformed, and an event says so.
    Malformed,
    /// The same, of these the ones for any protocol: there is no IP packet. The tuple is the addresses that
    /// could be read, with protocol and ports 0; where there are none, `first_in_direction` is false.
    Undecoded,
}

/// What detection sees of a packet's flow, the packet counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowView {
    /// The packet comes from the side that opened the flow.
    pub to_server: bool,
    /// TCP: after the handshake; else both sides have sent.
    pub established: bool,
    /// Whole seconds from the flow's first packet to the latest, each time cut to its second as in the
    /// peer.
    pub age_s: u32,
    /// How far the sequence numbers of client and server have come, SYN counted; `None` where the flow
    /// has no TCP session that is followed.
    pub stream_sizes: Option<[u32; 2]>,
}

impl Inspect<'_> {
    /// Whether there are bytes for rules that look at some: the packet's or the stream's.
    #[inline]
    #[must_use]
    pub const fn has_bytes(&self) -> bool {
        !self.payload.is_empty() || !self.chunks.is_empty()
    }
}
