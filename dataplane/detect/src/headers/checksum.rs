//! Internet checksums (RFC 1071), computed where a rule asks.

use std::net::IpAddr;

use rules::hir::{Checksummed, IpVersion};

use super::{transport, version};
use crate::Inspect;
use crate::header::number;

/// Whether the checksum of `of` in `view` is right; `None` without that header, and for a UDP datagram
/// in IPv4 that carries none (RFC 768: a checksum of 0). In IPv6 there has to be one (RFC 8200 section 8.1).
pub(super) fn is_valid(of: Checksummed, view: &Inspect<'_>) -> Option<bool> {
    let version = version(view)?;
    let number = match of {
        Checksummed::Ipv4 => {
            let header = view.headers.network();
            return (version == IpVersion::V4).then(|| fold(sum(header)) == 0xffff);
        }
        Checksummed::Icmpv4 => {
            let message = transport(view, number::ICMP)?;
            return Some(fold(sum(message)) == 0xffff);
        }
        Checksummed::Tcp(wanted) if wanted == version => number::TCP,
        Checksummed::Udp(wanted) if wanted == version => number::UDP,
        Checksummed::Icmpv6 => number::ICMPV6,
        Checksummed::Tcp(_) | Checksummed::Udp(_) => return None,
    };
    let mut segment = transport(view, number)?;
    if number == number::UDP {
        // What the datagram's own length leaves out is not its own.
        let length = usize::from(u16::from_be_bytes(*segment.get(4..)?.first_chunk()?));
        segment = segment.get(..length).unwrap_or(segment);
        if segment.get(6..8)? == [0, 0] {
            return (version == IpVersion::V6).then_some(false);
        }
    }
    Some(fold(pseudo_header(view, number, segment.len()) + sum(segment)) == 0xffff)
}

/// RFC 9293 section 3.1, RFC 8200 section 8.1: addresses, protocol and length.
fn pseudo_header(view: &Inspect<'_>, number: u8, length: usize) -> u64 {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    };
    address(view.tuple.source) + address(view.tuple.destination) + u64::from(number) + length as u64
}

/// The sum of the 16-bit words of `bytes`, an odd last byte padded with 0.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |last| u64::from(*last) << 8);
    words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>() + odd
}

/// The sum in one's complement: carries added back.
const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
