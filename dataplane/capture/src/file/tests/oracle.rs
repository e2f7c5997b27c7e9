//! The pcap-file crate reads the same files.

use contract::LinkType;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use proptest::prelude::*;
use testkit::{Frame, Interface, PcapFile, PcapngFile, Traffic};

use super::frames;

/// Time, wire length, interface, bytes.
type Summary = (u64, u32, u32, Vec<u8>);

fn ours(bytes: &[u8]) -> Vec<Summary> {
    let read = frames(bytes).into_iter().map(|(meta, bytes)| {
        (meta.timestamp_ns.unwrap(), meta.wire_length, u32::from(meta.port), bytes)
    });
    read.collect()
}

fn pcap(bytes: &[u8], unit: u64) -> Vec<Summary> {
    let mut reader = PcapReader::new(bytes).unwrap();
    let mut all = Vec::new();
    while let Some(packet) = reader.next_raw_packet() {
        let packet = packet.unwrap();
        let time = u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_frac) * unit;
        all.push((time, packet.orig_len, 0, packet.data.to_vec()));
    }
    all
}

/// pcap-file leaves scaling of timestamps to its user: `unit` nanoseconds each.
fn pcapng(bytes: &[u8]) -> Vec<Summary> {
    let mut reader = PcapNgReader::new(bytes).unwrap();
    let mut all = Vec::new();
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(packet) = block.unwrap() {
            let time = packet.timestamp.as_nanos() as u64;
            all.push((time, packet.original_len, packet.interface_id, packet.data.to_vec()));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn classic(seed: u64, nanoseconds: bool, big_endian: bool, snap_length in 20_u32..2_000) {
        let file = PcapFile { link: LinkType::ETHERNET, nanoseconds, big_endian, snap_length };
        let bytes = file.bytes(Traffic::new(seed).frames(100));
        prop_assert_eq!(ours(&bytes), pcap(&bytes, if nanoseconds { 1 } else { 1_000 }));
    }

    #[test]
    fn next_generation(seed: u64, big_endian: bool, extras: bool, snap_length in 0_u32..2_000) {
        let first = Interface::of(LinkType::ETHERNET);
        let interfaces = vec![first, Interface { snap_length, ..first }];
        let file = PcapngFile { interfaces, big_endian, extras };
        let traffic = Traffic::new(seed).frames(100).into_iter().enumerate();
        let bytes = file.bytes(traffic.map(|(index, frame): (usize, Frame)| frame.on(index as u32 % 2)));
        prop_assert_eq!(ours(&bytes), pcapng(&bytes));
    }
}
