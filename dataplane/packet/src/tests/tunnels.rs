//! Packets inside of packets, and link layers that are no Ethernet. Expected is what the peer inspects.

use contract::LinkType;
use testkit::Packet;

use super::assert_inside;
use crate::{DecodeError, Decoded, TUNNEL_DEPTH_MAX, decode, decode_inner, innermost};

const DATA: &[u8] = b"abcdPATTERN";

/// The packet that every tunnel here carries: UDP from port 7 to 8.
fn carried(link: Packet, source: &str, destination: &str) -> Vec<u8> {
    link.ip(source, destination).udp(7, 8).payload(DATA).build()
}

fn bare() -> Vec<u8> {
    carried(Packet::raw(), "192.0.2.1", "192.0.2.2")
}

fn bare_v6() -> Vec<u8> {
    carried(Packet::raw(), "2001:0:1::1", "2001:db8::2")
}

fn framed() -> Vec<u8> {
    carried(Packet::ethernet(), "192.0.2.1", "192.0.2.2")
}

fn with_head(head: &[u8], rest: &[u8]) -> Vec<u8> {
    [head, rest].concat()
}

/// The packet itself where it is the carried one, else what it carries.
fn inside(link: u16, frame: &[u8]) -> Option<Decoded> {
    let outer = decode(LinkType(link), frame).ok()?;
    let inner = match decode_inner(&outer, frame) {
        Some(inner) => inner.ok()?,
        None => outer,
    };
    assert_inside(&inner, frame);
    Some(inner)
}

fn check(link: u16, cases: &[(&str, Vec<u8>, bool)]) {
    for (name, frame, found) in cases {
        let inner = inside(link, frame).filter(|inner| inner.tuple.source_port == 7);
        assert_eq!(inner.is_some(), *found, "{name}");
        if let Some(inner) = inner {
            assert_eq!(inner.payload.of(frame), DATA, "{name}");
        }
    }
}

fn over_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    Packet::ethernet().ip("10.0.0.1", "10.0.0.2").protocol(protocol).payload(payload).build()
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(40_000, port).payload(payload).build()
}

#[test]
fn ip_in_ip() {
    let over_v6 = |protocol, payload: &[u8]| {
        Packet::ethernet().ip("fe80::1", "fe80::2").protocol(protocol).payload(payload).build()
    };
    check(
        1,
        &[
            ("4 in 4", over_ip(4, &bare()), true),
            ("6 in 4", over_ip(41, &bare_v6()), true),
            ("4 in 6", over_v6(4, &bare()), true),
            ("6 in 6", over_v6(41, &bare_v6()), true),
            ("4 said, 6 carried", over_ip(4, &bare_v6()), false),
            ("nothing carried", over_ip(4, &[]), false),
        ],
    );
}

#[test]
fn gre() {
    let gre = |head: &[u8], rest: &[u8]| over_ip(47, &with_head(head, rest));
    let key_and_sequence = [0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    let routed = [0x40, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 2, 9, 9, 0, 0, 0, 0];
    let tagged = [&[0, 0, 0x81, 0, 0, 5, 8, 0][..], &bare()].concat();
    let pptp = [0x30, 1, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21];
    let acknowledged = [0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x21];
    let erspan = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 42, 0, 0, 0, 0, 0, 0];
    let erspan_3 = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 42, 0, 0, 0, 0, 0, 0];
    check(
        1,
        &[
            ("IPv4", gre(&[0, 0, 8, 0], &bare()), true),
            ("IPv6", gre(&[0, 0, 0x86, 0xdd], &bare_v6()), true),
            ("Ethernet", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], &framed()), true),
            ("key and sequence", gre(&key_and_sequence, &bare()), true),
            ("checksum", gre(&[0x80, 0, 8, 0, 0, 0, 0, 0], &bare()), true),
            ("source routes", gre(&routed, &bare()), true),
            ("tag", over_ip(47, &tagged), true),
            ("PPTP", gre(&pptp, &bare()), true),
            ("PPTP with acknowledgement", gre(&acknowledged, &bare()), true),
            ("PPTP without key", gre(&[0x10, 1, 0x88, 0x0b, 0, 0, 0, 1, 0x21], &bare()), false),
            ("ERSPAN I", gre(&[0, 0, 0x88, 0xbe], &framed()), true),
            ("ERSPAN II", gre(&erspan, &framed()), true),
            ("ERSPAN III is not followed", gre(&erspan_3, &framed()), false),
            ("recursion bits", gre(&[7, 0, 8, 0], &bare()), false),
            ("version 2", gre(&[0, 2, 8, 0], &bare()), false),
            (
                "routes without an end",
                gre(&[0x40, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 200], &bare()),
                false,
            ),
        ],
    );
    let mirrored = inside(1, &gre(&erspan, &framed())).map(|inner| (inner.vlan, inner.depth));
    assert_eq!(mirrored, Some(([42, 0], 1)), "the tag of the mirrored port");
}

