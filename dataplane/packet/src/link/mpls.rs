//! MPLS label stacks (RFC 3032) and what lies under them.

use contract::Event;

use super::{Family, Layer};
use crate::DecodeError;
use crate::notes::Notes;
use crate::read::array;

/// Bytes of a label stack entry, and of a pseudo-wire's control word (RFC 4385 section 3).
const ENTRY_BYTES: usize = 4;
/// Reserved labels (RFC 3032 section 2.1) that say what follows.
const EXPLICIT_NULL_V4: u32 = 0;
const ROUTER_ALERT: u32 = 1;
const EXPLICIT_NULL_V6: u32 = 2;
const IMPLICIT_NULL: u32 = 3;
/// Labels up to here are refused. The last one that is reserved (RFC 3032 section 2.1) is 15, which the peer
/// takes as any other.
const RESERVED_MAX: u32 = 14;

/// Skips the label stack at `offset`. The bottom label of an ordinary stack does not say what follows:
/// the first half-byte does, 0 being a pseudo-wire's control word (RFC 4928 section 3).
pub(super) fn parse(
    frame: &[u8],
    offset: &mut usize,
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    notes.layer()?;
    loop {
        let Some(entry) = array(frame, *offset).copied().map(u32::from_be_bytes) else {
            return Err(notes.fail(Event::MplsHeaderTooSmall, DecodeError::LinkCut));
        };
        *offset += ENTRY_BYTES;
        // RFC 3032 section 2.1: label (20 bits), experimental (3), bottom of stack (1), TTL (8).
        let (label, bottom) = (entry >> 12, entry & 0x100 != 0);
        if !bottom {
            continue;
        }
        let event = match label {
            EXPLICIT_NULL_V4 => return Ok(Layer::Ip(Family::V4)),
            EXPLICIT_NULL_V6 => return Ok(Layer::Ip(Family::V6)),
            ROUTER_ALERT => Event::MplsBadLabelRouterAlert,
            IMPLICIT_NULL => Event::MplsBadLabelImplicitNull,
            label if label <= RESERVED_MAX => Event::MplsBadLabelReserved,
            _ => return under_stack(frame, offset, notes),
        };
        return Err(notes.fail(event, DecodeError::MplsLabel));
    }
}

fn under_stack(frame: &[u8], offset: &mut usize, notes: &mut Notes) -> Result<Layer, DecodeError> {
    let Some([first, ..]) = array::<ENTRY_BYTES>(frame, *offset) else {
        return Err(notes.fail(Event::MplsPktTooSmall, DecodeError::LinkCut));
    };
    match first >> 4 {
        4 => Ok(Layer::Ip(Family::V4)),
        6 => Ok(Layer::Ip(Family::V6)),
        0 => {
            *offset += ENTRY_BYTES;
            Ok(Layer::Ethernet)
        }
        _ => Err(notes.fail(Event::MplsUnknownPayloadType, DecodeError::NotIp)),
    }
}
