//! A fluent packet builder: lengths and checksums are right unless a test asks for wrong ones.

mod build;
mod transport;

use std::net::IpAddr;

use contract::LinkType;

use crate::address::Address;
use transport::Transport;

/// TCP flags as in byte 13 of the header (RFC 9293 section 3.1).
pub mod tcp_flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push function.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field is significant.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer is significant.
    pub const URG: u8 = 0x20;
}

/// Shortest Ethernet frame without its check sequence (IEEE 802.3): 60 bytes.
const ETHERNET_MIN: usize = 60;

/// A packet under construction. Setters of a layer follow the call that adds the layer:
///
/// ```
/// use testkit::{Packet, tcp_flags};
///
/// let frame = Packet::ethernet()
///     .vlan(7)
///     .ip("10.0.0.1", "10.0.0.2")
///     .ttl(3)
///     .tcp(40_000, 80)
///     .flags(tcp_flags::PSH | tcp_flags::ACK)
///     .payload(b"GET / HTTP/1.1\r\n\r\n")
///     .build();
/// assert_eq!(frame.len(), 14 + 4 + 20 + 20 + 18);
/// ```
#[derive(Clone, Debug)]
pub struct Packet {
    link: LinkType,
    tags: Vec<(u16, u16)>,
    ethertype: Option<u16>,
    network: Option<Network>,
    transport: Transport,
    payload: Vec<u8>,
    padding: Padding,
    snap: Option<usize>,
}

/// What follows the IP packet in its frame.
#[derive(Clone, Debug)]
enum Padding {
    None,
    Minimum,
    Bytes(Vec<u8>),
}

/// The IP layer.
#[derive(Clone, Debug)]
struct Network {
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    id: u32,
    /// Offset in bytes.
    fragment_offset: u16,
    more_fragments: bool,
    dont_fragment: bool,
    options: Vec<u8>,
    /// IPv6 extension headers: number and whole header, its first byte filled in on building.
    extensions: Vec<(u8, Vec<u8>)>,
    protocol: Option<u8>,
    header_length: Option<u8>,
    length: Option<u16>,
    bad_checksum: bool,
}

impl Packet {
    fn of(link: LinkType) -> Self {
        Self {
            link,
            tags: Vec::new(),
            ethertype: None,
            network: None,
            transport: Transport::None,
            payload: Vec::new(),
            padding: Padding::None,
            snap: None,
        }
    }

    /// An Ethernet frame.
    #[must_use]
    pub fn ethernet() -> Self {
        Self::of(LinkType::ETHERNET)
    }

    /// A bare IP packet.
    #[must_use]
    pub fn raw() -> Self {
        Self::of(LinkType::RAW)
    }

    /// A packet with the 4-byte family of BSD loopback, in the byte order of this machine.
    #[must_use]
    pub fn null() -> Self {
        Self::of(LinkType::NULL)
    }

    /// Link type of the frame, for a capture file that holds it.
    #[must_use]
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Adds an 802.1Q tag (IEEE 802.1Q, TPID 0x8100); the first call gives the outer one.
    #[must_use]
    pub fn vlan(self, id: u16) -> Self {
        self.tag(0x8100, id)
    }

    /// Adds a service tag (IEEE 802.1ad, TPID 0x88a8).
    #[must_use]
    pub fn service_vlan(self, id: u16) -> Self {
        self.tag(0x88a8, id)
    }

    /// Adds a tag with any TPID and the whole 16 bits of control information.
    #[must_use]
    pub fn tag(mut self, tpid: u16, control: u16) -> Self {
        assert_eq!(self.link, LinkType::ETHERNET, "tags need an Ethernet frame");
        self.tags.push((tpid, control));
        self
    }

    /// Sets the EtherType, whatever the packet holds (ARP, say: 0x0806).
    #[must_use]
    pub fn ethertype(mut self, value: u16) -> Self {
        self.ethertype = Some(value);
        self
    }

