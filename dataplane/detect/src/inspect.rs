//! What detection looks at: one packet, as plain values and borrowed bytes.

use contract::FiveTuple;

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
    /// The transport header was decoded, so that ports mean something.
    pub has_transport: bool,
    /// The packet is the first of its flow in its direction, or belongs to no flow: address-only
    /// rules (`Class::IpOnly`) are looked at on these packets alone, as the peer does.
    pub first_in_direction: bool,
}
