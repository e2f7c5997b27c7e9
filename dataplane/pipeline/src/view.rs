//! The one place where detection's view of a packet is made of what decoding gave.

use detect::Inspect;
use packet::Decoded;

/// What detection sees of a decoded packet. `payload` are its bytes, or none where they are inspected as
/// a packet of their own; `first_in_direction` is the flow's word: [`Inspect::first_in_direction`].
#[inline]
#[must_use]
pub fn view<'a>(decoded: &Decoded, payload: &'a [u8], first_in_direction: bool) -> Inspect<'a> {
    Inspect {
        tuple: decoded.tuple,
        ttl: decoded.ttl,
        tcp_flags: decoded.tcp.map(|tcp| tcp.flags),
        icmp: decoded.icmp,
        payload,
        payload_bytes: decoded.payload.len,
        has_transport: decoded.has_transport,
        first_in_direction,
    }
}
