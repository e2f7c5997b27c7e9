//! Network service header (RFC 8300).

use contract::Event;

use super::{Family, Layer};
use crate::DecodeError;
use crate::notes::Notes;
use crate::read::array;

/// Bytes of the base and service path headers (RFC 8300 section 2.1).
const NSH_BYTES: usize = 8;
/// Next protocols (RFC 8300 section 2.2).
const IPV4: u8 = 1;
const IPV6: u8 = 2;
const ETHERNET: u8 = 3;
const MPLS: u8 = 5;

/// Bytes of the header with metadata of a fixed size (RFC 8300 section 2.4).
const FIXED_BYTES: usize = 24;
/// Metadata types (RFC 8300 section 2.2): reserved, the two that are defined, and one for experiments, which
/// the peer calls reserved.
const METADATA_RESERVED: u8 = 0;
const METADATA_FIXED: u8 = 1;
const METADATA_VARIABLE: u8 = 2;
const METADATA_EXPERIMENT: u8 = 15;

/// Skips the header at `offset`.
pub(super) fn parse(
    frame: &[u8],
    offset: &mut usize,
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    let Some(header) = array::<NSH_BYTES>(frame, *offset) else {
        return Err(notes.fail(Event::NshHeaderTooSmall, DecodeError::LinkCut));
    };
    notes.layer()?;
    // Version (2 bits), OAM, unassigned, TTL (6), length in 4-byte words (6).
    let bytes = usize::from(header[1] & 0x3f) * 4;
    if header[0] >> 6 != 0 {
        return Err(notes.fail(Event::NshUnsupportedVersion, DecodeError::Nsh));
    }
    if *offset + bytes >= frame.len() {
        return Err(notes.fail(Event::NshBadHeaderLength, DecodeError::Nsh));
    }
    let fits = match header[2] {
        METADATA_RESERVED | METADATA_EXPERIMENT => {
            return Err(notes.fail(Event::NshReservedType, DecodeError::Nsh));
        }
        METADATA_FIXED => bytes == FIXED_BYTES,
        METADATA_VARIABLE => true,
        _ => return Err(notes.fail(Event::NshUnsupportedType, DecodeError::Nsh)),
    };
    if !fits {
        return Err(notes.fail(Event::NshBadHeaderLength, DecodeError::Nsh));
    }
    *offset += bytes;
    match header[3] {
        IPV4 => Ok(Layer::Ip(Family::V4)),
        IPV6 => Ok(Layer::Ip(Family::V6)),
        ETHERNET => Ok(Layer::Ethernet),
        // Known to the peer, and not decoded.
        MPLS => Err(DecodeError::NotIp),
        _ => Err(notes.fail(Event::NshUnknownPayload, DecodeError::NotIp)),
    }
}
