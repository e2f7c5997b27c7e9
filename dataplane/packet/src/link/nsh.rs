//! Network service header (RFC 8300).

use super::{Family, Layer};
use crate::DecodeError;
use crate::read::array;

/// Bytes of the base and service path headers (RFC 8300 section 2.1).
const NSH_BYTES: usize = 8;
/// Next protocols (RFC 8300 section 2.2).
const IPV4: u8 = 1;
const IPV6: u8 = 2;
const ETHERNET: u8 = 3;

/// Skips the header at `offset`.
pub(super) fn parse(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    let header: &[u8; NSH_BYTES] = array(frame, *offset).ok_or(DecodeError::LinkCut)?;
    // Version (2 bits), OAM, unassigned, TTL (6), length in 4-byte words (6).
    let version = header[0] >> 6;
    let bytes = usize::from(header[1] & 0x3f) * 4;
    if version != 0 || bytes < NSH_BYTES {
        return Err(DecodeError::Nsh);
    }
    *offset += bytes;
    match header[3] {
        IPV4 => Ok(Layer::Ip(Family::V4)),
        IPV6 => Ok(Layer::Ip(Family::V6)),
        ETHERNET => Ok(Layer::Ethernet),
        _ => Err(DecodeError::NotIp),
    }
}