    /// Adds the IP layer, IPv4 or IPv6 as the addresses are.
    ///
    /// # Panics
    /// If one address is IPv4 and the other IPv6.
    #[must_use]
    pub fn ip(mut self, source: impl Address, destination: impl Address) -> Self {
        let (source, destination) = (source.ip(), destination.ip());
        assert_eq!(
            source.is_ipv4(),
            destination.is_ipv4(),
            "{source} and {destination} do not mix"
        );
        self.network = Some(Network {
            source,
            destination,
            ttl: 64,
            id: 0,
            fragment_offset: 0,
            more_fragments: false,
            dont_fragment: false,
            options: Vec::new(),
            extensions: Vec::new(),
            protocol: None,
            header_length: None,
            length: None,
            bad_checksum: false,
        });
        self
    }

    fn network(&mut self) -> &mut Network {
        self.network.as_mut().expect("add the IP layer first: Packet::ethernet().ip(a, b)")
    }

    /// Time to live, or hop limit; 64 unless set.
    #[must_use]
    pub fn ttl(mut self, ttl: u8) -> Self {
        self.network().ttl = ttl;
        self
    }

    /// Identification of IPv4, or of the IPv6 fragment header.
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.network().id = id;
        self
    }

    /// Makes the packet a fragment at `offset` bytes. For IPv6 this adds a fragment header after the
    /// extension headers so far. What follows (transport, payload) is the fragment's data as it is: use
    /// [`Packet::protocol`] and a bare payload for a fragment that does not start with a transport header.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        assert_eq!(offset % 8, 0, "a fragment's offset is a multiple of 8 bytes");
        let network = self.network();
        network.fragment_offset = offset;
        network.more_fragments = more;
        if network.source.is_ipv6() {
            network.extensions.push((44, vec![0; 8]));
        }
        self
    }

    /// Sets IPv4's "don't fragment".
    #[must_use]
    pub fn dont_fragment(mut self) -> Self {
        self.network().dont_fragment = true;
        self
    }

    /// IPv4 options, padded with end-of-options to a multiple of 4.
    #[must_use]
    pub fn ip_options(mut self, options: &[u8]) -> Self {
        let mut options = options.to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        assert!(options.len() <= 40, "at most 40 bytes of IPv4 options");
        self.network().options = options;
        self
    }

    /// Adds an IPv6 extension header of type `number` with `body` (without its first two bytes), padded
    /// to a multiple of 8 (of 4 for AH, 51).
    #[must_use]
    pub fn extension(mut self, number: u8, body: &[u8]) -> Self {
        let unit = if number == 51 { 4 } else { 8 };
        let mut header = vec![0; 2];
        header.extend(body);
        header.resize(header.len().next_multiple_of(unit).max(8), 0);
        // RFC 8200 counts 8-byte units after the first; RFC 4302 counts 4-byte units minus 2.
        let skipped = if number == 51 { 2 } else { 1 };
        header[1] = (header.len() / unit - skipped) as u8;
        self.network().extensions.push((number, header));
        self
    }

    /// IP protocol number, whatever follows.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.network().protocol = Some(protocol);
        self
    }

    /// Overrides IPv4's header length, in 4-byte words.
    #[must_use]
    pub fn ip_header_words(mut self, words: u8) -> Self {
        self.network().header_length = Some(words);
        self
    }

    /// Overrides IPv4's total length or IPv6's payload length.
    #[must_use]
    pub fn ip_length(mut self, length: u16) -> Self {
        self.network().length = Some(length);
        self
    }

    /// Makes IPv4's header checksum wrong.
    #[must_use]
    pub fn bad_ip_checksum(mut self) -> Self {
        self.network().bad_checksum = true;
        self
    }

    /// The transport's payload, or that of IP where there is no transport.
    #[must_use]
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// Pads the frame with zeros to Ethernet's minimum of 60 bytes.
    #[must_use]
    pub fn pad(mut self) -> Self {
        self.padding = Padding::Minimum;
        self
    }

    /// Appends `trailer` after the IP packet.
    #[must_use]
    pub fn trailer(mut self, trailer: &[u8]) -> Self {
        self.padding = Padding::Bytes(trailer.to_vec());
        self
    }

    /// Cuts the frame to at most `length` bytes, as a snap length does.
    #[must_use]
    pub fn snap(mut self, length: usize) -> Self {
        self.snap = Some(length);
        self
    }
}

#[cfg(test)]
mod tests;
