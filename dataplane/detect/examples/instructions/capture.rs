//! Packets: out of a classic pcap file (Ethernet, IPv4, TCP and UDP), or generated.

use std::net::{IpAddr, Ipv4Addr};

use contract::FiveTuple;

/// What detection sees of a packet.
pub(crate) struct Packet {
    pub(crate) tuple: FiveTuple,
    pub(crate) tcp_flags: Option<u8>,
    pub(crate) payload: Vec<u8>,
}

/// The first `most` TCP and UDP packets of the capture at `path`.
pub(crate) fn read(path: &str, most: usize) -> Vec<Packet> {
    let bytes = std::fs::read(path).expect("capture");
    assert!(matches!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]));
    let mut rest = &bytes[24..];
    let mut packets = Vec::new();
    while packets.len() < most
        && let Some((head, after)) = rest.split_first_chunk::<16>()
    {
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        packets.extend(decode(&after[..length]));
        rest = &after[length..];
    }
    packets
}

fn decode(frame: &[u8]) -> Option<Packet> {
    let ip = frame.get(14..)?;
    if frame.get(12..14)? != [8, 0] {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let header = usize::from(ip[0] & 15) * 4;
    let segment = ip.get(header..total)?;
    let port = |at: usize| Some(u16::from_be_bytes([*segment.get(at)?, *segment.get(at + 1)?]));
    let address = |at: usize| Some(IpAddr::V4(Ipv4Addr::from(*ip.get(at..)?.first_chunk::<4>()?)));
    let (start, tcp_flags) = match ip[9] {
        6 => (usize::from(segment.get(12)? >> 4) * 4, Some(*segment.get(13)?)),
        17 => (8, None),
        _ => return None,
    };
    let tuple = FiveTuple {
        source: address(12)?,
        destination: address(16)?,
        source_port: port(0)?,
        destination_port: port(2)?,
        protocol: ip[9],
    };
    Some(Packet { tuple, tcp_flags, payload: segment.get(start..)?.to_vec() })
}

/// `count` packets of text and binary payloads, the same at every run.
pub(crate) fn generate(count: usize) -> Vec<Packet> {
    let mut random = crate::rules_of::Random(7);
    (0..count)
        .map(|_| {
            let length = [40, 120, 300, 900, 1_400][random.below(5)];
            let text = random.below(2) == 0;
            let mut payload = Vec::with_capacity(length + 16);
            while payload.len() < length {
                if text {
                    payload.extend_from_slice(random.word().as_bytes());
                    payload.push(b" /=&.\r\n:"[random.below(8)]);
                } else {
                    payload.push(random.below(256) as u8);
                }
            }
            let tcp = random.below(3) > 0;
            let tuple = FiveTuple {
                source: IpAddr::from([10, 0, 0, 1]),
                destination: IpAddr::from([192, 0, 2, 1]),
                source_port: 40_000,
                destination_port: [80, 443, 53, 25, 8_080, 5_060][random.below(6)],
                protocol: if tcp { 6 } else { 17 },
            };
            Packet { tuple, tcp_flags: tcp.then_some(0x18), payload }
        })
        .collect()
}
