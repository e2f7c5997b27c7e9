//! etherparse as oracle, on generated traffic and on generated headers.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use testkit::{Packet, Traffic};

use super::assert_inside;
use crate::decode;
use contract::LinkType;

/// What both decoders say of a packet.
type Summary<'a> = (std::net::IpAddr, std::net::IpAddr, u8, u8, (u16, u16), &'a [u8]);

fn ours(frame: &[u8]) -> Summary<'_> {
    let d = decode(LinkType::ETHERNET, frame).unwrap();
    assert_inside(&d, frame);
    let ports = (d.tuple.source_port, d.tuple.destination_port);
    let payload = d.payload.of(frame);
    (d.tuple.source, d.tuple.destination, d.tuple.protocol, d.ttl, ports, payload)
}

fn theirs(frame: &[u8]) -> Summary<'_> {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let (source, destination, ttl) = match packet.net.unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), header.ttl())
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), header.hop_limit())
        }
        NetSlice::Arp(_) => panic!("no test packet is ARP"),
    };
    let (protocol, ports, payload) = match packet.transport.unwrap() {
        TransportSlice::Tcp(tcp) => (6, (tcp.source_port(), tcp.destination_port()), tcp.payload()),
        TransportSlice::Udp(udp) => {
            (17, (udp.source_port(), udp.destination_port()), udp.payload())
        }
        TransportSlice::Icmpv4(icmp) => {
            (1, (icmp.type_u8().into(), icmp.code_u8().into()), icmp.payload())
        }
        TransportSlice::Icmpv6(icmp) => {
            (58, (icmp.type_u8().into(), icmp.code_u8().into()), icmp.payload())
        }
        TransportSlice::Igmp(_) => panic!("no test packet is IGMP"),
    };
    (source, destination, protocol, ttl, ports, payload)
}

#[test]
fn generated_traffic_is_read_alike() {
    for frame in Traffic::new(42).ipv6_rate(0.5).frames(4_000) {
        assert_eq!(ours(&frame.bytes), theirs(&frame.bytes));
    }
}

/// Packets with every optional part that both decoders know.
fn packets() -> impl Strategy<Value = Packet> {
    let options = prop::collection::vec(any::<u8>(), 0..=10);
    let extensions = prop::collection::vec(prop::sample::select(vec![43_u8, 60, 51]), 0..3);
    let link = (prop::collection::vec(0_u16..4_096, 0..3), any::<bool>(), any::<bool>());
    let transport = (0..3, any::<(u16, u16)>(), any::<u8>());
    (link, options, extensions, transport, prop::collection::vec(any::<u8>(), 0..100), 1_u8..)
        .prop_map(|((tags, v6, pad), nops, extensions, (kind, ports, flags), payload, ttl)| {
            let mut packet = tags.iter().fold(Packet::ethernet(), |packet, id| packet.vlan(*id));
            packet = if v6 {
                extensions.iter().fold(packet.ip("2001:db8::1", "::2"), |packet, number| {
                    packet.extension(*number, &[0; 14])
                })
            } else {
                packet.ip("10.1.2.3", "192.0.2.1").ip_options(&vec![1; nops.len()])
            };
            packet = packet.ttl(ttl);
            packet = match kind {
                0 => packet.tcp(ports.0, ports.1).flags(flags).tcp_options(&vec![1; nops.len()]),
                1 => packet.udp(ports.0, ports.1),
                _ => packet.echo_request(ports.0, ports.1),
            };
            packet = packet.payload(&payload);
            if pad { packet.pad() } else { packet }
        })
}

proptest! {
    #[test]
    fn generated_headers_are_read_alike(packet in packets()) {
        let frame = packet.build();
        prop_assert_eq!(ours(&frame), theirs(&frame));
    }
}
