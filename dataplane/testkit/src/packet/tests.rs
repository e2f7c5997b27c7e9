//! What the builder makes is read back with etherparse, which shares no code with it.

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use super::{Packet, tcp_flags};

#[test]
fn tcp_over_ipv4_has_right_lengths_and_checksums() {
    let frame = Packet::ethernet()
        .service_vlan(100)
        .vlan(7)
        .ip("10.0.0.1", "10.0.0.2")
        .ip_options(&[1, 1])
        .ttl(9)
        .tcp(40_000, 80)
        .seq(77)
        .ack(99)
        .flags(tcp_flags::SYN | tcp_flags::ACK)
        .tcp_options(&[2, 4, 5, 0xb4])
        .payload(b"odd")
        .pad()
        .build();
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    assert_eq!(packet.link_exts.len(), 2);
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport)
    else {
        panic!("not TCP over IPv4")
    };
    let header = ip.header().to_header();
    assert_eq!(header.calc_header_checksum(), header.header_checksum);
    assert_eq!((header.time_to_live, header.options.len()), (9, 4));
    let parsed = tcp.to_header();
    assert_eq!(parsed.calc_checksum_ipv4(&header, tcp.payload()).unwrap(), parsed.checksum);
    assert_eq!((parsed.sequence_number, parsed.acknowledgment_number), (77, 99));
    assert!(parsed.syn && parsed.ack && !parsed.fin);
    assert_eq!(tcp.payload(), b"odd");
}

#[test]
fn udp_over_ipv6_with_extensions() {
    let frame = Packet::ethernet()
        .ip("2001:db8::1", "2001:db8::2")
        .extension(0, &[1, 2, 0, 0])
        .extension(60, &[1, 2, 0, 0])
        .udp(53, 5_353)
        .payload(b"answer")
        .build();
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Udp(udp))) = (packet.net, packet.transport)
    else {
        panic!("not UDP over IPv6")
    };
    let parsed = udp.to_header();
    let sum = parsed.calc_checksum_ipv6(&ip.header().to_header(), udp.payload()).unwrap();
    assert_eq!(sum, parsed.checksum);
    assert_eq!(udp.payload(), b"answer");
}

#[test]
fn an_error_quotes_what_it_answers() {
    let sent = Packet::raw().ip("10.0.0.1", "10.0.0.2").udp(1_000, 2_000).payload(b"0123456789");
    let error = Packet::raw().ip("10.0.0.2", "10.0.0.1").unreachable(3, &sent).build();
    assert_eq!(error.len(), 20 + 8 + 20 + 8);
    assert_eq!(error[20..22], [3, 3]);
    assert_eq!(error[28 + 20..28 + 24], [0x03, 0xe8, 0x07, 0xd0]);
    let packet = SlicedPacket::from_ip(&error).unwrap();
    let Some(TransportSlice::Icmpv4(icmp)) = packet.transport else { panic!("not ICMP") };
    assert!(icmp.icmp_type().calc_checksum(icmp.payload()) == icmp.checksum());
}

#[test]
fn fragments_and_wrong_lengths_are_as_asked() {
    let fragment =
        Packet::raw().ip("10.0.0.1", "10.0.0.2").id(5).fragment(16, true).protocol(17).build();
    assert_eq!(fragment[4..8], [0, 5, 0x20, 2]);
    let fragment = Packet::raw().ip("::1", "::2").id(5).fragment(16, true).protocol(17).build();
    assert_eq!(fragment[40..48], [17, 0, 0, 17, 0, 0, 0, 5]);
    let wrong = Packet::raw().ip("10.0.0.1", "10.0.0.2").ip_length(9).udp(1, 2).udp_length(3);
    assert_eq!((wrong.build()[3], wrong.build()[25]), (9, 3));
    assert_eq!(wrong.snap(12).build().len(), 12);
}
