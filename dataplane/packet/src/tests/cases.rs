//! Data cases. What each expects was seen on the peer: which rules on protocol, ports, payload and
//! payload size matched the packet.

use testkit::Packet;

use super::{assert_inside, decoded};
use crate::DecodeError::{
    self, Ipv4HeaderLength, Ipv4Option, Ipv4TotalLength, LinkCut, NotIp, TooManyTags,
};

const A: &str = "10.0.0.1";
const B: &str = "10.0.0.2";
const A6: &str = "2001:db8::1";
const B6: &str = "2001:db8::2";
const DATA: &[u8] = b"abcdPATTERN";
/// A destination options or hop-by-hop header's body: one PadN option.
const PADN: &[u8] = &[1, 4, 0, 0, 0, 0];

type Expected = Result<(u8, Option<(u16, u16)>, &'static [u8]), DecodeError>;

/// Whole transport: protocol, ports (ICMP: type, code), payload.
const fn whole(protocol: u8, ports: (u16, u16), payload: &'static [u8]) -> Expected {
    Ok((protocol, Some(ports), payload))
}

/// Addresses and protocol only.
const fn bare(protocol: u8) -> Expected {
    Ok((protocol, None, b""))
}

const UDP: Expected = whole(17, (1_000, 2_000), DATA);
const TCP: Expected = whole(6, (1_000, 2_000), DATA);

fn check(cases: &[(&str, Packet, Expected)]) {
    for (name, packet, expected) in cases {
        let frame = packet.build();
        let got = decoded(packet);
        if let Ok(decoded) = &got {
            assert_inside(decoded, &frame);
        }
        let got = got.map(|d| {
            let ports = (d.tuple.source_port, d.tuple.destination_port);
            assert!(d.has_transport || ports == (0, 0), "{name}: ports without a transport");
            (d.tuple.protocol, d.has_transport.then_some(ports), d.payload.of(&frame))
        });
        assert_eq!(got, *expected, "{name}");
    }
}

fn v4() -> Packet {
    Packet::ethernet().ip(A, B)
}

fn v6() -> Packet {
    Packet::ethernet().ip(A6, B6)
}

fn udp(packet: Packet) -> Packet {
    packet.udp(1_000, 2_000).payload(DATA)
}

fn tcp(packet: Packet) -> Packet {
    packet.tcp(1_000, 2_000).payload(DATA)
}

#[test]
fn links() {
    let tag = |control| Packet::ethernet().tag(0x8100, control).ip(A, B);
    check(&[
        ("ethernet", udp(v4()), UDP),
        ("bare IPv4", udp(Packet::raw().ip(A, B)), UDP),
        ("bare IPv6", udp(Packet::raw().ip(A6, B6)), UDP),
        ("loopback", udp(Packet::null().ip(A, B)), UDP),
        ("loopback IPv6", udp(Packet::null().ip(A6, B6)), UDP),
        ("priority tag", udp(tag(0x6000)), UDP),
        ("802.1ad", udp(Packet::ethernet().service_vlan(1).vlan(2).ip(A, B)), UDP),
        ("0x9100", udp(Packet::ethernet().tag(0x9100, 1).vlan(2).ip(A, B)), UDP),
        ("3 tags", udp(Packet::ethernet().vlan(1).vlan(2).vlan(3).ip(A, B)), UDP),
        (
            "4 tags",
            udp(Packet::ethernet().vlan(1).vlan(2).vlan(3).vlan(4).ip(A, B)),
            Err(TooManyTags),
        ),
        ("0x9200 is no tag", udp(Packet::ethernet().tag(0x9200, 1).ip(A, B)), Err(NotIp)),
        ("ARP", Packet::ethernet().ethertype(0x0806).payload(&[0; 28]), Err(NotIp)),
        ("802.3 length", udp(v4().ethertype(100)), Err(NotIp)),
        ("cut header", v4().snap(13), Err(LinkCut)),
        ("cut tag", tag(4).snap(16), Err(LinkCut)),
        ("says IPv4, is IPv6", udp(v6().ethertype(0x0800)), Err(DecodeError::IpVersion)),
        ("empty bare IP", Packet::raw(), Err(DecodeError::IpCut)),
        ("bare IP of version 5", Packet::raw().payload(&[0x55; 40]), Err(DecodeError::IpVersion)),
    ]);
    let vlan = decoded(&udp(Packet::ethernet().tag(0x88a8, 0xf001).vlan(7).ip(A, B)));
    assert_eq!(vlan.map(|d| d.vlan), Ok([1, 7]));
}

#[test]
fn ipv4() {
    check(&[
        ("padding is no payload", udp(v4()).pad(), UDP),
        ("trailer is no payload", udp(v4()).trailer(b"PATTERN"), UDP),
        ("wrong checksum", udp(v4()).bad_ip_checksum(), UDP),
        ("header length 16", udp(v4()).ip_header_words(4), Err(Ipv4HeaderLength)),
        ("header beyond the packet", v4().protocol(17).ip_header_words(15), Err(Ipv4TotalLength)),
        ("total below the header", udp(v4()).ip_length(19), Err(Ipv4TotalLength)),
        ("total 0", tcp(v4()).ip_length(0), Err(Ipv4TotalLength)),
        ("total cuts the UDP datagram", udp(v4()).ip_length(30), bare(17)),
        ("10 bytes", udp(v4()).snap(24), Err(DecodeError::IpCut)),
        ("option of length 0", udp(v4().ip_options(&[7, 0, 0, 0])), Err(Ipv4Option)),
        ("option of length 1", udp(v4().ip_options(&[7, 1, 0, 0])), Err(Ipv4Option)),
        ("option too long", udp(v4().ip_options(&[7, 5, 4, 0])), Err(Ipv4Option)),
        ("option type at the end", udp(v4().ip_options(&[1, 1, 1, 7])), UDP),
        ("nothing after the end", udp(v4().ip_options(&[0, 7, 40, 40])), UDP),
        ("option as long as its room", udp(v4().ip_options(&[7, 4, 4, 0])), UDP),
    ]);
}

#[test]
fn ipv6() {
    let atomic = v6().fragment(0, false).extension(60, PADN);
    let many = (0..60).fold(v6(), |packet, _| packet.extension(60, PADN));
    let too_many = (0..1_025).fold(v6(), |packet, _| packet.extension(60, PADN));
    let cut = |number, bytes: &[u8]| v6().protocol(number).payload(bytes);
    check(&[
        ("plain", udp(v6()), UDP),
        ("tcp", tcp(v6()), TCP),
        ("trailer", udp(v6()).trailer(b"xx"), UDP),
        ("hop-by-hop", udp(v6().extension(0, PADN)), UDP),
        ("hop-by-hop in second place", udp(v6().extension(60, PADN).extension(0, PADN)), UDP),
        ("routing", udp(v6().extension(43, &[0; 6])), UDP),
        ("authentication", udp(v6().extension(51, &[0; 22])), UDP),
        ("mobility", udp(v6().extension(135, PADN)), UDP),
        ("host identity", udp(v6().extension(139, PADN)), UDP),
        ("shim6", udp(v6().extension(140, PADN)), UDP),
        ("atomic fragment", udp(atomic), UDP),
        ("60 extension headers", udp(many), UDP),
        (
            "a byte behind an extension header",
            v6().protocol(60).payload(&[17, 0, 1, 4, 0, 0, 0, 0, 1]),
            bare(60),
        ),
        ("too many extension headers", udp(too_many), bare(60)),
        ("extension beyond the packet", cut(60, &[17, 9, 0, 0, 0, 0, 0, 0]), bare(60)),
        ("authentication cut", cut(51, &[17, 4, 0, 0, 0, 0, 0, 0]), bare(51)),
        ("fragment header cut", cut(44, &[17, 0, 0, 0]), bare(44)),
        // Without a protocol that the peer comes to, it is 0, or the last extension header's.
        ("no next header", cut(59, DATA), bare(0)),
        ("no next header behind options", v6().extension(60, PADN).protocol(59), bare(60)),
        ("length 0", udp(v6()).ip_length(0), bare(17)),
        ("ICMPv4 is not for IPv6", cut(1, &[8, 0, 0, 0, 0, 0, 0, 0, 65]), bare(0)),
    ]);
}

#[test]
fn options_of_ipv4_are_kept_where_they_are_sound() {
    // Record route, stream identifier, security, and how lists end.
    let cases: [(&[u8], &[u8]); 8] = [
        (&[], &[]),
        (&[7, 7, 4, 0, 0, 0, 0, 0], &[0, 7]),
        (&[136, 4, 0, 0], &[136]),
        (&[1, 1, 1, 1], &[1]),
        (&[1, 0, 0, 0], &[0, 1]),
        (&[130, 4, 0, 0, 99, 4, 0, 0], &[130]),
        (&[7, 7, 3, 0, 0, 0, 0, 0], &[0]),
        (&[7, 3, 5, 7, 3, 4, 0, 0], &[0, 7]),
    ];
    for (options, expected) in cases {
        let found = decoded(&udp(v4().ip_options(options))).unwrap().ip_options;
        let found: Vec<u8> = (0..=u8::MAX).filter(|kind| found.contains(*kind)).collect();
        assert_eq!(found, expected, "{options:?}");
    }
}

#[test]
fn transports() {
    let esp: &[u8] = b"spi-seq-abcdPATTERN";
    let sctp: &[u8] = b"\x03\xe8\x07\xd0tag-sum-abcdPATTERN";
    check(&[
        ("tcp", tcp(v4()), TCP),
        ("tcp with options", tcp(v4()).tcp_options(&[2, 4, 5, 0xb4]), TCP),
        ("tcp option too long", tcp(v4()).tcp_options(&[2, 40, 1, 1]), TCP),
        ("tcp with a wrong checksum", tcp(v4()).bad_checksum(), TCP),
        ("data offset 4", tcp(v4()).tcp_header_words(4), bare(6)),
        ("data offset beyond", tcp(v4()).tcp_header_words(15), bare(6)),
        ("tcp of 14 bytes", v4().protocol(6).payload(b"PATTERNPATTERN"), bare(6)),
        ("udp shorter than IP", udp(v4()).udp_length(11), whole(17, (1_000, 2_000), b"abc")),
        ("udp longer than IP", udp(v4()).udp_length(20), bare(17)),
        ("udp length 7", udp(v4()).udp_length(7), bare(17)),
        ("udp length 0", udp(v6()).udp_length(0), bare(17)),
        ("udp of 6 bytes", v4().protocol(17).payload(b"PATTER"), bare(17)),
        ("udp without data", v4().udp(1_000, 2_000), whole(17, (1_000, 2_000), b"")),
        ("sctp", v4().protocol(132).payload(sctp), whole(132, (1_000, 2_000), DATA)),
        ("sctp of 11 bytes", v4().protocol(132).payload(&sctp[..11]), bare(132)),
        ("esp", v4().protocol(50).payload(esp), Ok((50, None, DATA))),
        ("esp of 7 bytes", v4().protocol(50).payload(&esp[..7]), bare(50)),
        ("authentication of IPv4", v4().protocol(51).payload(DATA), bare(51)),
        ("unknown protocol", v4().protocol(200).payload(DATA), bare(200)),
    ]);
    let facts = decoded(&tcp(v4()).seq(7).ack(9).window(11).flags(0x1f).tcp_options(&[1; 8]));
    let facts = facts.unwrap().tcp.unwrap();
    assert_eq!((facts.seq, facts.ack, facts.window, facts.flags), (7, 9, 11, 0x1f));
    assert_eq!(facts.header_len, 28);
}

#[test]
fn icmp() {
    let alphabet: &[u8] = b"abcdefghijklmnop";
    let four = |kind, code| v4().icmp(kind, code, *b"WXYZ").payload(alphabet);
    // Number of addresses, and words for each.
    let routers =
        |[addresses, words]: [u8; 2]| v4().icmp(9, 0, [addresses, words, 0, 10]).payload(alphabet);
    let six = |kind, code| v6().icmp(kind, code, *b"WXYZ").payload(alphabet);
    check(&[
        ("echo", v4().echo_request(1, 1).payload(DATA), whole(1, (8, 0), DATA)),
        ("unknown type", four(77, 9), whole(1, (77, 9), alphabet)),
        ("timestamp", four(13, 0), whole(1, (13, 0), b"mnop")),
        ("short timestamp", v4().icmp(14, 0, [0; 4]).payload(DATA), whole(1, (14, 0), DATA)),
        ("router advertisement", routers([1, 2]), whole(1, (9, 0), b"ijklmnop")),
        ("all of it addresses", routers([2, 2]), whole(1, (9, 0), b"")),
        ("fewer addresses than it says", routers([3, 2]), whole(1, (9, 0), alphabet)),
        ("4 bytes", v4().protocol(1).payload(&[8, 0, 0xf7, 0xff]), bare(1)),
        ("echo of IPv6", v6().echo_request(1, 1).payload(DATA), whole(58, (128, 0), DATA)),
        ("error of IPv6", six(1, 6), whole(58, (1, 6), alphabet)),
        ("error of an unknown code", six(1, 7), whole(58, (1, 7), b"WXYZabcdefgh")),
        ("too big", six(2, 0), whole(58, (2, 0), alphabet)),
        ("too big, unknown code", six(2, 5), whole(58, (2, 5), b"WXYZabcdefgh")),
        ("time exceeded", six(3, 1), whole(58, (3, 1), alphabet)),
        ("parameter problem", six(4, 2), whole(58, (4, 2), alphabet)),
        ("echo, unknown code", six(129, 9), whole(58, (129, 9), b"WXYZabcdefgh")),
        ("neighbour solicitation", six(135, 0), whole(58, (135, 0), b"WXYZabcdefgh")),
        ("8 bytes", v6().icmp(135, 0, [0; 4]), whole(58, (135, 0), b"")),
        ("4 bytes of IPv6", v6().protocol(58).payload(&[128, 0, 0, 0]), bare(58)),
    ]);
}

#[test]
fn fragments_have_addresses_and_no_payload() {
    let first = v4().id(9).fragment(0, true);
    let later = v4().id(9).fragment(64, false).protocol(17).payload(DATA);
    let six = v6().extension(60, PADN).id(70_000).fragment(8, true).protocol(17).payload(DATA);
    check(&[
        ("first", udp(first.clone()), bare(17)),
        ("later", later.clone(), bare(17)),
        ("IPv6", six.clone(), bare(44)),
    ]);
    let fields = |packet: &Packet| {
        let d = decoded(packet).unwrap();
        let f = d.fragment.unwrap();
        (f.id, f.offset, f.more, f.protocol, d.network_end - d.transport_offset)
    };
    assert_eq!(fields(&udp(first)), (9, 0, true, 17, 8 + DATA.len() as u32));
    assert_eq!(fields(&later), (9, 64, false, 17, DATA.len() as u32));
    assert_eq!(fields(&six), (70_000, 8, true, 17, DATA.len() as u32));
}

#[test]
fn what_was_cut_is_decoded_as_far_as_it_goes() {
    let headers = 14 + 20;
    check(&[
        ("tcp data", tcp(v4()).snap(headers + 20 + 4), whole(6, (1_000, 2_000), b"abcd")),
        ("tcp header", tcp(v4()).snap(headers + 19), bare(6)),
        ("udp data", udp(v4()).snap(headers + 8 + 4), whole(17, (1_000, 2_000), b"abcd")),
        ("udp data of IPv6", udp(v6()).snap(54 + 8 + 4), whole(17, (1_000, 2_000), b"abcd")),
        ("everything after IP", udp(v4()).snap(headers), bare(17)),
    ]);
    assert!(decoded(&tcp(v4()).snap(headers + 24)).unwrap().cut);
    assert!(!decoded(&tcp(v4()).pad()).unwrap().cut);
}

#[test]
fn errors_quote_a_flow() {
    let quoted = |packet: &Packet| decoded(packet).unwrap().quoted;
    let sent = Packet::raw().ip(A, B).tcp(1_000, 2_000).payload(DATA);
    let tuple = quoted(&Packet::ethernet().ip("10.9.9.9", A).unreachable(1, &sent)).unwrap();
    assert_eq!(tuple, decoded(&sent).unwrap().tuple);
    let sent = Packet::raw().ip(A6, B6).extension(60, PADN).udp(1_000, 2_000).payload(DATA);
    let error = Packet::ethernet().ip("2001:db8::9", A6).unreachable(4, &sent);
    assert_eq!(quoted(&error).unwrap(), decoded(&sent).unwrap().tuple);
    assert_eq!(decoded(&error).unwrap().flow_tuple().source_port, 1_000);

    let echo = Packet::raw().ip(A, B).echo_request(1, 1);
    let tuple = quoted(&Packet::ethernet().ip(B, A).unreachable(1, &echo)).unwrap();
    assert_eq!((tuple.protocol, tuple.source_port), (1, 0));
    let later = Packet::raw().ip(A, B).fragment(8, false).protocol(17).payload(DATA);
    assert_eq!(quoted(&Packet::ethernet().ip(B, A).unreachable(1, &later)), None);
    assert_eq!(quoted(&v4().icmp(3, 1, [0; 4]).payload(b"short")), None);
    assert_eq!(quoted(&v4().echo_request(1, 1).payload(&sent.ip_packet())), None);
}
