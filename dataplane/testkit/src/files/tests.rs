//! The files are read back with the pcap-file crate.

use std::time::Duration;

use contract::LinkType;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::{FIRST_TIMESTAMP_NS, Frame, Interface, PcapFile, PcapngFile, TIMESTAMP_STEP_NS};

fn frames() -> Vec<Frame> {
    vec![vec![1; 10].into(), Frame::from(vec![2; 100]).at(5_000_001_234), vec![3; 7].into()]
}

#[test]
fn pcap_in_all_its_forms() {
    for (nanoseconds, big_endian) in [(false, false), (true, false), (false, true), (true, true)] {
        let file = PcapFile { nanoseconds, big_endian, snap_length: 64, link: LinkType::RAW };
        let bytes = file.bytes(frames());
        let mut reader = PcapReader::new(&bytes[..]).unwrap();
        assert_eq!(u32::from(reader.header().datalink), 101);
        let mut got = Vec::new();
        while let Some(packet) = reader.next_raw_packet() {
            let packet = packet.unwrap();
            let unit = if nanoseconds { 1 } else { 1_000 };
            let time = u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_frac) * unit;
            got.push((time, packet.orig_len, packet.data.len()));
        }
        let second = if nanoseconds { 5_000_001_234 } else { 5_000_001_000 };
        assert_eq!(
            got,
            [
                (FIRST_TIMESTAMP_NS, 10, 10),
                (second, 100, 64),
                (FIRST_TIMESTAMP_NS + 2 * TIMESTAMP_STEP_NS, 7, 7)
            ]
        );
    }
}

#[test]
fn pcapng_with_two_interfaces() {
    let mut second = Interface::of(LinkType::RAW);
    second.snap_length = 64;
    second.resolution = None;
    let interfaces = vec![Interface::of(LinkType::ETHERNET), second];
    for (big_endian, extras) in [(false, false), (true, true)] {
        let file = PcapngFile { interfaces: interfaces.clone(), big_endian, extras };
        let list = frames();
        let bytes = file.bytes([list[0].clone(), list[1].clone().on(1), list[2].clone()]);
        let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
        let mut got = Vec::new();
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.unwrap() {
                got.push((packet.interface_id, packet.timestamp, packet.data.len()));
            }
        }
        let first = Duration::from_nanos(FIRST_TIMESTAMP_NS);
        assert_eq!(got.len(), 3);
        assert_eq!(got[0], (0, first, 10));
        assert_eq!((got[1].0, got[1].2), (1, 64));
        assert_eq!(reader.interfaces().len(), 2);
    }
}
