//! PPP (RFC 1661), bare and over Ethernet (RFC 2516).

use super::{Family, Layer};
use crate::DecodeError;
use crate::read::{array, u16_at};

/// Address and control of HDLC-like framing (RFC 1662 section 3.1), which a link may leave out.
const ADDRESS_CONTROL: [u8; 2] = [0xff, 0x03];
/// Protocol numbers (IANA).
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
/// Bytes of a PPPoE header (RFC 2516 section 4).
const PPPOE_BYTES: usize = 6;
/// PPPoE code of session data (RFC 2516 section 6).
const CODE_SESSION: u8 = 0;

/// PPP at `offset`, from its address field, if it has one.
pub(super) fn bare(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    if array(frame, *offset) == Some(&ADDRESS_CONTROL) {
        *offset += ADDRESS_CONTROL.len();
    }
    protocol(frame, offset)
}

/// The protocol field at `offset`. RFC 1661 section 2: the last byte of the field is the first odd one,
/// so that a link may leave out a leading zero.
fn protocol(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    let first = *frame.get(*offset).ok_or(DecodeError::LinkCut)?;
    let (number, bytes) = if first & 1 == 1 {
        (u16::from(first), 1)
    } else {
        (u16_at(frame, *offset).ok_or(DecodeError::LinkCut)?, 2)
    };
    *offset += bytes;
    match number {
        IPV4 => Ok(Layer::Ip(Family::V4)),
        IPV6 => Ok(Layer::Ip(Family::V6)),
        _ => Err(DecodeError::NotIp),
    }
}

/// A PPPoE session at `offset`.
pub(super) fn over_ethernet(frame: &[u8], offset: &mut usize) -> Result<Layer, DecodeError> {
    let [_, code, ..] = array::<PPPOE_BYTES>(frame, *offset).ok_or(DecodeError::LinkCut)?;
    if *code != CODE_SESSION {
        return Err(DecodeError::NotIp);
    }
    *offset += PPPOE_BYTES;
    protocol(frame, offset)
}
