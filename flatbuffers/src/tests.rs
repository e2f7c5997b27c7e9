//! What is encoded is decoded; what is damaged is refused; what was once written stays readable.

mod evolution;

use std::net::{IpAddr, Ipv4Addr};

use contract::record::{FlowFacts, Header, PacketFacts};
use contract::{FiveTuple, Kind};
use proptest::prelude::*;

use crate::{
    Action, AlertFields, BATCH_BYTES_MAX, Batch, BatchEncoder, Buffer, DecodeError, Encoded,
    PushError, SCHEMA_VERSION, SignatureFields, wire,
};

/// Written by each version of the schema; a schema that cannot read them has broken its consumers.
const GOLDEN_V1: &[u8] = include_bytes!("../tests/golden/batch-v1.bin");
const GOLDEN_V2: &[u8] = include_bytes!("../tests/golden/batch-v2.bin");

fn alert<'a>(payload: &'a [u8], digest: &'a [u8; 32]) -> AlertFields<'a> {
    AlertFields {
        header: Header {
            kind: Kind::Alert,
            flags: Header::TO_SERVER,
            length: 0,
            generation: 7,
            signature: 0,
            flow: 0x1122_3344_5566_7788,
            sequence: 41,
            packet: 4_000_000_000_000,
            wall_ns: 1_700_000_000_123_456_789,
            rx_ns: 0,
            raised_after_ns: 21_500,
            worker: 1,
        },
        tuple: Some(FiveTuple {
            source: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            destination: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)),
            source_port: 49_152,
            destination_port: 80,
            protocol: 6,
        }),
        packet: PacketFacts { wire_length: 99, payload_length: 5, vlan: [100, 0], port: 3 },
        flow: FlowFacts {
            packets_to_server: 4,
            packets_to_client: 3,
            bytes_to_server: 400,
            bytes_to_client: 300,
            start_wall_ns: 1_700_000_000_000_000_000,
        },
        signature: SignatureFields {
            gid: 1,
            sid: 2_019_401,
            rev: 30,
            msg: "ET POLICY Überprüfung \"quoted\"",
            category: "Potential Corporate Privacy Violation",
            severity: 1,
            action: Action::Drop,
        },
        payload,
        payload_sha256: Some(digest),
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        in_iface: "port0",
    }
}

fn encoder() -> BatchEncoder {
    let mut encoder = BatchEncoder::new("lab", "s1", "0123456789abcdef");
    encoder.begin(Buffer::with_capacity(1_024), BATCH_BYTES_MAX);
    encoder
}

#[test]
fn the_golden_messages_are_read_and_the_last_is_written() {
    for (version, golden) in (1..).zip([GOLDEN_V1, GOLDEN_V2]) {
        assert_golden(version, golden);
    }
    assert_eq!(SCHEMA_VERSION, 2, "a new version needs a golden message of its own");
    assert_eq!(golden().as_ref(), GOLDEN_V2, "the same alerts have other bytes now");
}

/// The golden messages of all versions say the same, as far as their version can.
fn assert_golden(version: u16, bytes: &[u8]) {
    let batch = Batch::decode(bytes).expect("the golden message");
    let head = batch.head();
    assert_eq!((head.schema_version, head.site, head.sensor), (version, "lab", "s1"));
    assert_eq!((head.boot, head.lane, head.sequence), ("0123456789abcdef", 2, 1));
    assert_eq!((head.generations, head.closed_ns), ((7, 7), 1_700_000_001_000_000_000));
    let alerts: Vec<_> = batch.alerts().map(|alert| alert.expect("an alert")).collect();
    let wanted = [alert(b"hello", &[0xAB; 32]), undecoded()];
    assert_eq!(alerts, wanted[..usize::from(version)]);
}

/// An alert for a packet that could not be decoded.
fn undecoded() -> AlertFields<'static> {
    let mut undecoded = alert(&[], &[0; 32]);
    (undecoded.tuple, undecoded.payload_sha256, undecoded.community_id) = (None, None, "");
    (undecoded.header.flow, undecoded.header.flags) = (0, 0);
    undecoded.flow = FlowFacts::default();
    undecoded
}

/// The golden message of this version.
fn golden() -> Encoded {
    let mut encoder = encoder();
    encoder.push(&alert(b"hello", &[0xAB; 32])).expect("room");
    encoder.push(&undecoded()).expect("room");
    encoder.finish(2, 1, 1_700_000_001_000_000_000)
}

