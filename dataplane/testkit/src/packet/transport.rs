//! The transport layers of [`Packet`] and their setters.

use std::net::IpAddr;

use super::{Packet, tcp_flags};
use crate::checksum;

/// Bytes of the offending packet that an ICMPv4 error quotes beyond its IP header (RFC 792).
const QUOTED_V4: usize = 8;
/// Bytes that an ICMPv6 error may quote (RFC 4443 section 2.4): the minimum MTU without the headers.
const QUOTED_V6: usize = 1280 - 40 - 8;

/// What stands on IP.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// The payload itself.
    None,
    Tcp(Tcp),
    Udp {
        ports: (u16, u16),
        length: Option<u16>,
        bad_checksum: bool,
    },
    Icmp {
        kind: u8,
        code: u8,
        rest: [u8; 4],
        bad_checksum: bool,
    },
}

/// A TCP header.
#[derive(Clone, Debug)]
pub(super) struct Tcp {
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    urgent: u16,
    options: Vec<u8>,
    words: Option<u8>,
    bad_checksum: bool,
}

impl Packet {
    /// Adds a TCP header: flags ACK, window 65,535 unless set.
    #[must_use]
    pub fn tcp(mut self, source_port: u16, destination_port: u16) -> Self {
        self.transport = Transport::Tcp(Tcp {
            ports: (source_port, destination_port),
            seq: 1,
            ack: 1,
            flags: tcp_flags::ACK,
            window: 65_535,
            urgent: 0,
            options: Vec::new(),
            words: None,
            bad_checksum: false,
        });
        self
    }

    fn tcp_mut(&mut self) -> &mut Tcp {
        match &mut self.transport {
            Transport::Tcp(tcp) => tcp,
            other => panic!("this setter needs tcp() before it, the packet has {other:?}"),
        }
    }

    /// TCP flags, see [`tcp_flags`].
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.tcp_mut().flags = flags;
        self
    }

    /// TCP sequence number.
    #[must_use]
    pub fn seq(mut self, seq: u32) -> Self {
        self.tcp_mut().seq = seq;
        self
    }

    /// TCP acknowledgement number.
    #[must_use]
    pub fn ack(mut self, ack: u32) -> Self {
        self.tcp_mut().ack = ack;
        self
    }

    /// TCP window.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.tcp_mut().window = window;
        self
    }

    /// TCP urgent pointer.
    #[must_use]
    pub fn urgent(mut self, urgent: u16) -> Self {
        self.tcp_mut().urgent = urgent;
        self
    }

    /// TCP options, padded with end-of-options to a multiple of 4.
    #[must_use]
    pub fn tcp_options(mut self, options: &[u8]) -> Self {
        let mut options = options.to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        assert!(options.len() <= 40, "at most 40 bytes of TCP options");
        self.tcp_mut().options = options;
        self
    }

    /// Overrides TCP's data offset, in 4-byte words.
    #[must_use]
    pub fn tcp_header_words(mut self, words: u8) -> Self {
        self.tcp_mut().words = Some(words);
        self
    }

    /// Adds a UDP header.
    #[must_use]
    pub fn udp(mut self, source_port: u16, destination_port: u16) -> Self {
        self.transport = Transport::Udp {
            ports: (source_port, destination_port),
            length: None,
            bad_checksum: false,
        };
        self
    }

    /// Overrides UDP's length.
    #[must_use]
    pub fn udp_length(mut self, value: u16) -> Self {
        match &mut self.transport {
            Transport::Udp { length, .. } => *length = Some(value),
            other => panic!("udp_length() needs udp() before it, the packet has {other:?}"),
        }
        self
    }

    /// Adds an ICMP or ICMPv6 header (as the addresses are) with the 4 bytes after the checksum.
    #[must_use]
    pub fn icmp(mut self, kind: u8, code: u8, rest: [u8; 4]) -> Self {
        self.transport = Transport::Icmp { kind, code, rest, bad_checksum: false };
        self
    }

    /// Adds an echo request.
    #[must_use]
    pub fn echo_request(mut self, id: u16, sequence: u16) -> Self {
        let kind = if self.network().source.is_ipv4() { 8 } else { 128 };
        self.icmp(kind, 0, echo(id, sequence))
    }

    /// Adds an echo reply.
    #[must_use]
    pub fn echo_reply(mut self, id: u16, sequence: u16) -> Self {
        let kind = if self.network().source.is_ipv4() { 0 } else { 129 };
        self.icmp(kind, 0, echo(id, sequence))
    }

    /// Adds a "destination unreachable" that quotes `offending`, cut as RFC 792 and RFC 4443 say.
    #[must_use]
    pub fn unreachable(mut self, code: u8, offending: &Self) -> Self {
        let v4 = self.network().source.is_ipv4();
        let mut quoted = offending.ip_packet();
        let limit = if v4 { usize::from(quoted[0] & 15) * 4 + QUOTED_V4 } else { QUOTED_V6 };
        quoted.truncate(limit);
        self.icmp(if v4 { 3 } else { 1 }, code, [0; 4]).payload(&quoted)
    }

    /// Makes the transport's checksum wrong.
    #[must_use]
    pub fn bad_checksum(mut self) -> Self {
        match &mut self.transport {
            Transport::None => panic!("bad_checksum() needs a transport before it"),
            Transport::Tcp(tcp) => tcp.bad_checksum = true,
            Transport::Udp { bad_checksum, .. } | Transport::Icmp { bad_checksum, .. } => {
                *bad_checksum = true;
            }
        }
        self
    }
}