#[test]
fn over_datagrams() {
    let vxlan = with_head(&[8, 0, 0, 0, 0, 0, 1, 0], &framed());
    let options = [0x01, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0];
    let origin = with_head(&[0, 0, 1, 2, 3, 4, 5, 6], &bare_v6());
    let authentication = with_head(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &bare_v6());
    check(
        1,
        &[
            ("VXLAN", over_udp(4789, &vxlan), true),
            ("VXLAN without its flag", over_udp(4789, &with_head(&[0; 8], &framed())), false),
            ("VXLAN on another port", over_udp(4788, &vxlan), false),
            (
                "Geneve",
                over_udp(6081, &with_head(&[0, 0, 0x65, 0x58, 0, 0, 1, 0], &framed())),
                true,
            ),
            ("Geneve with options", over_udp(6081, &with_head(&options, &framed())), true),
            ("Geneve IP", over_udp(6081, &with_head(&[0, 0, 8, 0, 0, 0, 1, 0], &bare())), true),
            ("Teredo", over_udp(3544, &bare_v6()), true),
            ("Teredo with origin", over_udp(3544, &origin), true),
            ("Teredo with authentication", over_udp(3544, &authentication), false),
            ("Teredo and more", over_udp(3544, &[bare_v6(), vec![0]].concat()), false),
            (
                "no Teredo address",
                over_udp(3544, &carried(Packet::raw(), "fe80::1", "fe80::2")),
                false,
            ),
        ],
    );
}

#[test]
fn depth_is_bounded() {
    let mut packet = bare();
    for _ in 0..=TUNNEL_DEPTH_MAX {
        packet = Packet::raw().ip("10.0.0.1", "10.0.0.2").protocol(4).payload(&packet).build();
    }
    let deepest = innermost(&decode(LinkType::RAW, &packet).unwrap(), &packet);
    assert_eq!((deepest.depth, deepest.tuple.protocol), (TUNNEL_DEPTH_MAX, 4));
    assert_eq!(decode_inner(&deepest, &packet), None);
}

#[test]
fn a_carried_packet_ends_with_its_carrier() {
    // The inner header says more than the outer packet holds: what follows in the frame is not its.
    let inner = Packet::raw().ip("192.0.2.1", "192.0.2.2").ip_length(60).udp(7, 8).payload(DATA);
    let outer = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").protocol(4).payload(&inner.build());
    let frame = outer.trailer(&[7; 40]).build();
    let decoded = decode(LinkType::ETHERNET, &frame).unwrap();
    let inner = decode_inner(&decoded, &frame).unwrap().unwrap();
    assert!(inner.cut);
    assert_eq!(inner.network_end, decoded.network_end);
}

#[test]
fn layers_below_ip() {
    let after_addresses = |head: &[u8], rest: &[u8]| [&[2; 12][..], head, rest].concat();
    let label = |label: u32, bottom: u32| (label << 12 | bottom << 8 | 64).to_be_bytes();
    let stack = |bottom: u32| [&[0x88, 0x47][..], &label(100, 0), &label(bottom, 1)].concat();
    let wire = [&stack(200)[..], &[0; 4]].concat();
    let nsh = [0x89, 0x4f, 0, 6, 1, 3, 0, 0, 1, 255];
    let nsh = [&nsh[..], &[0; 16]].concat();
    let backbone = [&[0x88, 0xe7][..], &[0; 16], &[8, 0]].concat();
    check(
        1,
        &[
            ("MPLS", after_addresses(&stack(200), &bare()), true),
            ("MPLS to IPv6", after_addresses(&stack(200), &bare_v6()), true),
            ("MPLS explicit null", after_addresses(&stack(0), &bare()), true),
            ("MPLS reserved label", after_addresses(&stack(3), &bare()), false),
            ("MPLS pseudo-wire", after_addresses(&wire, &framed()), true),
            ("PPPoE", after_addresses(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 41, 0, 0x21], &bare()), true),
            (
                "PPPoE discovery",
                after_addresses(&[0x88, 0x63, 0x11, 9, 0, 0, 0, 0], &bare()),
                false,
            ),
            ("NSH", after_addresses(&nsh, &framed()), true),
            ("802.1ah", after_addresses(&backbone, &bare()), true),
            ("VN-tag", after_addresses(&[0x89, 0x26, 0, 0, 0, 0, 8, 0], &bare()), true),
            ("FabricPath", after_addresses(&[0x89, 3, 0, 64], &framed()), true),
        ],
    );
    check(
        9,
        &[
            ("PPP", with_head(&[0xff, 3, 0, 0x21], &bare()), true),
            ("PPP, short protocol", with_head(&[0xff, 3, 0x57], &bare_v6()), true),
            ("PPP without address", with_head(&[0, 0x21], &bare()), true),
            ("PPP LCP", with_head(&[0xff, 3, 0xc0, 0x21], &bare()), false),
        ],
    );
    check(104, &[("Cisco HDLC", with_head(&[0x0f, 0, 8, 0], &bare()), true)]);
    check(113, &[("Linux cooked", with_head(&[&[0; 14][..], &[8, 0]].concat(), &bare()), true)]);
    // A frame in a frame, and so on.
    let nested = after_addresses(&[0x89, 3, 0, 64], &[]);
    let endless = nested.repeat(20);
    let error = decode(LinkType::ETHERNET, &endless).map_err(|undecoded| undecoded.error);
    assert_eq!(error, Err(DecodeError::TooManyLayers));
}