#[test]
fn a_reader_of_version_1_finds_addresses_in_every_alert() {
    let bytes = golden();
    let batch = wire::root_as_alert_batch(bytes.as_ref()).expect("a message");
    let alert = batch.alerts().expect("alerts").get(1);
    assert_eq!(alert.source().map(|source| source.bytes()), Some(&[0; 4][..]));
    assert_eq!(alert.destination().map(|destination| destination.bytes()), Some(&[0; 4][..]));
    assert!(alert.flow().is_none());
}

#[test]
fn a_full_batch_says_so_and_the_next_one_starts_empty() {
    let payload = vec![0x5A; 60_000];
    let mut encoder = encoder();
    let mut pushed = 0;
    while encoder.push(&alert(&payload, &[1; 32])).is_ok() {
        pushed += 1;
    }
    assert_eq!((pushed, encoder.len()), (4, 4));
    assert_eq!(encoder.push(&alert(&payload, &[1; 32])), Err(PushError::Full));
    let first = encoder.finish(2, 1, 1);
    assert!(first.as_ref().len() <= BATCH_BYTES_MAX && first.capacity() <= BATCH_BYTES_MAX);
    assert_eq!(Batch::decode(first.as_ref()).expect("a batch").len(), 4);
    assert!(encoder.is_empty());
    encoder.begin(first.recycle(), BATCH_BYTES_MAX);
    encoder.push(&alert(b"x", &[1; 32])).expect("room again");
    let second = encoder.finish(2, 2, 2);
    let batch = Batch::decode(second.as_ref()).expect("a batch");
    assert_eq!((batch.len(), batch.head().sequence), (1, 2));
}

#[test]
fn an_alert_that_never_fits_is_told_apart() {
    let msg = "m".repeat(BATCH_BYTES_MAX);
    let mut huge = alert(b"", &[1; 32]);
    huge.signature.msg = &msg;
    assert_eq!(encoder().push(&huge), Err(PushError::TooLarge));
}

#[test]
fn what_alerts_have_in_common_is_stored_once() {
    let sizes = [1, 2].map(|count| {
        let mut encoder = encoder();
        for _ in 0..count {
            encoder.push(&alert(b"", &[1; 32])).expect("room");
        }
        encoder.finish(0, 1, 0).as_ref().len()
    });
    assert!(sizes[1] - sizes[0] < 240, "the second alert took {} bytes", sizes[1] - sizes[0]);
}

#[test]
fn a_message_has_no_trace_of_the_one_before_it() {
    let mut encoder = encoder();
    encoder.push(&alert(&[0xEE; 700], &[0xEE; 32])).expect("room");
    let buffer = encoder.finish(2, 1, 1_700_000_001_000_000_000).recycle();
    encoder.begin(buffer, BATCH_BYTES_MAX);
    encoder.push(&alert(b"hello", &[0xAB; 32])).expect("room");
    encoder.push(&undecoded()).expect("room");
    assert_eq!(encoder.finish(2, 1, 1_700_000_001_000_000_000).as_ref(), GOLDEN_V2);
}

#[test]
fn signatures_that_differ_in_one_thing_are_kept_apart() {
    let first = alert(b"", &[1; 32]);
    let mut list = vec![first; 9];
    list[1].signature.gid = 2;
    list[2].signature.rev = 2;
    list[3].signature.msg = "other";
    list[4].signature.category = "";
    list[5].signature.severity = 9;
    list[6].signature.action = Action::Alert;
    list[7].signature.msg = "";
    let mut encoder = encoder();
    for fields in list.iter().chain(&list) {
        encoder.push(fields).expect("room");
    }
    let bytes = encoder.finish(2, 1, 0);
    let batch = Batch::decode(bytes.as_ref()).expect("a batch");
    let read: Vec<_> = batch.alerts().map(|alert| alert.expect("an alert")).collect();
    assert_eq!(read, [&list[..], &list[..]].concat());
}

#[test]
fn other_messages_are_refused() {
    assert_eq!(Batch::decode(&[]).err(), Some(DecodeError::Identifier));
    let mut other = GOLDEN_V1.to_vec();
    other[4..8].copy_from_slice(b"SGX1");
    assert_eq!(Batch::decode(&other).err(), Some(DecodeError::Identifier));
    let long = vec![0; BATCH_BYTES_MAX + 1];
    assert_eq!(Batch::decode(&long).err(), Some(DecodeError::TooLong(BATCH_BYTES_MAX + 1)));
}

