//! Packets as bytes, for rules that look at headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use contract::{FiveTuple, IpOptions};

use crate::{Headers, Inspect};

/// A packet as a decoder would give it.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) bytes: Vec<u8>,
    pub(crate) transport_offset: usize,
    pub(crate) protocol: u8,
    /// The transport header is there and whole.
    pub(crate) has_transport: bool,
    pub(crate) ip_options: IpOptions,
    pub(crate) tcp_mss: Option<u16>,
}

impl Wire {
    /// An IPv4 packet from 10.0.0.1 to 10.0.0.2 without options.
    pub(crate) fn v4(protocol: u8, transport: &[u8]) -> Self {
        Self::v4_with(protocol, &[], transport)
    }

    /// An IPv4 packet with `options`, which fill words of 4 bytes.
    pub(crate) fn v4_with(protocol: u8, options: &[u8], transport: &[u8]) -> Self {
        let header = 20 + options.len();
        let mut bytes = vec![0; 20];
        bytes[0] = 0x40 | (header / 4) as u8;
        bytes[2..4].copy_from_slice(&((header + transport.len()) as u16).to_be_bytes());
        bytes[8..10].copy_from_slice(&[64, protocol]);
        bytes[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend_from_slice(options);
        bytes.extend_from_slice(transport);
        Self::of(bytes, header, protocol)
    }

    /// An IPv6 packet from `::1` to `::2`; `extensions` begin with a header of number `first`.
    pub(crate) fn v6_with(first: u8, extensions: &[u8], protocol: u8, transport: &[u8]) -> Self {
        let mut bytes = vec![0; 40];
        bytes[0] = 0x60;
        let length = (extensions.len() + transport.len()) as u16;
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes[6..8].copy_from_slice(&[first, 64]);
        (bytes[23], bytes[39]) = (1, 2);
        bytes.extend_from_slice(extensions);
        bytes.extend_from_slice(transport);
        Self::of(bytes, 40 + extensions.len(), protocol)
    }

    /// An IPv6 packet without extension headers.
    pub(crate) fn v6(protocol: u8, transport: &[u8]) -> Self {
        Self::v6_with(protocol, &[], protocol, transport)
    }

    fn of(bytes: Vec<u8>, transport_offset: usize, protocol: u8) -> Self {
        Self {
            bytes,
            transport_offset,
            protocol,
            has_transport: matches!(protocol, 1 | 6 | 17 | 58 | 132),
            ip_options: IpOptions::EMPTY,
            tcp_mss: None,
        }
    }

    /// The packet with `bytes` at `offset` of its IP header.
    pub(crate) fn with(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// What detection sees of it.
    pub(crate) fn view(&self) -> Inspect<'_> {
        let transport = &self.bytes[self.transport_offset..];
        let header = match self.protocol {
            6 => usize::from(transport.get(12).copied().unwrap_or(0) >> 4) * 4,
            132 => 12,
            // Timestamps are part of the header.
            1 if matches!(transport, [13 | 14, ..]) && transport.len() >= 20 => 20,
            _ => 8,
        };
        let payload = if self.has_transport { transport.get(header..).unwrap_or(&[]) } else { &[] };
        let ports = match transport {
            [a, b, c, d, ..] if matches!(self.protocol, 6 | 17 | 132) => {
                (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))
            }
            [kind, code, ..] => ((*kind).into(), (*code).into()),
            _ => (0, 0),
        };
        let (source, destination) = self.addresses();
        let tuple = FiveTuple {
            source,
            destination,
            source_port: ports.0,
            destination_port: ports.1,
            protocol: self.protocol,
        };
        Inspect {
            payload,
            payload_bytes: payload.len() as u32,
            tcp_flags: (self.protocol == 6 && self.has_transport).then(|| transport[13]),
            icmp: (matches!(self.protocol, 1 | 58) && self.has_transport)
                .then(|| (transport[0], transport[1])),
            has_transport: self.has_transport,
            headers: Headers {
                packet: &self.bytes,
                transport_offset: self.transport_offset as u32,
                ip_options: self.ip_options,
                tcp_mss: self.tcp_mss,
            },
            ..super::packet(tuple, &[])
        }
    }

    fn addresses(&self) -> (IpAddr, IpAddr) {
        let bytes = &self.bytes;
        if bytes[0] >> 4 == 4 {
            let address = |at| Ipv4Addr::from(*bytes[at..].first_chunk::<4>().unwrap()).into();
            (address(12), address(16))
        } else {
            let address = |at| Ipv6Addr::from(*bytes[at..].first_chunk::<16>().unwrap()).into();
            (address(8), address(24))
        }
    }
}
