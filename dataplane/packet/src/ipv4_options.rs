//! IPv4 options (RFC 791 section 3.1), checked as the peer checks them.

use contract::{Event, EventSet, IpOptions};

use crate::read::array;

const END: u8 = 0;
const NOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
/// Quick-Start (RFC 4782 section 3.1).
const QUICK_START: u8 = 25;
const TIMESTAMP: u8 = 68;
/// Security and extended security (RFC 1108).
const SECURITY: u8 = 130;
const EXTENDED_SECURITY: u8 = 133;
const LOOSE_ROUTE: u8 = 131;
/// Commercial security (FIPS 188).
const CIPSO: u8 = 134;
const STREAM: u8 = 136;
const STRICT_ROUTE: u8 = 137;
/// Router alert (RFC 2113).
const ROUTER_ALERT: u8 = 148;

/// Bytes of a CIPSO option before its tags: kind, length, domain of interpretation.
const CIPSO_HEAD_BYTES: usize = 6;

/// Walks the options; `false` where one is longer than what is left, so that the packet is refused. A lone
/// kind at the very end is accepted, with its event. `met` takes in the options that are sound.
pub(crate) fn check(mut options: &[u8], events: &mut EventSet, met: &mut IpOptions) -> bool {
    if !options.len().is_multiple_of(8) {
        events.insert(Event::Ipv4OptPadRequired);
    }
    while let Some((&kind, rest)) = options.split_first() {
        options = match kind {
            END => {
                met.insert(END);
                return true;
            }
            NOP => {
                met.insert(NOP);
                rest
            }
            _ => {
                let Some(&length) = rest.first() else {
                    events.insert(Event::Ipv4OptEolRequired);
                    return true;
                };
                let length = usize::from(length);
                let option = if length < 2 { None } else { options.get(..length) };
                let Some(option) = option else {
                    events.insert(Event::Ipv4OptInvalidLen);
                    return false;
                };
                if let Some(event) = wrong(kind, option, met) {
                    events.insert(event);
                }
                options.get(length..).unwrap_or(&[])
            }
        };
    }
    true
}

/// What is wrong with `option`, kind and length included; `met` has the kinds before it.
fn wrong(kind: u8, option: &[u8], met: &mut IpOptions) -> Option<Event> {
    if met.contains(kind) {
        return Some(Event::Ipv4OptDuplicate);
    }
    let fault = match kind {
        QUICK_START => too_short(option, 8),
        SECURITY | EXTENDED_SECURITY => too_short(option, 3),
        STREAM | ROUTER_ALERT => (option.len() != 4).then_some(Event::Ipv4OptInvalidLen),
        TIMESTAMP => timestamp(option),
        CIPSO => cipso(option),
        RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => route(option),
        _ => Some(Event::Ipv4OptInvalid),
    };
    // One that is wrong does not count as there.
    if fault.is_none() {
        met.insert(kind);
    }
    fault
}

fn too_short(option: &[u8], least: usize) -> Option<Event> {
    (option.len() < least).then_some(Event::Ipv4OptInvalidLen)
}

/// RFC 791: the pointer counts from 1, is at least 4 and steps from address to address.
fn route(option: &[u8]) -> Option<Event> {
    let Some(&[_, _, pointer]) = array(option, 0) else { return Some(Event::Ipv4OptInvalidLen) };
    let sane = pointer >= 4 && pointer % 4 == 0 && usize::from(pointer) <= option.len() + 1;
    (!sane).then_some(Event::Ipv4OptMalformed)
}

/// RFC 791: the pointer counts from 1 and is at least 5; an entry is a timestamp, or with the flags 1 and 3
/// an address and a timestamp.
fn timestamp(option: &[u8]) -> Option<Event> {
    let Some(&[_, _, pointer, flags, _]) = array(option, 0) else {
        return Some(Event::Ipv4OptInvalidLen);
    };
    let entry = if matches!(flags & 15, 1 | 3) { 8 } else { 4 };
    let sane =
        pointer >= 5 && usize::from(pointer) <= option.len() + 1 && (pointer - 5) % entry == 0;
    (!sane).then_some(Event::Ipv4OptMalformed)
}

/// FIPS 188: tags of a type, a length and a body fill the option.
fn cipso(option: &[u8]) -> Option<Event> {
    if option.len() < 10 {
        return Some(Event::Ipv4OptInvalidLen);
    }
    let mut tags = option.get(CIPSO_HEAD_BYTES..).unwrap_or(&[]);
    while let Some((&kind, rest)) = tags.split_first() {
        let length = usize::from(rest.first().copied().unwrap_or(0));
        // Types 1, 2 and 5 have an alignment byte that is 0 before the sensitivity level; to the peer 6 as well.
        let aligned = match kind {
            1 | 2 | 5 | 6 => length >= 4 && tags.get(2) == Some(&0),
            7 => length >= 2,
            _ => false,
        };
        let Some(next) = tags.get(length..).filter(|_| aligned) else {
            return Some(Event::Ipv4OptMalformed);
        };
        tags = next;
    }
    None
}
