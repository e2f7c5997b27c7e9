//! Sticky buffers: which bytes the tests that follow them look at.

/// What a sticky buffer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BufferName {
    /// `ipv4.hdr`: the IPv4 header with its options.
    Ipv4Header,
    /// `ipv6.hdr`: the IPv6 header with its extension headers.
    Ipv6Header,
    /// `tcp.hdr`: the TCP header with its options.
    TcpHeader,
    /// `udp.hdr`: the 8 bytes of the UDP header.
    UdpHeader,
    /// `icmpv4.hdr`: the ICMP header, with the timestamps or router addresses that follow it.
    Icmpv4Header,
    /// `icmpv6.hdr`: the 8 bytes of the ICMPv6 header.
    Icmpv6Header,
}

impl BufferName {
    /// The keyword that names the buffer.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Ipv4Header => "ipv4.hdr",
            Self::Ipv6Header => "ipv6.hdr",
            Self::TcpHeader => "tcp.hdr",
            Self::UdpHeader => "udp.hdr",
            Self::Icmpv4Header => "icmpv4.hdr",
            Self::Icmpv6Header => "icmpv6.hdr",
        }
    }

    /// The IP protocol (IANA registry) that alone has these bytes; `None`: any may.
    #[must_use]
    pub const fn protocol(self) -> Option<u8> {
        match self {
            Self::Ipv4Header | Self::Ipv6Header => None,
            Self::TcpHeader => Some(6),
            Self::UdpHeader => Some(17),
            Self::Icmpv4Header => Some(1),
            Self::Icmpv6Header => Some(58),
        }
    }
}

/// Bytes that a rule looks at besides the payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buffer {
    /// Which bytes.
    pub name: BufferName,
}