fn echo(id: u16, sequence: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (id.to_be_bytes(), sequence.to_be_bytes());
    [a, b, c, d]
}

impl Transport {
    /// IP protocol number; 59 (IPv6 no next header) or 255 (reserved) where there is none.
    pub(super) fn protocol(&self, v4: bool) -> u8 {
        match self {
            Self::None => 255,
            Self::Tcp(_) => 6,
            Self::Udp { .. } => 17,
            Self::Icmp { .. } => {
                if v4 {
                    1
                } else {
                    58
                }
            }
        }
    }

    /// Header and payload, checksum included.
    pub(super) fn segment(&self, source: IpAddr, destination: IpAddr, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let (checksum_at, bad) = match self {
            Self::None => return payload.to_vec(),
            Self::Tcp(tcp) => {
                tcp.write(&mut out);
                (16, tcp.bad_checksum)
            }
            Self::Udp { ports, length, bad_checksum } => {
                let right = (8 + payload.len()) as u16;
                for word in [ports.0, ports.1, length.unwrap_or(right), 0] {
                    out.extend(word.to_be_bytes());
                }
                (6, *bad_checksum)
            }
            Self::Icmp { kind, code, rest, bad_checksum } => {
                out.extend([*kind, *code, 0, 0]);
                out.extend(rest);
                (2, *bad_checksum)
            }
        };
        out.extend(payload);
        let protocol = self.protocol(source.is_ipv4());
        let mut sum = if protocol == 1 {
            checksum::internet(&[&out]) // RFC 792: no pseudo header
        } else {
            checksum::transport(source, destination, protocol, &out)
        };
        if protocol == 17 && sum == 0 {
            sum = 0xffff; // RFC 768: zero says that there is no checksum
        }
        if bad {
            sum ^= 0x5555;
        }
        out[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
        out
    }
}

impl Tcp {
    fn write(&self, out: &mut Vec<u8>) {
        let right = (20 + self.options.len()) as u8 / 4;
        out.extend(self.ports.0.to_be_bytes());
        out.extend(self.ports.1.to_be_bytes());
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend([self.words.unwrap_or(right) << 4, self.flags]);
        out.extend(self.window.to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.urgent.to_be_bytes());
        out.extend(&self.options);
    }
}