/// Writes the golden message of this version anew: `cargo test -p alert-schema -- --ignored golden`.
#[test]
#[ignore = "writes a file that is committed"]
fn write_golden() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/batch-v2.bin");
    std::fs::write(path, golden()).expect("a writable golden file");
}

fn any_tuple() -> impl Strategy<Value = FiveTuple> {
    let v4 = (any::<[u8; 4]>(), any::<[u8; 4]>()).prop_map(|(a, b)| (a.into(), b.into()));
    let v6 = (any::<[u8; 16]>(), any::<[u8; 16]>()).prop_map(|(a, b)| (a.into(), b.into()));
    let addresses = prop_oneof![v4, v6];
    (addresses, any::<u16>(), any::<u16>(), any::<u8>()).prop_map(
        |((source, destination), source_port, destination_port, protocol)| FiveTuple {
            source,
            destination,
            source_port,
            destination_port,
            protocol,
        },
    )
}

/// The parts of an alert that vary; text and bytes are owned here and borrowed by the alert.
type Parts = (FiveTuple, Vec<u8>, String, [u64; 4], (u16, u32, u8), Option<[u8; 32]>);

fn any_parts() -> impl Strategy<Value = Parts> {
    (
        any_tuple(),
        prop::collection::vec(any::<u8>(), 0..2_000),
        ".{0,80}",
        any::<[u64; 4]>(),
        (1_u16..4096, any::<u32>(), any::<u8>()),
        prop::option::of(any::<[u8; 32]>()),
    )
}

fn assemble(parts: &Parts) -> AlertFields<'_> {
    let (tuple, payload, text, longs, (vlan, number, byte), digest) = parts;
    let mut fields = alert(payload, &[0; 32]);
    fields.tuple = Some(*tuple);
    fields.payload_sha256 = digest.as_ref();
    fields.header.sequence = longs[0];
    fields.header.flow = longs[1];
    fields.header.wall_ns = longs[2];
    fields.flow.bytes_to_client = longs[3];
    fields.header.generation = *number;
    fields.header.flags = u16::from(byte & 3);
    fields.packet.vlan = [*vlan, u16::from(*byte)];
    fields.signature.severity = *byte;
    fields.signature.msg = text;
    fields.signature.category = text;
    fields.signature.action = Action::ENUM_VALUES[usize::from(byte & 3)];
    fields
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_decoded(list in prop::collection::vec(any_parts(), 1..20)) {
        let mut encoder = encoder();
        for parts in &list {
            encoder.push(&assemble(parts)).expect("room");
        }
        let bytes = encoder.finish(2, 1, 5);
        let batch = Batch::decode(bytes.as_ref()).expect("a batch");
        let lowest = list.iter().map(|parts| parts.4.1).min();
        prop_assert_eq!(Some(batch.head().generations.0), lowest);
        let read: Vec<_> = batch.alerts().map(|alert| alert.expect("an alert")).collect();
        let wanted: Vec<_> = list.iter().map(assemble).collect();
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn the_bound_of_a_message_holds(list in prop::collection::vec(any_parts(), 1..40),
                                    bytes_max in 2_000_usize..20_000) {
        let mut encoder = encoder();
        encoder.begin(Buffer::default(), bytes_max);
        for parts in &list {
            if encoder.push(&assemble(parts)) == Err(PushError::Full) {
                let full = encoder.finish(0, 1, 1);
                prop_assert!(full.as_ref().len() <= bytes_max);
                encoder.begin(full.recycle(), bytes_max);
            }
        }
        prop_assert!(encoder.finish(0, 2, 2).as_ref().len() <= bytes_max);
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if bytes.len() > 8 {
            bytes[4..8].copy_from_slice(b"SGA1");
            bytes[1..4].fill(0);
        }
        if let Ok(batch) = Batch::decode(&bytes) {
            assert!(batch.head().boot.len() < BATCH_BYTES_MAX);
            batch.alerts().for_each(drop);
        }
    }

    #[test]
    fn a_damaged_message_never_panics(at in 0..GOLDEN_V2.len(), value: u8, cut in 0..GOLDEN_V2.len()) {
        let mut bytes = GOLDEN_V2.to_vec();
        bytes[at] = value;
        for bytes in [&bytes[..], &bytes[..cut]] {
            if let Ok(batch) = Batch::decode(bytes) {
                assert!(batch.head().boot.len() < BATCH_BYTES_MAX);
                batch.alerts().for_each(drop);
            }
        }
    }
}
