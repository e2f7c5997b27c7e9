//! What the bytes of a packet's headers say: read where a rule asks, and not before.

mod checksum;
mod extension;

use contract::IpOptions;
use rules::hir::{BufferName, ChecksumTest, Field, IpOptionTest, IpVersion, PacketTest, Rule};

use crate::header::{number, protocol_covers};
use crate::{Inspect, Scope};

/// Stands for every IP protocol that has no domain of its own; itself reserved (IANA).
pub(crate) const OTHER: u8 = 255;
/// The IP protocols that have a domain.
const OWN_DOMAINS: [u8; 5] = [number::TCP, number::UDP, number::ICMP, number::ICMPV6, number::SCTP];

/// Bytes of a fixed IPv6 header (RFC 8200 section 3).
const IPV6_BYTES: usize = 40;
/// Bytes of a UDP header (RFC 768).
const UDP_BYTES: usize = 8;
/// Bytes of an ICMPv6 header (RFC 4443).
const ICMP_BYTES: usize = 8;

/// The bytes of a packet, from its IP header on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// The IP packet as far as its length says. Empty where there is none: no rule on headers matches.
    pub packet: &'a [u8],
    /// Where the transport header, or a fragment's data, begins in `packet`.
    pub transport_offset: u32,
    /// The options of an IPv4 header.
    pub ip_options: IpOptions,
    /// The maximum segment size option of a TCP header.
    pub tcp_mss: Option<u16>,
}

impl<'a> Headers<'a> {
    /// What follows IP and its extension headers.
    fn transport(&self) -> &'a [u8] {
        self.packet.get(self.transport_offset as usize..).unwrap_or_default()
    }

    /// The IP header with its options or extension headers.
    fn network(&self) -> &'a [u8] {
        self.packet.get(..self.transport_offset as usize).unwrap_or_default()
    }
}

/// The IP version of `view`; `None` where its bytes are not known.
fn version(view: &Inspect<'_>) -> Option<IpVersion> {
    let version = if view.tuple.source.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
    (!view.headers.packet.is_empty()).then_some(version)
}

/// The transport header of `view`, where it is one of protocol `number` and was decoded.
fn transport<'a>(view: &Inspect<'a>, number: u8) -> Option<&'a [u8]> {
    (view.has_transport && view.tuple.protocol == number).then(|| view.headers.transport())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*field).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The value of `field` in `view`, where it has one.
pub(crate) fn field(field: Field, view: &Inspect<'_>) -> Option<u32> {
    let ipv4 = || (version(view)? == IpVersion::V4).then_some(view.headers.packet);
    match field {
        Field::IpId => u16_at(ipv4()?, 4),
        Field::Tos => ipv4()?.get(1).map(|tos| u32::from(*tos)),
        Field::FragmentOffset => match version(view)? {
            IpVersion::V4 => Some(u16_at(view.headers.packet, 6)? & 0x1fff),
            IpVersion::V6 => Some(u32::from(extension::fragment_field(view.headers.packet)? & !7)),
        },
        Field::TcpSequence => u32_at(transport(view, number::TCP)?, 4),
        Field::TcpAcknowledgement => u32_at(transport(view, number::TCP)?, 8),
        Field::TcpWindow => u16_at(transport(view, number::TCP)?, 14),
        Field::TcpMss => view.headers.tcp_mss.map(u32::from),
        Field::IcmpId => u16_of_echo(view, 4),
        Field::IcmpSequence => u16_of_echo(view, 6),
        Field::Icmpv6Mtu => match view.icmp? {
            (2, 0) => u32_at(transport(view, number::ICMPV6)?, 4),
            _ => None,
        },
    }
}

/// A number at `at` of the ICMP message of `view`, where it has identifier and sequence number: echo,
/// timestamp, information and address mask (RFC 792, RFC 950), and echo of ICMPv6 (RFC 4443 section 4).
/// As in the peer, an echo of ICMPv6 with a code other than 0 has zeros.
fn u16_of_echo(view: &Inspect<'_>, at: usize) -> Option<u32> {
    let (kind, code) = view.icmp?;
    let message = transport(view, view.tuple.protocol)?;
    match (view.tuple.protocol, kind) {
        (number::ICMP, 0 | 8 | 13..=18) => u16_at(message, at),
        (number::ICMPV6, 128 | 129) => {
            if code == 0 {
                u16_at(message, at)
            } else {
                Some(0)
            }
        }
        _ => None,
    }
}

