//! pcapng blocks that testkit's writer does not make, and interfaces of every resolution.

use contract::LinkType;
use testkit::{Frame, Interface, PcapngFile};

use super::{WINDOW_BYTES, drain, frames, source};

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    let padded = body.len().next_multiple_of(4);
    let total = (padded as u32 + 12).to_le_bytes();
    out.extend(total);
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(total);
    out
}

/// A section with one interface of `snap_length`.
fn section(link: LinkType, snap_length: u32) -> Vec<u8> {
    let interface = Interface { snap_length, ..Interface::of(link) };
    let file = PcapngFile { interfaces: vec![interface], ..PcapngFile::default() };
    file.bytes(Vec::<Frame>::new())
}

#[test]
fn every_resolution_becomes_nanoseconds() {
    let time = 1_700_000_000_123_456_789;
    let cases: [(Option<u8>, i64, u64); 7] = [
        (None, 0, time / 1_000 * 1_000),
        (Some(9), 0, time),
        (Some(0), 0, time / 1_000_000_000 * 1_000_000_000),
        (Some(3), 3_600, time / 1_000_000 * 1_000_000),
        (Some(7), -3_600, time / 100 * 100),
        (Some(10), 0, time),
        (Some(0x80 | 20), 0, 1_700_000_000_123_456_001),
    ];
    for (resolution, offset_s, expected) in cases {
        let interface = Interface { resolution, offset_s, ..Interface::of(LinkType::RAW) };
        for big_endian in [false, true] {
            let file =
                PcapngFile { interfaces: vec![interface], big_endian, ..PcapngFile::default() };
            let read = frames(&file.bytes([Frame::from(vec![1]).at(time)]));
            assert_eq!(read[0].0.timestamp_ns, Some(expected), "{resolution:?}");
        }
    }
    let interface = Interface { resolution: Some(0), ..Interface::of(LinkType::RAW) };
    let file = PcapngFile { interfaces: vec![interface], ..PcapngFile::default() };
    let mut bytes = file.bytes([Frame::from(vec![1])]);
    let at = bytes.windows(5).position(|w| w == [9, 0, 1, 0, 0]).unwrap() + 4;
    bytes[at] = 200;
    let error = drain(source(&bytes).unwrap(), 1).1.unwrap().to_string();
    assert!(error.contains("resolution"), "{error}");
}

#[test]
fn interfaces_have_their_own_link_types_and_sections_begin_anew() {
    let interfaces =
        [LinkType::ETHERNET, LinkType::RAW, LinkType::NULL].map(Interface::of).to_vec();
    let file = PcapngFile { interfaces, ..PcapngFile::default() };
    let mut bytes = file.bytes([2, 0, 1].map(|index| Frame::from(vec![9]).on(index)));
    let second = PcapngFile {
        interfaces: vec![Interface::of(LinkType(228))],
        big_endian: true,
        extras: true,
    };
    bytes.extend(second.bytes([Frame::from(vec![9])]));
    let read: Vec<_> = frames(&bytes).iter().map(|(m, _)| (m.number, m.port, m.link.0)).collect();
    assert_eq!(read, [(1, 2, 0), (2, 0, 1), (3, 1, 101), (4, 0, 228)]);
}

#[test]
fn simple_and_obsolete_packets_are_read() {
    let mut bytes = section(LinkType::RAW, 4);
    bytes.extend(block(3, &[6, 0, 0, 0, 1, 2, 3, 4]));
    let mut obsolete = vec![0, 0, 0xff, 0xff];
    for word in [0_u32, 77, 3, 9] {
        obsolete.extend(word.to_le_bytes());
    }
    obsolete.extend([5, 6, 7]);
    bytes.extend(block(2, &obsolete));
    let read = frames(&bytes);
    assert_eq!((read[0].0.timestamp_ns, read[0].0.wire_length), (None, 6));
    assert_eq!(read[0].1, [1, 2, 3, 4]);
    assert_eq!((read[1].0.timestamp_ns, read[1].0.wire_length), (Some(77), 9));
    assert_eq!(read[1].1, [5, 6, 7]);
}

#[test]
fn a_block_of_another_type_may_be_longer_than_the_window() {
    let mut bytes = section(LinkType::RAW, 0);
    let packet = block(3, &[4, 0, 0, 0, 1, 2, 3, 4]);
    bytes.extend(&packet);
    bytes.extend(block(0xbad, &vec![3; 3 * WINDOW_BYTES + 500]));
    bytes.extend(&packet);
    assert_eq!(frames(&bytes).len(), 2);
    let cut = &bytes[..bytes.len() - packet.len() - 8];
    let (read, error) = drain(source(cut).unwrap(), 64);
    assert_eq!(read.len(), 1);
    assert!(error.unwrap().to_string().contains("middle of a record"));
    let mut long = section(LinkType::RAW, 0);
    long.extend(block(6, &vec![0; WINDOW_BYTES]));
    assert!(drain(source(&long).unwrap(), 64).1.unwrap().to_string().contains("longer than"));
}

#[test]
fn blocks_that_contradict_themselves_are_damage() {
    let reason = |tail: &[u8]| {
        let mut bytes = section(LinkType::RAW, 0);
        bytes.extend(tail);
        drain(source(&bytes).unwrap(), 64).1.unwrap().to_string()
    };
    let mut differ = block(3, &[4, 0, 0, 0, 1, 2, 3, 4]);
    *differ.last_mut().unwrap() = 9;
    assert!(reason(&differ).contains("two lengths differ"));
    assert!(reason(&[7, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]).contains("impossible length"));
    assert!(reason(&[7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]).contains("impossible length"));
    assert!(reason(&block(6, &[1, 0, 0, 0])).contains("not described"));
    assert!(reason(&block(6, &[0; 12])).contains("too short"));
    assert!(reason(&block(3, &[9, 0, 0, 0, 1])).contains("longer than its block"));
    assert!(reason(&block(0x0a0d_0d0a, &[1, 2, 3, 4])).contains("no byte order"));
}
