//! IPv4 (RFC 791).

use core::net::Ipv4Addr;

use crate::read::array;
use crate::{DecodeError, Fragment, Network};

/// Bytes of a header without options (RFC 791 section 3.1).
const HEADER_BYTES: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;

/// The header at `offset` of `frame`. The checksum is not verified: captures of sent packets often
/// hold none, because the network card computes it.
#[inline]
pub(crate) fn parse(frame: &[u8], offset: usize) -> Result<Network, DecodeError> {
    let header: &[u8; HEADER_BYTES] = array(frame, offset).ok_or(DecodeError::IpCut)?;
    if header[0] >> 4 != 4 {
        return Err(DecodeError::IpVersion);
    }
    let header_bytes = usize::from(header[0] & 15) * 4;
    // RFC 791 section 3.1: "the minimum value for a correct header is 5".
    if header_bytes < HEADER_BYTES {
        return Err(DecodeError::Ipv4HeaderLength);
    }
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if total < header_bytes {
        return Err(DecodeError::Ipv4TotalLength);
    }
    let transport_offset = offset + header_bytes;
    if transport_offset > frame.len() {
        return Err(DecodeError::Ipv4HeaderLength);
    }
    if header_bytes > HEADER_BYTES {
        options(frame.get(offset + HEADER_BYTES..transport_offset).unwrap_or(&[]))?;
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
        source: Ipv4Addr::new(header[12], header[13], header[14], header[15]).into(),
        destination: Ipv4Addr::new(header[16], header[17], header[18], header[19]).into(),
        ttl: header[8],
        protocol,
        network_offset: offset,
        transport_offset,
        end: (offset + total).min(frame.len()),
        cut: offset + total > frame.len(),
        fragment,
    })
}

/// Walks the options (RFC 791 section 3.1). The peer refuses the packet whose option is longer than
/// what is left, and accepts a lone option type at the very end.
fn options(mut options: &[u8]) -> Result<(), DecodeError> {
    while let Some((&kind, rest)) = options.split_first() {
        options = match kind {
            OPTION_END => return Ok(()),
            OPTION_NOP => rest,
            _ => match rest.first() {
                None => return Ok(()),
                Some(&length) if length >= 2 => {
                    options.get(usize::from(length)..).ok_or(DecodeError::Ipv4Option)?
                }
                Some(_) => return Err(DecodeError::Ipv4Option),
            },
        };
    }
    Ok(())
}
