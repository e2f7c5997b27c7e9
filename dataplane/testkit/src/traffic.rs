//! A seeded generator of mixed traffic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::conversation::Side;
use crate::files::Frame;
use crate::packet::{Packet, tcp_flags};
use crate::rng::Rng;

/// Letters from which payloads are made when no pattern is in them.
const FILLER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789 /.:-_=&";
/// Mean time between two frames.
const GAP_NS: u64 = 10_000;
/// Bytes of payload at most, header lengths and Ethernet's limit of 1,500 considered.
const PAYLOAD_MAX: usize = 1_400;

/// Mixed TCP, UDP and ICMP flows with packets in both directions, the same for the same settings.
///
/// ```
/// use testkit::Traffic;
///
/// let frames = Traffic::new(7).flows(20).pattern(b"EVIL", 0.1).frames(500);
/// assert_eq!(frames.len(), 500);
/// assert_eq!(frames, Traffic::new(7).flows(20).pattern(b"EVIL", 0.1).frames(500));
/// ```
#[derive(Clone, Debug)]
pub struct Traffic {
    rng: Rng,
    flows: usize,
    payload_max: usize,
    ipv6_rate: f64,
    patterns: Vec<(Vec<u8>, f64)>,
}

/// A flow that the generator keeps open.
enum Flow {
    Tcp { ends: Box<[Side; 2]>, sent: usize },
    Udp { ends: [(IpAddr, u16); 2] },
    Icmp { ends: [IpAddr; 2], id: u16, sequence: u16 },
}

impl Traffic {
    /// A generator that depends on `seed` and the settings alone: 100 flows, payloads of up to
    /// 1,400 bytes, a tenth of the flows IPv6, no patterns.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            flows: 100,
            payload_max: PAYLOAD_MAX,
            ipv6_rate: 0.1,
            patterns: Vec::new(),
        }
    }

    /// Flows that are open at one time.
    #[must_use]
    pub fn flows(mut self, flows: usize) -> Self {
        assert!(flows > 0, "traffic needs a flow");
        self.flows = flows;
        self
    }

    /// Longest payload in bytes, at most 1,400.
    #[must_use]
    pub fn payload_max(mut self, bytes: usize) -> Self {
        self.payload_max = bytes.min(PAYLOAD_MAX);
        self
    }

    /// Share of the flows that are IPv6, 0 to 1.
    #[must_use]
    pub fn ipv6_rate(mut self, rate: f64) -> Self {
        self.ipv6_rate = rate;
        self
    }

    /// Puts `pattern` at a random place into `rate` (0 to 1) of the payloads that have room for it.
    #[must_use]
    pub fn pattern(mut self, pattern: &[u8], rate: f64) -> Self {
        self.patterns.push((pattern.to_vec(), rate));
        self
    }

    /// The first `count` frames.
    #[must_use]
    pub fn frames(mut self, count: usize) -> Vec<Frame> {
        let mut flows: Vec<_> = (0..self.flows).map(|_| self.open()).collect();
        let mut time = crate::FIRST_TIMESTAMP_NS;
        let mut frames = Vec::with_capacity(count);
        while frames.len() < count {
            let index = self.rng.below(flows.len());
            let payload = self.payload();
            let from = self.rng.below(2);
            let (packet, ended) = flows[index].step(from, &payload);
            time += 1 + self.rng.below(2 * GAP_NS as usize) as u64;
            frames.push(Frame::from(packet).at(time));
            if ended {
                flows[index] = self.open();
            }
        }
        frames
    }

    fn open(&mut self) -> Flow {
        let v6 = self.rng.chance(self.ipv6_rate);
        let client = self.address(v6, 10);
        let server = self.address(v6, 192);
        let port = 1_024 + self.rng.below(60_000) as u16;
        match self.rng.below(10) {
            0 => Flow::Icmp { ends: [client, server], id: port, sequence: 0 },
            1..=3 => {
                Flow::Udp { ends: [(client, port), (server, *self.rng.pick(&[53, 123, 443]))] }
            }
            _ => {
                let here = std::net::SocketAddr::new(client, port).to_string();
                let service = *self.rng.pick(&[80, 443, 22, 25, 8_080]);
                let there = std::net::SocketAddr::new(server, service).to_string();
                let numbers = self.rng.next_u64();
                let client = Side::new(&here, &there, numbers as u32);
                let server = Side::new(&there, &here, (numbers >> 32) as u32);
                Flow::Tcp { ends: Box::new([client, server]), sent: 0 }
            }
        }
    }

    fn address(&mut self, v6: bool, first: u8) -> IpAddr {
        let [a, b, c, ..] = self.rng.next_u64().to_le_bytes();
        if v6 {
            Ipv6Addr::new(0x2001, 0xdb8, first.into(), 0, 0, a.into(), b.into(), c.into()).into()
        } else {
            Ipv4Addr::new(first, a, b, c).into()
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        let length = self.rng.below(self.payload_max + 1);
        let mut payload: Vec<u8> = (0..length).map(|_| *self.rng.pick(FILLER)).collect();
        for (pattern, rate) in &self.patterns {
            if self.rng.chance(*rate) && pattern.len() <= length {
                let at = self.rng.below(length - pattern.len() + 1);
                payload[at..at + pattern.len()].copy_from_slice(pattern);
            }
        }
        payload
    }
}

