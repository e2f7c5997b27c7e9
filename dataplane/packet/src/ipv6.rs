//! IPv6 and its extension headers (RFC 8200).

use contract::{Event, EventSet, IpOptions};
use core::net::Ipv6Addr;

use crate::notes::Notes;
use crate::read::array;
use crate::{DecodeError, Network, extension};

/// Bytes of the fixed header (RFC 8200 section 3).
const HEADER_BYTES: usize = 40;

/// The header at `offset` of `frame` with its extension headers.
#[inline]
pub(crate) fn parse(
    frame: &[u8],
    offset: usize,
    notes: &mut Notes,
) -> Result<Network, DecodeError> {
    notes.layer()?;
    let Some(header) = array::<HEADER_BYTES>(frame, offset) else {
        // The peer has an event for this and does not raise it.
        return Err(DecodeError::IpCut);
    };
    if header[0] >> 4 != 6 {
        return Err(notes.fail(Event::Ipv6WrongIpVersion, DecodeError::IpVersion));
    }
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let start = offset + HEADER_BYTES;
    let mut network = Network {
        source: address(header, 8),
        destination: address(header, 24),
        ttl: header[7],
        protocol: header[6],
        shown_protocol: 0,
        is_opaque: false,
        network_offset: offset,
        transport_offset: start,
        // A length of 0 announces a jumbogram (RFC 2675); the peer takes it as it stands, and so do we.
        end: (start + length).min(frame.len()),
        cut: start + length > frame.len(),
        fragment: None,
        options: IpOptions::EMPTY,
    };
    // The peer looks no further at a packet that is longer than what was captured.
    let mut unheard = EventSet::EMPTY;
    let events = if network.cut { &mut unheard } else { &mut notes.events };
    extension::follow(frame, &mut network, events);
    Ok(network)
}

fn address(header: &[u8; HEADER_BYTES], at: usize) -> core::net::IpAddr {
    Ipv6Addr::from(*array::<16>(header, at).unwrap_or(&[0; 16])).into()
}