/// The fragment bits of an IPv4 packet, as [`rules::hir::FragmentBitsTest`] has them.
pub(crate) fn fragment_bits(view: &Inspect<'_>) -> Option<u8> {
    (version(view)? == IpVersion::V4).then_some(view.headers.packet)?.get(6).map(|byte| byte >> 5)
}

/// Whether `view` has the IPv4 option that `test` wants.
pub(crate) fn option_matches(test: IpOptionTest, view: &Inspect<'_>) -> bool {
    match test {
        IpOptionTest::Any => !view.headers.ip_options.is_empty(),
        IpOptionTest::Type(kind) => view.headers.ip_options.contains(kind),
    }
}

/// Whether `view` is an IP packet of `wanted`.
pub(crate) fn version_matches(wanted: IpVersion, view: &Inspect<'_>) -> bool {
    let is_wanted = match wanted {
        IpVersion::V4 => view.tuple.source.is_ipv4(),
        IpVersion::V6 => view.tuple.source.is_ipv6(),
    };
    is_wanted && view.scope != Scope::Undecoded
}

/// Whether the checksum that `test` names is there, and right or wrong as it wants.
pub(crate) fn checksum_matches(test: ChecksumTest, view: &Inspect<'_>) -> bool {
    checksum::is_valid(test.of, view) == Some(test.valid)
}

/// Whether `rule` can be about packets in the domain of IP protocol `domain`: one of those in [`number`], or
/// [`OTHER`] for all the rest.
pub(crate) fn rule_covers(rule: &Rule, domain: u8) -> bool {
    let is_in =
        |number: u8| if OWN_DOMAINS.contains(&number) { number == domain } else { domain == OTHER };
    let own = |wanted: Option<u8>| wanted.is_none_or(|number| number == domain);
    protocol_covers(rule.protocol, domain)
        && rule.buffers.iter().all(|(buffer, _)| own(buffer.name.protocol()))
        && rule.packet.iter().all(|test| match test {
            PacketTest::IpProtocols(set) => {
                (0..=u8::MAX).any(|number| is_in(number) && set.contains(number))
            }
            PacketTest::Field(test) => own(protocol_of_field(test.field)),
            _ => true,
        })
}

/// The IP protocol whose header holds `field`; `None` for fields of IP, and those of ICMP and ICMPv6.
const fn protocol_of_field(field: Field) -> Option<u8> {
    match field {
        Field::TcpSequence | Field::TcpAcknowledgement | Field::TcpWindow | Field::TcpMss => {
            Some(number::TCP)
        }
        Field::Icmpv6Mtu => Some(number::ICMPV6),
        _ => None,
    }
}

/// The bytes of buffer `name` in `view`, where it has them.
pub(crate) fn buffer<'a>(name: BufferName, view: &Inspect<'a>) -> Option<&'a [u8]> {
    match name {
        BufferName::Ipv4Header => (version(view)? == IpVersion::V4).then(|| view.headers.network()),
        BufferName::Ipv6Header => (version(view)? == IpVersion::V6)
            .then_some(view.headers.packet)
            .and_then(extension::headers),
        BufferName::TcpHeader => {
            let segment = transport(view, number::TCP)?;
            // RFC 9293 section 3.1: the data offset counts words of 4 bytes.
            segment.get(..usize::from(segment.get(12)? >> 4) * 4)
        }
        BufferName::UdpHeader => transport(view, number::UDP)?.get(..UDP_BYTES),
        BufferName::Icmpv4Header => {
            let message = transport(view, number::ICMP)?;
            // The timestamps of one, and the addresses of another kind, are part of it.
            message.get(..message.len().checked_sub(view.payload_bytes as usize)?)
        }
        BufferName::Icmpv6Header => transport(view, number::ICMPV6)?.get(..ICMP_BYTES),
    }
}

#[cfg(test)]
mod tests;
