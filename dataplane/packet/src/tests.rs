//! Decode: data cases (each as the peer was seen to treat it), etherparse as oracle, and properties.

mod cases;
mod oracle;
mod ownership;
mod peer;
mod robustness;
mod tunnels;

use contract::LinkType;
use testkit::Packet;

use crate::{DecodeError, Decoded, decode};

/// Decodes a built packet with its own link type.
fn decoded(packet: &Packet) -> Result<Decoded, DecodeError> {
    decode(packet.link(), &packet.build()).map_err(|undecoded| undecoded.error)
}

/// Asserts what must hold of any result: offsets in order, within the frame.
fn assert_inside(decoded: &Decoded, frame: &[u8]) {
    let end = decoded.network_end;
    assert!(end as usize <= frame.len());
    assert!(decoded.network_offset < end.max(1));
    assert!(decoded.network_offset <= decoded.transport_offset);
    assert!(decoded.transport_offset as usize <= frame.len());
    assert!(decoded.payload.start + decoded.payload.len <= end);
    assert_eq!(decoded.payload.of(frame).len(), decoded.payload.len as usize);
    assert_eq!(decoded.tuple.source.is_ipv4(), decoded.tuple.destination.is_ipv4());
    if let Some(tcp) = decoded.tcp {
        let after = decoded.transport_offset + u32::from(tcp.header_len);
        assert_eq!(decoded.payload.start, after);
    }
}

#[test]
fn an_unknown_link_type_is_no_packet() {
    let frame = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(1, 2).build();
    let error = decode(LinkType(147), &frame).map_err(|undecoded| undecoded.error);
    assert_eq!(error, Err(DecodeError::UnknownLink));
}
