//! IPv6 and its extension headers (RFC 8200).

use core::net::Ipv6Addr;

use crate::read::array;
use crate::{DecodeError, Fragment, Network, protocol};

/// Extension headers that are followed at most. Behind them the packet is one of an unknown protocol:
/// its addresses are inspected, its payload is not. The peer has no bound; real packets have two.
pub const EXTENSION_HEADERS_MAX: usize = 1_024;

/// Bytes of the fixed header (RFC 8200 section 3).
const HEADER_BYTES: usize = 40;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// The header at `offset` of `frame` with its extension headers.
#[inline]
pub(crate) fn parse(frame: &[u8], offset: usize) -> Result<Network, DecodeError> {
    let header: &[u8; HEADER_BYTES] = array(frame, offset).ok_or(DecodeError::IpCut)?;
    if header[0] >> 4 != 6 {
        return Err(DecodeError::IpVersion);
    }
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let start = offset + HEADER_BYTES;
    let mut network = Network {
        source: address(header, 8),
        destination: address(header, 24),
        ttl: header[7],
        protocol: header[6],
        network_offset: offset,
        transport_offset: start,
        // A length of 0 announces a jumbogram (RFC 2675); the peer takes it as it stands, and so do we.
        end: (start + length).min(frame.len()),
        cut: start + length > frame.len(),
        fragment: None,
    };
    if is_extension(network.protocol) {
        extensions(frame, &mut network);
    }
    Ok(network)
}

fn address(header: &[u8; HEADER_BYTES], at: usize) -> core::net::IpAddr {
    Ipv6Addr::from(*array::<16>(header, at).unwrap_or(&[0; 16])).into()
}

const fn is_extension(number: u8) -> bool {
    matches!(
        number,
        HOP_BY_HOP
            | ROUTING
            | protocol::IPV6_FRAGMENT
            | AUTHENTICATION
            | DESTINATION_OPTIONS
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}

/// Follows the chain of next headers (RFC 8200 section 4). The order is not checked, as RFC 8200
/// section 4.1 asks of receivers. At a header that is cut, the chain ends with that header's number.
fn extensions(frame: &[u8], network: &mut Network) {
    let packet = frame.get(..network.end).unwrap_or(frame);
    // RFC 8200 section 3: the fixed header names the first extension header at 6, each of these the next
    // one in its first byte.
    let mut named_at = network.network_offset + 6;
    for _ in 0..EXTENSION_HEADERS_MAX {
        if !is_extension(network.protocol) {
            return;
        }
        let at = network.transport_offset;
        let Some([next, length]) = array(packet, at).copied() else { return };
        let bytes = match network.protocol {
            protocol::IPV6_FRAGMENT => {
                if fragment(packet, network, named_at) {
                    return;
                }
                8
            }
            // RFC 4302 section 2.2: 4-byte words minus 2.
            AUTHENTICATION => (usize::from(length) + 2) * 4,
            // RFC 8200 section 4.3: 8-byte units, not including the first.
            _ => (usize::from(length) + 1) * 8,
        };
        // The peer wants two bytes behind a header; without them the chain ends with this header's number.
        if at + bytes + 2 > packet.len() {
            return;
        }
        network.transport_offset = at + bytes;
        network.protocol = next;
        named_at = at;
    }
}

/// Reads a fragment header (RFC 8200 section 4.5); whether the chain ends here: the packet is a
/// fragment, or the header is cut. The whole in one atomic fragment is no fragment (RFC 6946).
fn fragment(packet: &[u8], network: &mut Network, named_at: usize) -> bool {
    let header: Option<&[u8; 8]> = array(packet, network.transport_offset);
    let Some(&[protocol, _, high, low, a, b, c, d]) = header else { return true };
    let field = u16::from_be_bytes([high, low]);
    let (offset, more) = (field & !7, field & 1 != 0);
    if offset == 0 && !more {
        return false;
    }
    network.fragment = Some(Fragment {
        id: u32::from_be_bytes([a, b, c, d]),
        offset,
        more,
        protocol,
        head_end: network.transport_offset as u32,
        next_header_at: named_at as u32,
    });
    network.transport_offset += 8;
    true
}