impl Flow {
    /// The flow's next packet, sent by end `from` where the flow's state leaves the choice, and whether
    /// it is the last.
    fn step(&mut self, from: usize, payload: &[u8]) -> (Packet, bool) {
        match self {
            Self::Tcp { ends, sent } => tcp_step(ends, sent, from, payload),
            Self::Udp { ends } => {
                let (source, destination) = (ends[from], ends[1 - from]);
                let packet = Packet::ethernet()
                    .ip(source.0, destination.0)
                    .udp(source.1, destination.1)
                    .payload(payload);
                (packet, false)
            }
            Self::Icmp { ends, id, sequence } => {
                let packet = Packet::ethernet().ip(ends[from], ends[1 - from]);
                let packet = if from == 0 {
                    *sequence = sequence.wrapping_add(1);
                    packet.echo_request(*id, *sequence)
                } else {
                    packet.echo_reply(*id, *sequence)
                };
                (packet.payload(payload), false)
            }
        }
    }
}

/// Handshake, up to 30 data segments that acknowledge one another, an orderly end.
fn tcp_step(ends: &mut [Side; 2], sent: &mut usize, from: usize, payload: &[u8]) -> (Packet, bool) {
    use tcp_flags::{ACK, FIN, PSH, SYN};
    const DATA_END: usize = 33;
    let (from, flags, data): (usize, u8, &[u8]) = match *sent {
        0 => (0, SYN, b""),
        1 => (1, SYN | ACK, b""),
        2 => (0, ACK, b""),
        3..DATA_END => (from, PSH | ACK, payload),
        DATA_END => (0, FIN | ACK, b""),
        34 => (1, FIN | ACK, b""),
        _ => (0, ACK, b""),
    };
    *sent += 1;
    let packet = ends[from].send(flags, data);
    ends[1 - from].ack = ends[from].seq;
    (packet, *sent > DATA_END + 2)
}

#[cfg(test)]
mod tests {
    use etherparse::{SlicedPacket, TransportSlice};

    use super::Traffic;

    #[test]
    fn traffic_is_valid_and_mixed_and_has_its_pattern() {
        let frames = Traffic::new(1).pattern(b"EVIL", 0.5).frames(4_000);
        let mut kinds = [0; 3];
        let mut hits = 0;
        for frame in &frames {
            let packet = SlicedPacket::from_ethernet(&frame.bytes).unwrap();
            let kind = match packet.transport {
                Some(TransportSlice::Tcp(_)) => 0,
                Some(TransportSlice::Udp(_)) => 1,
                _ => 2,
            };
            kinds[kind] += 1;
            hits += usize::from(frame.bytes.windows(4).any(|window| window == b"EVIL"));
        }
        assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
        assert!((1_000..3_000).contains(&hits), "{hits}");
        assert!(frames.windows(2).all(|pair| pair[0].timestamp_ns < pair[1].timestamp_ns));
    }
}
