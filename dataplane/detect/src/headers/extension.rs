//! IPv6 extension headers (RFC 8200 section 4), walked where a rule asks for them.

use super::IPV6_BYTES;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
/// RFC 6275, RFC 7401, RFC 5533.
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Bytes of a fragment header (RFC 8200 section 4.5).
const FRAGMENT_BYTES: usize = 8;

/// One extension header: its number and its bytes.
type Extension<'a> = (u8, &'a [u8]);

/// The extension headers of the IPv6 packet `packet` that are whole, in order.
fn chain(packet: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    let mut next = packet.get(6).copied();
    let mut rest = packet.get(IPV6_BYTES..).unwrap_or_default();
    std::iter::from_fn(move || {
        let number = next?;
        let bytes = match (number, rest) {
            (FRAGMENT, _) => FRAGMENT_BYTES,
            // RFC 4302 section 2.2: 4-byte words minus 2.
            (AUTHENTICATION, [_, length, ..]) => (usize::from(*length) + 2) * 4,
            // RFC 8200 section 4.3: 8-byte units, not including the first.
            (
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6,
                [_, length, ..],
            ) => (usize::from(*length) + 1) * 8,
            _ => return None,
        };
        let (header, behind) = rest.split_at_checked(bytes)?;
        (next, rest) = (header.first().copied(), behind);
        Some((number, header))
    })
}

/// The offset and flags field of the first fragment header of `packet`, atomic ones included.
pub(super) fn fragment_field(packet: &[u8]) -> Option<u16> {
    let (_, header) = chain(packet).find(|(number, _)| *number == FRAGMENT)?;
    Some(u16::from_be_bytes(*header.get(2..)?.first_chunk()?))
}

/// The fixed header of `packet` and its extension headers. As in the peer, the fragment header of a
/// fragment is none of them, that of a whole packet (RFC 6946) is, and so is a second one.
pub(super) fn headers(packet: &[u8]) -> Option<&[u8]> {
    let mut met = false;
    let is_header = |(number, header): &Extension<'_>| {
        let first = *number == FRAGMENT && !std::mem::replace(&mut met, true);
        // Offset 0, and no more fragments.
        !first || matches!(header, [_, _, 0, field, ..] if field & !6 == 0)
    };
    let extensions = chain(packet).take_while(is_header);
    packet.get(..IPV6_BYTES + extensions.map(|(_, header)| header.len()).sum::<usize>())
}
