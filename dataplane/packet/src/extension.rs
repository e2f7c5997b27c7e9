//! IPv6 extension headers (RFC 8200 section 4), and what the peer says of them.

use contract::{Event, EventSet};

use crate::read::array;
use crate::{Fragment, Network, protocol};

/// Extension headers that are followed at most. Behind them the packet is one of an unknown protocol:
/// its addresses are inspected, its payload is not. The peer has no bound; real packets have two.
pub const EXTENSION_HEADERS_MAX: usize = 1_024;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const AUTHENTICATION: u8 = 51;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Options (RFC 8200 section 4.2, RFC 2711, RFC 2675, RFC 6275 section 6.3).
const PAD_1: u8 = 0;
const PAD_N: u8 = 1;
const ROUTER_ALERT: u8 = 5;
const JUMBO_PAYLOAD: u8 = 194;
const HOME_ADDRESS: u8 = 201;

/// Bytes of the fixed part of an authentication header (RFC 4302 section 2).
const AUTHENTICATION_BYTES: usize = 12;

/// Whether `number` is that of a header which the chain goes on behind, or ends with.
const fn is_extension(number: u8) -> bool {
    matches!(
        number,
        HOP_BY_HOP
            | ROUTING
            | protocol::IPV6_FRAGMENT
            | AUTHENTICATION
            | NO_NEXT_HEADER
            | DESTINATION_OPTIONS
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}

/// Whether the peer decodes what `number` stands for, where the fixed header names it.
const fn is_decoded(number: u8) -> bool {
    is_decoded_behind(number) || matches!(number, protocol::GRE | protocol::IPV6_IN_IP)
}

/// The same where an extension header names it.
const fn is_decoded_behind(number: u8) -> bool {
    matches!(
        number,
        protocol::TCP
            | protocol::UDP
            | protocol::ICMPV6
            | protocol::SCTP
            | protocol::ESP
            | protocol::IPV4_IN_IP
    )
}

/// The headers that were met.
#[derive(Default)]
struct Met {
    hop_by_hop: bool,
    routing: bool,
    authentication: bool,
    fragment: bool,
    /// Destination options may come twice (RFC 8200 section 4.1).
    destination_options: u8,
}

/// What an extension header comes to.
enum Step {
    /// The next header starts so many bytes further.
    Next(usize),
    /// The chain ends with this header's number.
    End,
}

/// Follows the chain of next headers from the fixed header on. The order is not checked, as RFC 8200
/// section 4.1 asks of receivers. At a header that is cut, the chain ends with that header's number.
#[inline]
pub(crate) fn follow(frame: &[u8], network: &mut Network, events: &mut EventSet) {
    if is_decoded(network.protocol) {
        network.shown_protocol = network.protocol;
        return;
    }
    if is_extension(network.protocol) {
        chain(frame, network, events);
    } else {
        end(network, events);
    }
}

/// The chain ends with a protocol that the peer does not decode there. ICMP (for IPv4) has its own event.
fn end(network: &mut Network, events: &mut EventSet) {
    network.is_opaque = true;
    if network.protocol == protocol::ICMP {
        return;
    }
    network.shown_protocol = network.protocol;
    events.insert(Event::Ipv6UnknownNextHeader);
}

fn chain(frame: &[u8], network: &mut Network, events: &mut EventSet) {
    let packet = frame.get(..network.end).unwrap_or(frame);
    // RFC 8200 section 3: the fixed header names the first extension header at 6, each of these the next
    // one in its first byte.
    let mut named_at = network.network_offset + 6;
    let mut met = Met::default();
    for _ in 0..EXTENSION_HEADERS_MAX {
        let at = network.transport_offset;
        let rest = packet.get(at..).unwrap_or(&[]);
        if network.protocol == NO_NEXT_HEADER {
            if !rest.is_empty() {
                events.insert(Event::Ipv6DataAfterNoneHeader);
            }
            return;
        }
        let Some(&[next, _]) = array(rest, 0) else {
            events.insert(Event::Ipv6TruncExthdr);
            return;
        };
        let Step::Next(bytes) = header(rest, network, named_at, &mut met, events) else { return };
        // The peer wants two bytes behind a header; without them the chain ends with this header's number.
        let left = rest.len() - bytes;
        if left < 2 {
            match (next, left) {
                (NO_NEXT_HEADER, 0) => {}
                (NO_NEXT_HEADER, _) => events.insert(Event::Ipv6DataAfterNoneHeader),
                _ => events.insert(Event::Ipv6TruncExthdr),
            }
            return;
        }
        network.transport_offset = at + bytes;
        network.protocol = next;
        named_at = at;
        if is_decoded_behind(next) {
            network.shown_protocol = next;
            return;
        }
        if !is_extension(next) {
            end(network, events);
            return;
        }
    }
}

/// The header at the start of `rest`, of the number that `network` has come to. Of these numbers the peer
/// takes some as the packet's protocol until it comes to the next; hop-by-hop's is 0, which is none.
fn header(
    rest: &[u8],
    network: &mut Network,
    named_at: usize,
    met: &mut Met,
    events: &mut EventSet,
) -> Step {
    let number = network.protocol;
    match number {
        protocol::IPV6_FRAGMENT | AUTHENTICATION | ROUTING | DESTINATION_OPTIONS => {
            network.shown_protocol = number;
        }
        HOP_BY_HOP => network.shown_protocol = 0,
        _ => {}
    }
    match number {
        protocol::IPV6_FRAGMENT => fragment(rest, network, named_at, met, events),
        AUTHENTICATION => authentication(rest, met, events),
        ROUTING => routing(rest, met, events),
        HOP_BY_HOP | DESTINATION_OPTIONS => options(rest, number, met, events),
        _ => sized(rest, events),
    }
}

/// A header whose second byte is its length in 8-byte units, not including the first (RFC 8200 section 4.3).
fn sized(rest: &[u8], events: &mut EventSet) -> Step {
    let bytes = rest.get(1).map_or(0, |units| (usize::from(*units) + 1) * 8);
    whole(rest, bytes, events)
}

fn whole(rest: &[u8], bytes: usize, events: &mut EventSet) -> Step {
    if bytes > rest.len() {
        events.insert(Event::Ipv6TruncExthdr);
        return Step::End;
    }
    Step::Next(bytes)
}

fn routing(rest: &[u8], met: &mut Met, events: &mut EventSet) -> Step {
    let step = sized(rest, events);
    if matches!(step, Step::End) {
        return step;
    }
    if core::mem::replace(&mut met.routing, true) {
        events.insert(Event::Ipv6ExthdrDuplRh);
    } else if rest.get(2) == Some(&0) {
        // Deprecated by RFC 5095.
        events.insert(Event::Ipv6RhType0);
    }
    step
}

/// RFC 4302 section 2.2: the length is in 4-byte words minus 2; to the peer the fixed part is there whatever
/// it says.
fn authentication(rest: &[u8], met: &mut Met, events: &mut EventSet) -> Step {
    if rest.len() < AUTHENTICATION_BYTES {
        events.insert(Event::Ipv6TruncExthdr);
        return Step::End;
    }
    let bytes = rest.get(1).map_or(0, |words| (usize::from(*words) + 2) * 4);
    let step = whole(rest, bytes.max(AUTHENTICATION_BYTES), events);
    if matches!(step, Step::Next(_)) {
        if array(rest, 2) != Some(&[0, 0]) {
            events.insert(Event::Ipv6ExthdrAhResNotNull);
        }
        if core::mem::replace(&mut met.authentication, true) {
            events.insert(Event::Ipv6ExthdrDuplAh);
        }
    }
    step
}

/// Hop-by-hop or destination options.
fn options(rest: &[u8], number: u8, met: &mut Met, events: &mut EventSet) -> Step {
    let step = sized(rest, events);
    let Step::Next(bytes) = step else { return step };
    let hop_by_hop = number == HOP_BY_HOP;
    if hop_by_hop && core::mem::replace(&mut met.hop_by_hop, true) {
        events.insert(Event::Ipv6ExthdrDuplHh);
        return step;
    }
    if !hop_by_hop && met.destination_options == 2 {
        events.insert(Event::Ipv6ExthdrDuplDh);
        return step;
    }
    met.destination_options += u8::from(!hop_by_hop);
    let mut left = rest.get(2..bytes).unwrap_or(&[]);
    let (mut padding, mut other) = (false, false);
    while let Some((&kind, after)) = left.split_first() {
        if kind == PAD_1 {
            padding = true;
            left = after;
            continue;
        }
        let value =
            after.split_first().and_then(|(length, value)| value.get(..usize::from(*length)));
        let Some(value) = value else {
            events.insert(Event::Ipv6ExthdrInvalidOptlen);
            break;
        };
        let least = match kind {
            ROUTER_ALERT => 2,
            JUMBO_PAYLOAD => 4,
            HOME_ADDRESS => 16,
            _ => 0,
        };
        if value.len() < least {
            events.insert(Event::Ipv6ExthdrInvalidOptlen);
            break;
        }
        match kind {
            PAD_N if value.is_empty() => events.insert(Event::Ipv6ZeroLenPadn),
            PAD_N | ROUTER_ALERT | JUMBO_PAYLOAD | HOME_ADDRESS => {}
            _ if hop_by_hop => events.insert(Event::Ipv6HopoptsUnknownOpt),
            _ => events.insert(Event::Ipv6DstoptsUnknownOpt),
        }
        padding |= kind == PAD_N;
        // To the peer a jumbo payload option is neither.
        other |= !matches!(kind, PAD_N | JUMBO_PAYLOAD);
        left = after.get(1 + value.len()..).unwrap_or(&[]);
    }
    if padding && !other {
        events.insert(if hop_by_hop {
            Event::Ipv6HopoptsOnlyPadding
        } else {
            Event::Ipv6DstoptsOnlyPadding
        });
    }
    step
}

/// A fragment header (RFC 8200 section 4.5). The whole in one atomic fragment is no fragment (RFC 6946).
fn fragment(
    rest: &[u8],
    network: &mut Network,
    named_at: usize,
    met: &mut Met,
    events: &mut EventSet,
) -> Step {
    let Some(&[protocol, reserved, high, low, a, b, c, d]) = array(rest, 0) else {
        events.insert(Event::Ipv6TruncExthdr);
        return Step::End;
    };
    if core::mem::replace(&mut met.fragment, true) {
        events.insert(Event::Ipv6ExthdrDuplFh);
        return Step::Next(8);
    }
    if reserved != 0 {
        events.insert(Event::Ipv6FhNonZeroReservedField);
    }
    let field = u16::from_be_bytes([high, low]);
    let (offset, more) = (field & !7, field & 1 != 0);
    if more && !(rest.len() - 8).is_multiple_of(8) {
        events.insert(Event::Ipv6FragInvalidLength);
    }
    if offset == 0 && !more {
        events.insert(Event::Ipv6ExthdrUselessFh);
        return Step::Next(8);
    }
    network.fragment = Some(Fragment {
        id: u32::from_be_bytes([a, b, c, d]),
        offset,
        more,
        protocol,
        head_end: network.transport_offset as u32,
        next_header_at: named_at as u32,
    });
    network.transport_offset += 8;
    Step::End
}
