//! Records survive their slots; foreign slots do no harm.

use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use proptest::prelude::*;

use super::{
    FieldKind, FlowFacts, Header, Kind, PacketFacts, RECORD_SLOTS_MAX, Record, RecordBuilder,
    SLOT_BYTES, decode_tuple, encode_tuple,
};
use crate::tuple::FiveTuple;

fn header() -> Header {
    Header {
        kind: Kind::Alert,
        flags: Header::TO_SERVER,
        length: 0,
        generation: 3,
        signature: 77,
        flow: 0x0102_0304_0506_0708,
        sequence: 9,
        packet: u64::MAX,
        wall_ns: 1_700_000_000_000_000_000,
        rx_ns: 5,
        raised_after_ns: 1_234,
        worker: 2,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(payload in proptest::collection::vec(any::<u8>(), 0..3_000),
                               digest: [u8; 32]) {
        let mut slots = vec![[0xAA; SLOT_BYTES]; 64];
        let mut builder = RecordBuilder::new(&mut slots);
        builder.field(FieldKind::Payload, &payload).field(FieldKind::PayloadSha256, &digest);
        let record = builder.finish(header());
        let read = Record::decode(record).expect("a record");
        prop_assert_eq!(Header { length: 0, ..read.header }, header());
        prop_assert_eq!(read.get(FieldKind::Payload), Some(&payload[..]));
        prop_assert_eq!(read.get(FieldKind::PayloadSha256), Some(&digest[..]));
        prop_assert_eq!(read.fields().count(), 2);
    }

    #[test]
    fn arbitrary_slots_never_panic(bytes in proptest::collection::vec(any::<[u8; 32]>(), 0..40)) {
        let slots: Vec<_> = bytes.chunks_exact(2).map(|pair| {
            let mut slot = [0; SLOT_BYTES];
            slot[..32].copy_from_slice(&pair[0]);
            slot[32..].copy_from_slice(&pair[1]);
            slot[0] %= 4;
            slot[1] %= 2;
            slot
        }).collect();
        if let Some(record) = Record::decode(&slots) {
            record.fields().for_each(drop);
        }
    }

    #[test]
    fn tuples_survive(source: [u8; 16], destination: [u8; 16], sport: u16, dport: u16,
                      protocol: u8) {
        let tuple = FiveTuple { source: IpAddr::from(source), destination: IpAddr::from(destination),
                                source_port: sport, destination_port: dport, protocol };
        prop_assert_eq!(decode_tuple(&encode_tuple(&tuple)), Some(tuple));
    }
}

#[test]
fn too_long_a_payload_is_cut_and_says_so() {
    let mut slots = vec![[0; SLOT_BYTES]; RECORD_SLOTS_MAX];
    let payload = vec![7_u8; 70_000];
    let mut builder = RecordBuilder::new(&mut slots);
    builder.field(FieldKind::Payload, &payload).field(FieldKind::PayloadSha256, &[1; 32]);
    let record = builder.finish(header());
    assert_eq!(record.len(), RECORD_SLOTS_MAX);
    let read = Record::decode(record).expect("a record");
    assert_eq!(read.header.flags & Header::CUT, Header::CUT);
    assert_eq!(read.get(FieldKind::Payload).map(<[u8]>::len), Some(1023 * 64 - 8));
    assert_eq!(read.get(FieldKind::PayloadSha256), None);
}

#[test]
fn facts_survive() {
    let packet = PacketFacts { wire_length: 1, payload_length: 2, vlan: [3, 4], port: 5 };
    assert_eq!(PacketFacts::decode(&packet.encode()), Some(packet));
    let flow = FlowFacts {
        packets_to_server: 1,
        packets_to_client: 2,
        bytes_to_server: 3,
        bytes_to_client: 4,
        start_wall_ns: 5,
    };
    assert_eq!(FlowFacts::decode(&flow.encode()), Some(flow));
    assert_eq!(FlowFacts::decode(&[0; 39]), None);
}
