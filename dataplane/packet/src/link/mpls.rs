//! MPLS label stacks (RFC 3032) and what lies under them.

use super::{Family, Layer};
use crate::DecodeError;
use crate::read::array;

/// Bytes of a label stack entry, and of a pseudo-wire's control word (RFC 4385 section 3).
const ENTRY_BYTES: usize = 4;
/// Reserved labels (RFC 3032 section 2.1) that say what follows.
const EXPLICIT_NULL_V4: u32 = 0;
const EXPLICIT_NULL_V6: u32 = 2;
/// Labels up to here are reserved.
const RESERVED_MAX: u32 = 15;

/// Skips the label stack at `offset`. The bottom label of an ordinary stack does not say what follows:
/// the first half-byte does, 0 being a pseudo-wire's control word (RFC 4928 section 3).
pub(super) fn parse(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    loop {
        let entry = array(frame, *offset).copied().map(u32::from_be_bytes);
        let entry = entry.ok_or(DecodeError::LinkCut)?;
        *offset += ENTRY_BYTES;
        // RFC 3032 section 2.1: label (20 bits), experimental (3), bottom of stack (1), TTL (8).
        let (label, bottom) = (entry >> 12, entry & 0x100 != 0);
        if !bottom {
            continue;
        }
        return match label {
            EXPLICIT_NULL_V4 => Ok(Layer::Ip(Family::V4)),
            EXPLICIT_NULL_V6 => Ok(Layer::Ip(Family::V6)),
            label if label <= RESERVED_MAX => Err(DecodeError::MplsLabel),
            _ => under_stack(frame, offset),
        };
    }
}

fn under_stack(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    let [first, ..] = array::<ENTRY_BYTES>(frame, *offset).ok_or(DecodeError::LinkCut)?;
    match first >> 4 {
        4 => Ok(Layer::Ip(Family::V4)),
        6 => Ok(Layer::Ip(Family::V6)),
        0 => {
            *offset += ENTRY_BYTES;
            Ok(Layer::Ethernet)
        }
        _ => Err(DecodeError::NotIp),
    }
}
