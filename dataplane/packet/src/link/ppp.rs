//! PPP (RFC 1661), bare and over Ethernet (RFC 2516).

use contract::Event;

use super::{Family, Layer};
use crate::DecodeError;
use crate::notes::Notes;
use crate::read::{array, u16_at};

/// Address of HDLC-like framing (RFC 1662 section 3.1), which a link may leave out with the control field
/// behind it. The peer does not look at the latter.
const ADDRESS: u8 = 0xff;
const ADDRESS_CONTROL_BYTES: usize = 2;
/// Protocol numbers (IANA).
const IPV4: u16 = 0x0021;
const VAN_JACOBSON_UNCOMPRESSED: u16 = 0x002f;
const IPV6: u16 = 0x0057;
/// Protocols that the peer knows and does not decode; all others are of a wrong type.
const UNSUPPORTED: [u16; 28] = [
    0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d, 0x0031, 0x0033, 0x0035, 0x0201, 0x0231, 0x0233,
    0x0281, 0x0283, 0x8021, 0x8023, 0x8025, 0x8027, 0x8029, 0x802b, 0x8033, 0x8035, 0x8057, 0x8281,
    0xc021, 0xc023, 0xc025, 0xc223,
];
/// The same, not in PPPoE.
const UNSUPPORTED_BARE: [u16; 3] = [0x00fd, 0x80fd, 0xc029];
/// Bytes of IP's fixed headers.
const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;
/// Bytes of a PPPoE header (RFC 2516 section 4).
const PPPOE_BYTES: usize = 6;
/// The same with a byte of the protocol field of PPP, which the peer wants.
const PPPOE_SESSION_BYTES: usize = 7;
/// PPPoE discovery codes (RFC 2516 section 5): offer, initiation, request, confirmation, termination.
const DISCOVERY_CODES: [u8; 5] = [0x07, 0x09, 0x19, 0x65, 0xa7];

/// PPP at `offset`, from its address field, if it has one.
pub(super) fn bare(
    frame: &[u8],
    offset: &mut usize,
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    if *offset >= frame.len() {
        return Err(notes.fail(Event::PppPktTooSmall, DecodeError::LinkCut));
    }
    notes.layer()?;
    if frame.get(*offset) == Some(&ADDRESS) {
        *offset += ADDRESS_CONTROL_BYTES;
    }
    let number = number(frame, *offset, Event::PppPktTooSmall, notes)?;
    // As in the peer.
    let events = match number {
        Number { short: true, .. } => [Event::PppVjuPktTooSmall, Event::PppUnsupProto],
        Number { value, .. } if UNSUPPORTED_BARE.contains(&value) => {
            [Event::PppIp4PktTooSmall, Event::PppUnsupProto]
        }
        _ => [Event::PppIp4PktTooSmall, Event::PppWrongType],
    };
    protocol(frame, offset, number, events, notes)
}

/// A protocol number, and whether it was written in one byte. RFC 1661 section 2: the last byte of the field
/// is the first odd one, so that a link may leave out a leading zero.
#[derive(Clone, Copy)]
struct Number {
    value: u16,
    short: bool,
}

fn number(
    frame: &[u8],
    offset: usize,
    too_small: Event,
    notes: &mut Notes,
) -> Result<Number, DecodeError> {
    let number = match frame.get(offset) {
        Some(first) if first & 1 == 1 => Some(Number { value: (*first).into(), short: true }),
        _ => u16_at(frame, offset).map(|value| Number { value, short: false }),
    };
    number.ok_or_else(|| notes.fail(too_small, DecodeError::LinkCut))
}

/// What `number`, at `offset`, announces. The events are of IPv4 that is cut, and of an unknown protocol.
fn protocol(
    frame: &[u8],
    offset: &mut usize,
    number: Number,
    [too_small, unknown]: [Event; 2],
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    *offset += if number.short { 1 } else { 2 };
    let rest = frame.get(*offset..).unwrap_or(&[]);
    let event = match number.value {
        IPV4 if rest.len() < IPV4_BYTES => too_small,
        IPV6 if rest.len() < IPV6_BYTES => Event::PppIp6PktTooSmall,
        VAN_JACOBSON_UNCOMPRESSED if rest.len() < IPV4_BYTES => Event::PppVjuPktTooSmall,
        IPV4 => return Ok(Layer::Ip(Family::V4)),
        IPV6 => return Ok(Layer::Ip(Family::V6)),
        VAN_JACOBSON_UNCOMPRESSED => {
            let is_v4 = rest.first().is_some_and(|first| first >> 4 == 4);
            return if is_v4 { Ok(Layer::Ip(Family::V4)) } else { Err(DecodeError::IpVersion) };
        }
        known if UNSUPPORTED.contains(&known) => Event::PppUnsupProto,
        _ => unknown,
    };
    Err(notes.fail(event, DecodeError::NotIp))
}

/// A PPPoE session at `offset`. Of code and length the peer looks only whether the latter is 0.
pub(super) fn over_ethernet(
    frame: &[u8],
    offset: &mut usize,
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    if *offset + PPPOE_SESSION_BYTES > frame.len() {
        return Err(notes.fail(Event::PppoePktTooSmall, DecodeError::LinkCut));
    }
    notes.layer()?;
    if u16_at(frame, *offset + PPPOE_BYTES - 2) == Some(0) {
        return Err(DecodeError::NotIp);
    }
    *offset += PPPOE_BYTES;
    let number = number(frame, *offset, Event::PppoePktTooSmall, notes)?;
    protocol(frame, offset, number, [Event::PppIp4PktTooSmall, Event::PppWrongType], notes)
}

/// PPPoE discovery at `offset`: never IP, but checked.
pub(super) fn discovery(frame: &[u8], offset: usize, notes: &mut Notes) -> DecodeError {
    let Some(&[_, code, _, _, high, low]) = array::<PPPOE_BYTES>(frame, offset) else {
        return notes.fail(Event::PppoePktTooSmall, DecodeError::LinkCut);
    };
    if !DISCOVERY_CODES.contains(&code) {
        return notes.fail(Event::PppoeWrongCode, DecodeError::NotIp);
    }
    // The tags themselves the peer does not check.
    let said = usize::from(u16::from_be_bytes([high, low]));
    if offset + PPPOE_BYTES + said > frame.len() {
        notes.events.insert(Event::PppoeMalformedTags);
    }
    DecodeError::NotIp
}
