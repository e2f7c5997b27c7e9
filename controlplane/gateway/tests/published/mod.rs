//! Messages as a sensor publishes them.

use alert_schema::{Action, AlertFields, BATCH_BYTES_MAX, BatchEncoder, Buffer, SignatureFields};
use contract::record::{FlowFacts, PacketFacts};
use contract::{FiveTuple, Header, Kind};

/// Alert `sequence` of worker 1; its signature has the same number.
fn alert(sequence: u64, severity: u8) -> AlertFields<'static> {
    AlertFields {
        header: Header {
            kind: Kind::Alert,
            flags: Header::TO_SERVER,
            length: 0,
            generation: 1,
            signature: 0,
            flow: 77,
            sequence,
            packet: sequence,
            wall_ns: 1_700_000_000_123_456_789,
            rx_ns: 0,
            raised_after_ns: 1_000,
            worker: 1,
        },
        tuple: Some(FiveTuple {
            source: "192.0.2.1".parse().unwrap(),
            destination: "198.51.100.2".parse().unwrap(),
            source_port: 49_152,
            destination_port: 80,
            protocol: 6,
        }),
        packet: PacketFacts { wire_length: 99, payload_length: 5, vlan: [0; 2], port: 0 },
        flow: FlowFacts::default(),
        signature: SignatureFields {
            gid: 1,
            sid: u32::try_from(sequence).unwrap(),
            rev: 3,
            msg: "a test",
            category: "Misc activity",
            severity,
            action: Action::Alert,
        },
        payload: b"hello",
        payload_sha256: None,
        community_id: "1:zmqqF3YbXuKfrYGfMen4DTyXlQ8=",
        in_iface: "port0",
    }
}

/// The message with the alerts `sequences` of `sensor`, all of one severity.
pub(crate) fn batch(
    sensor: &str,
    severity: u8,
    sequences: impl IntoIterator<Item = u64>,
) -> Vec<u8> {
    let mut encoder = BatchEncoder::new("lab", sensor, "b1");
    encoder.begin(Buffer::default(), BATCH_BYTES_MAX);
    for sequence in sequences {
        encoder.push(&alert(sequence, severity)).unwrap();
    }
    encoder.finish(0, 1, 1).as_ref().to_vec()
}
