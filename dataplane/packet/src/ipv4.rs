//! IPv4 (RFC 791).

use contract::{Event, IpOptions};
use core::net::Ipv4Addr;

use crate::notes::Notes;
use crate::read::array;
use crate::{DecodeError, Fragment, Network, ipv4_options};

/// Bytes of a header without options (RFC 791 section 3.1).
const HEADER_BYTES: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// The header at `offset` of `frame`. The checksum is not verified: captures of sent packets often
/// hold none, because the network card computes it.
#[inline]
pub(crate) fn parse(
    frame: &[u8],
    offset: usize,
    notes: &mut Notes,
) -> Result<Network, DecodeError> {
    notes.layer()?;
    let Some(header) = array::<HEADER_BYTES>(frame, offset) else {
        return Err(notes.fail(Event::Ipv4PktTooSmall, DecodeError::IpCut));
    };
    if header[0] >> 4 != 4 {
        return Err(notes.fail(Event::Ipv4WrongIpVersion, DecodeError::IpVersion));
    }
    let header_bytes = usize::from(header[0] & 15) * 4;
    // RFC 791 section 3.1: "the minimum value for a correct header is 5".
    if header_bytes < HEADER_BYTES {
        return Err(notes.fail(Event::Ipv4HlenTooSmall, DecodeError::Ipv4HeaderLength));
    }
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if total < header_bytes {
        return Err(notes.fail(Event::Ipv4IplenSmallerThanHlen, DecodeError::Ipv4TotalLength));
    }
    let cut = offset + total > frame.len();
    let transport_offset = offset + header_bytes;
    if transport_offset > frame.len() {
        return Err(notes.fail(Event::Ipv4TruncPkt, DecodeError::Ipv4HeaderLength));
    }
    let source = Ipv4Addr::new(header[12], header[13], header[14], header[15]).into();
    let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]).into();
    let mut met = IpOptions::EMPTY;
    if header_bytes > HEADER_BYTES {
        let options = frame.get(offset + HEADER_BYTES..transport_offset).unwrap_or(&[]);
        let mut events = notes.events;
        let sound = ipv4_options::check(options, &mut events, &mut met);
        if !cut {
            notes.events = events;
        }
        if !sound {
            if cut {
                notes.events.insert(Event::Ipv4TruncPkt);
            } else {
                notes.addresses = Some((source, destination));
            }
            return Err(DecodeError::Ipv4Option);
        }
    }
    let field = u16::from_be_bytes([header[6], header[7]]);
    let protocol = header[9];
    let more = field & MORE_FRAGMENTS != 0;
    let units = field & OFFSET_MASK;
    let fragment = (more || units != 0).then(|| Fragment {
        id: u32::from(u16::from_be_bytes([header[4], header[5]])),
        offset: units * 8,
        more,
        protocol,
        head_end: transport_offset as u32,
        next_header_at: 0,
    });
    Ok(Network {
        source,
        destination,
        ttl: header[8],
        protocol,
        shown_protocol: protocol,
        is_opaque: false,
        network_offset: offset,
        transport_offset,
        end: (offset + total).min(frame.len()),
        cut,
        fragment,
        options: met,
    })
}
