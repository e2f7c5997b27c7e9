//! Alerts and records that the benchmarks carry: generated, the same at every run.
//!
//! What the control plane's types are made of is written down here and nowhere else in the benchmarks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use alert_schema::{AlertFields, BATCH_BYTES_MAX, BatchEncoder, Buffer, Encoded, PushError};
use contract::record::{
    FlowFacts, Header, PacketFacts, RECORD_SLOTS_MAX, SLOT_BYTES, encode_tuple,
};
use contract::{FieldKind, FiveTuple, Kind, RecordBuilder, Slot};
use control::{Alert, CommunityId, SignatureText};
use testkit::Rng;

use crate::workload::content_rules;

/// Bytes of an alert's payload: the text of a request.
pub const PAYLOAD_BYTES: usize = 200;
/// Rules that raise them.
const RULES: usize = 50;
/// Flows that they belong to.
const FLOWS: u64 = 1_000;

/// `count` alerts of a few dozen rules in a thousand flows.
#[must_use]
pub fn alerts(count: usize) -> Vec<Alert> {
    let signatures: Vec<_> =
        content_rules(RULES).iter().map(|rule| Arc::new(SignatureText::of(rule))).collect();
    let in_iface: Arc<str> = Arc::from("0000:01:00.0");
    let mut rng = Rng::new(77);
    let alert = |number: u64| {
        let index = rng.below(signatures.len());
        let (header, tuple, packet, flow) = facts(number, index as u32);
        Alert {
            header,
            tuple: Some(tuple),
            packet,
            flow,
            signature: Arc::clone(&signatures[index]),
            payload: rng.bytes(PAYLOAD_BYTES).into(),
            payload_sha256: Some([0xA5; 32]),
            community_id: Some(CommunityId::of(&tuple)),
            in_iface: Arc::clone(&in_iface),
        }
    };
    (1..=count as u64).map(alert).collect()
}

/// Builds messages one after another in one buffer, as the control plane does.
pub struct Messages {
    encoder: BatchEncoder,
    sequence: u64,
}

impl Default for Messages {
    fn default() -> Self {
        let mut encoder = BatchEncoder::new("site", "sensor", "boot");
        encoder.begin(Buffer::with_capacity(BATCH_BYTES_MAX), BATCH_BYTES_MAX);
        Self { encoder, sequence: 0 }
    }
}

impl Messages {
    /// Appends an alert to the open message.
    ///
    /// # Errors
    /// It is full.
    pub fn push(&mut self, alert: &Alert) -> Result<(), PushError> {
        self.encoder.push(&fields(alert))
    }

    /// Closes the open message, which `read` sees, and opens the next one in its buffer.
    pub fn finish<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.sequence += 1;
        let message: Encoded = self.encoder.finish(0, self.sequence, 1);
        let result = read(message.as_ref());
        self.encoder.begin(message.recycle(), BATCH_BYTES_MAX);
        result
    }

    /// The message of `alerts`, which have to fit one.
    ///
    /// # Panics
    /// They do not.
    pub fn of<R>(&mut self, alerts: &[Alert], read: impl FnOnce(&[u8]) -> R) -> R {
        for alert in alerts {
            assert_eq!(self.push(alert), Ok(()), "{} alerts are too many", alerts.len());
        }
        self.finish(read)
    }
}

fn fields(alert: &Alert) -> AlertFields<'_> {
    AlertFields {
        header: alert.header,
        tuple: alert.tuple,
        packet: alert.packet,
        flow: alert.flow,
        signature: alert.signature.fields(),
        payload: &alert.payload,
        payload_sha256: alert.payload_sha256.as_ref(),
        community_id: alert.community_id.as_ref().map_or("", CommunityId::as_str),
        in_iface: &alert.in_iface,
    }
}

/// Writes the record of alert `number` into `slots`, as a worker does; its slots.
pub fn write_record<'s>(slots: &'s mut [Slot], number: u64, payload: &[u8]) -> &'s [Slot] {
    let (header, tuple, packet, flow) = facts(number, 0);
    let mut record = RecordBuilder::new(slots);
    record
        .field(FieldKind::Tuple, &encode_tuple(&tuple))
        .field(FieldKind::Packet, &packet.encode())
        .field(FieldKind::Flow, &flow.encode())
        .field(FieldKind::PayloadSha256, &[0xA5; 32])
        .field(FieldKind::Payload, payload);
    record.finish(header)
}

/// Room for any record.
#[must_use]
pub fn record_slots() -> Box<[Slot]> {
    vec![[0; SLOT_BYTES]; RECORD_SLOTS_MAX].into_boxed_slice()
}

fn facts(number: u64, signature: u32) -> (Header, FiveTuple, PacketFacts, FlowFacts) {
    let flow = number % FLOWS;
    let header = Header {
        kind: Kind::Alert,
        flags: Header::TO_SERVER,
        length: 0,
        generation: 1,
        signature,
        flow,
        sequence: number,
        packet: 10 * number,
        wall_ns: 1_790_000_000_000_000_000 + number * 20_000,
        rx_ns: number * 20_000,
        raised_after_ns: 2_500,
        worker: 0,
    };
    let tuple = FiveTuple {
        source: Ipv4Addr::new(10, 0, (flow >> 8) as u8, flow as u8).into(),
        destination: Ipv4Addr::new(192, 0, 2, 80).into(),
        source_port: 40_000 + flow as u16,
        destination_port: 80,
        protocol: 6,
    };
    let packet = PacketFacts {
        wire_length: 254,
        payload_length: PAYLOAD_BYTES as u32,
        vlan: [0, 0],
        port: 0,
    };
    let flow = FlowFacts {
        packets_to_server: 12,
        packets_to_client: 10,
        bytes_to_server: 4_321,
        bytes_to_client: 54_321,
        start_wall_ns: 1_790_000_000_000_000_000,
    };
    (header, tuple, packet, flow)
}

#[cfg(test)]
mod tests {
    use contract::{FieldKind, Record};

    use super::{alerts, record_slots, write_record};

    #[test]
    fn alerts_and_records_are_whole() {
        let (one, other) = (alerts(100), alerts(100));
        assert_eq!(one, other);
        assert_eq!(one[99].header.sequence, 100);
        let mut slots = record_slots();
        let record = Record::decode(write_record(&mut slots, 7, b"payload")).unwrap();
        assert_eq!(record.header.sequence, 7);
        assert_eq!(record.get(FieldKind::Payload), Some(b"payload".as_slice()));
    }
}
