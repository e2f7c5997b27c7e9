//! The one place where detection's view of a packet is made of what decoding gave.

use std::net::{IpAddr, Ipv4Addr};

use contract::{EventSet, FiveTuple};
use detect::{FlowView, Headers, Inspect, Scope};
use flow::{Direction, FlowCore};
use packet::{Decoded, Undecoded};

use crate::streams::Tracked;

const NS_PER_S: u64 = 1_000_000_000;
/// IANA protocol number of ICMPv6.
const ICMPV6: u8 = 58;

/// What detection sees of a packet that was decoded from `frame`. `payload` are its bytes, or none where they
/// are inspected as a packet of their own; `first_in_direction` is the flow's word: [`Inspect::first_in_direction`].
#[inline]
#[must_use]
pub fn view<'a>(
    decoded: &Decoded,
    frame: &'a [u8],
    payload: &'a [u8],
    first_in_direction: bool,
) -> Inspect<'a> {
    Inspect {
        tuple: decoded.tuple,
        ttl: decoded.ttl,
        tcp_flags: decoded.tcp.map(|tcp| tcp.flags),
        icmp: decoded.icmp,
        payload,
        payload_bytes: decoded.payload.len,
        in_stream: false,
        chunks: &[],
        chunks_only: false,
        headers: headers(decoded, frame),
        has_transport: decoded.has_transport,
        first_in_direction,
        flow: None,
        reassembled: decoded.reassembled,
        events: decoded.events,
        scope: if decoded.is_for_events_only() { Scope::Malformed } else { Scope::Whole },
    }
}

/// What detection sees of a packet that could not be decoded: its events, and the addresses if it has some.
#[must_use]
pub(crate) fn undecoded_view(undecoded: &Undecoded) -> Inspect<'static> {
    const NONE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let (source, destination) = undecoded.addresses.unwrap_or((NONE, NONE));
    let tuple = FiveTuple { source, destination, source_port: 0, destination_port: 0, protocol: 0 };
    Inspect {
        first_in_direction: undecoded.addresses.is_some(),
        events: undecoded.events,
        scope: Scope::Undecoded,
        ..without_packet(tuple)
    }
}

/// What detection sees at the end of a flow: `chunks`, and no packet.
pub(crate) fn end_view<'a>(
    tuple: FiveTuple,
    chunks: &'a [&'a [u8]],
    flow: FlowView,
) -> Inspect<'a> {
    Inspect {
        in_stream: true,
        chunks,
        chunks_only: true,
        has_transport: true,
        flow: Some(flow),
        ..without_packet(tuple)
    }
}

/// A view in which no part of a packet is seen.
fn without_packet(tuple: FiveTuple) -> Inspect<'static> {
    Inspect {
        tuple,
        ttl: 0,
        tcp_flags: None,
        icmp: None,
        payload: &[],
        payload_bytes: 0,
        in_stream: false,
        chunks: &[],
        chunks_only: false,
        headers: Headers::default(),
        has_transport: false,
        first_in_direction: false,
        flow: None,
        reassembled: false,
        events: EventSet::EMPTY,
        scope: Scope::Whole,
    }
}

/// What detection sees of the flow of `decoded`, which is counted in `core`; `None` for packets that have
/// no flow in the peer: fragments, protocols that it does not decode, ICMP errors other than
/// "unreachable". An ICMPv6 error opens a flow of its own there.
#[inline]
pub(crate) fn flow_view(
    decoded: &Decoded,
    core: &FlowCore,
    direction: Direction,
    tracked: &Tracked,
) -> Option<FlowView> {
    let icmpv6 = decoded.tuple.protocol == ICMPV6;
    let error = !icmpv6 && matches!(decoded.icmp, Some((4 | 5 | 11 | 12, _)));
    if !decoded.has_transport || error {
        return None;
    }
    let own_flow = icmpv6 && decoded.quoted.is_some();
    Some(FlowView {
        to_server: direction == Direction::ToServer || own_flow,
        established: !own_flow && tracked.established,
        age_s: age_s(core),
        stream_sizes: tracked.sizes,
    })
}

/// What detection sees of the flow `core` at its end, of the bytes that ran in `direction`.
pub(crate) fn end_flow_view(
    core: &FlowCore,
    direction: Direction,
    sizes: Option<[u32; 2]>,
) -> FlowView {
    FlowView {
        to_server: direction == Direction::ToServer,
        established: true,
        age_s: age_s(core),
        stream_sizes: sizes,
    }
}

/// Whole seconds from the first packet of a flow to its latest.
fn age_s(core: &FlowCore) -> u32 {
    let age_s = (core.last_ns / NS_PER_S).saturating_sub(core.first_ns / NS_PER_S);
    u32::try_from(age_s).unwrap_or(u32::MAX)
}

/// The packet's bytes in `frame`, from its IP header on.
#[inline]
fn headers<'a>(decoded: &Decoded, frame: &'a [u8]) -> Headers<'a> {
    let range = decoded.network_offset as usize..decoded.network_end as usize;
    Headers {
        packet: frame.get(range).unwrap_or(&[]),
        transport_offset: decoded.transport_offset.saturating_sub(decoded.network_offset),
        ip_options: decoded.ip_options,
        tcp_mss: decoded.tcp.and_then(|tcp| tcp.options.mss),
    }
}
