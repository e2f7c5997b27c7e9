//! From a [`Packet`] to its bytes, from the inside out.

use std::net::IpAddr;

use contract::LinkType;

use super::{ETHERNET_MIN, Network, Packet, Padding};
use crate::checksum;

/// Locally administered hardware addresses: destination, source.
const HARDWARE: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
/// `AF_INET` everywhere, and `AF_INET6` of the BSD that gave the link type its name.
const FAMILIES: (u32, u32) = (2, 24);

impl Packet {
    /// The frame's bytes.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let inner = self.ip_packet();
        let mut out = Vec::with_capacity(inner.len() + 64);
        let v4 = self.network.as_ref().is_none_or(|network| network.source.is_ipv4());
        match self.link {
            LinkType::ETHERNET => {
                out.extend(HARDWARE);
                for (tpid, control) in &self.tags {
                    out.extend(tpid.to_be_bytes());
                    out.extend(control.to_be_bytes());
                }
                let ethertype = self.ethertype.unwrap_or(if v4 { 0x0800 } else { 0x86dd });
                out.extend(ethertype.to_be_bytes());
            }
            LinkType::NULL => {
                out.extend((if v4 { FAMILIES.0 } else { FAMILIES.1 }).to_ne_bytes());
            }
            _ => {}
        }
        out.extend(inner);
        match &self.padding {
            Padding::None => {}
            Padding::Minimum => out.resize(out.len().max(ETHERNET_MIN), 0),
            Padding::Bytes(trailer) => out.extend(trailer),
        }
        out.truncate(self.snap.unwrap_or(usize::MAX));
        out
    }

    /// The packet without its link layer and padding; the bare payload where it has no IP layer.
    #[must_use]
    pub fn ip_packet(&self) -> Vec<u8> {
        let Some(network) = &self.network else { return self.payload.clone() };
        let (source, destination) = (network.source, network.destination);
        let segment = self.transport.segment(source, destination, &self.payload);
        let protocol =
            network.protocol.unwrap_or_else(|| self.transport.protocol(source.is_ipv4()));
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                network.v4(source.octets(), destination.octets(), protocol, &segment)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                network.v6(source.octets(), destination.octets(), protocol, &segment)
            }
            _ => panic!("addresses of two families"),
        }
    }
}

impl Network {
    /// An IPv4 packet (RFC 791 section 3.1).
    fn v4(&self, source: [u8; 4], destination: [u8; 4], protocol: u8, segment: &[u8]) -> Vec<u8> {
        let header_length = 20 + self.options.len();
        let words = self.header_length.unwrap_or((header_length / 4) as u8);
        let length = self.length.unwrap_or((header_length + segment.len()) as u16);
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;
        let mut out = vec![0x40 | words, 0];
        out.extend(length.to_be_bytes());
        out.extend((self.id as u16).to_be_bytes());
        out.extend((flags | (self.fragment_offset / 8)).to_be_bytes());
        out.extend([self.ttl, protocol, 0, 0]);
        out.extend(source);
        out.extend(destination);
        out.extend(&self.options);
        let sum = checksum::internet(&[&out]) ^ if self.bad_checksum { 0x5555 } else { 0 };
        out[10..12].copy_from_slice(&sum.to_be_bytes());
        out.extend(segment);
        out
    }

    /// An IPv6 packet (RFC 8200 sections 3 and 4).
    fn v6(&self, source: [u8; 16], destination: [u8; 16], protocol: u8, segment: &[u8]) -> Vec<u8> {
        let mut chain = Vec::new();
        let mut next = self.extensions.iter().map(|(number, _)| *number).skip(1).chain([protocol]);
        for (number, header) in &self.extensions {
            let mut header = header.clone();
            header[0] = next.next().unwrap_or(protocol);
            if *number == 44 {
                let field = self.fragment_offset | u16::from(self.more_fragments);
                header[2..4].copy_from_slice(&field.to_be_bytes());
                header[4..8].copy_from_slice(&self.id.to_be_bytes());
            }
            chain.extend(header);
        }
        let first = self.extensions.first().map_or(protocol, |(number, _)| *number);
        let length = self.length.unwrap_or((chain.len() + segment.len()) as u16);
        let mut out = vec![0x60, 0, 0, 0];
        out.extend(length.to_be_bytes());
        out.extend([first, self.ttl]);
        out.extend(source);
        out.extend(destination);
        out.extend(chain);
        out.extend(segment);
        out
    }
}
