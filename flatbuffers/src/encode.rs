//! Contract types to message bytes, through one builder that is kept.

use std::net::IpAddr;

use contract::record::Header;
use flatbuffers::{FlatBufferBuilder, Vector, WIPOffset};

use crate::fields::{AlertFields, SignatureFields};
use crate::{BATCH_BYTES_MAX, SCHEMA_VERSION, wire};

/// Upper bound of an alert's tables, vtables, vector heads and padding, without its text and payload.
const ALERT_FIXED_BYTES: usize = 512;
/// Upper bound of the batch's own table and padding, without its text.
const HEAD_FIXED_BYTES: usize = 256;

/// An alert did not get into the batch; the batch is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The batch has no room left: finish it and push again.
    #[error("the batch has no room left for this alert")]
    Full,
    /// The alert alone is larger than a batch may be.
    #[error("the alert alone is larger than a batch may be")]
    TooLarge,
}

/// Builds the batches of one lane, one after another, in a buffer that it keeps.
pub struct BatchEncoder {
    builder: FlatBufferBuilder<'static>,
    alerts: Vec<WIPOffset<wire::Alert<'static>>>,
    /// Upper bound of what the message needs so far.
    bytes: usize,
    bytes_max: usize,
    generations: (u32, u32),
    site: String,
    sensor: String,
    boot: String,
    lane: u16,
    sequence: u64,
}

impl BatchEncoder {
    /// An encoder for lane `lane` of a sensor. Messages stay within `bytes_max` bytes, at most
    /// [`BATCH_BYTES_MAX`]; a server's smaller `max_payload` goes here.
    #[must_use]
    pub fn new(site: &str, sensor: &str, boot: &str, lane: u16, bytes_max: usize) -> Self {
        let mut encoder = Self {
            builder: FlatBufferBuilder::with_capacity(BATCH_BYTES_MAX),
            alerts: Vec::new(),
            bytes: 0,
            bytes_max: bytes_max.min(BATCH_BYTES_MAX),
            generations: (u32::MAX, 0),
            site: site.to_owned(),
            sensor: sensor.to_owned(),
            boot: boot.to_owned(),
            lane,
            sequence: 0,
        };
        encoder.restart();
        encoder
    }

    fn restart(&mut self) {
        self.builder.reset();
        self.alerts.clear();
        self.generations = (u32::MAX, 0);
        self.bytes = HEAD_FIXED_BYTES + self.site.len() + self.sensor.len() + self.boot.len();
    }

    /// Alerts in the batch that is being built.
    #[must_use]
    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Whether the batch that is being built holds no alert.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Appends an alert.
    ///
    /// # Errors
    /// [`PushError::Full`] when it does not fit behind the others, [`PushError::TooLarge`] when it would
    /// not fit alone.
    pub fn push(&mut self, alert: &AlertFields<'_>) -> Result<(), PushError> {
        let needed = ALERT_FIXED_BYTES
            + alert.payload.len()
            + alert.signature.msg.len()
            + alert.signature.category.len()
            + alert.community_id.len()
            + alert.in_iface.len();
        if self.bytes + needed > self.bytes_max {
            return Err(if self.is_empty() { PushError::TooLarge } else { PushError::Full });
        }
        self.bytes += needed;
        let generation = alert.header.generation;
        self.generations = (self.generations.0.min(generation), self.generations.1.max(generation));
        let offset = write_alert(&mut self.builder, alert);
        self.alerts.push(offset);
        Ok(())
    }

    /// Closes the batch at the wall time `closed_ns` and hands its bytes to `read`, with its sequence
    /// number; the next push starts the next batch.
    pub fn finish<R>(&mut self, closed_ns: u64, read: impl FnOnce(u64, &[u8]) -> R) -> R {
        self.sequence += 1;
        let builder = &mut self.builder;
        let alerts = builder.create_vector(&self.alerts);
        let generations = if self.alerts.is_empty() { (0, 0) } else { self.generations };
        let args = wire::AlertBatchArgs {
            schema_version: SCHEMA_VERSION,
            site: Some(builder.create_string(&self.site)),
            sensor: Some(builder.create_string(&self.sensor)),
            boot: Some(builder.create_string(&self.boot)),
            lane: self.lane,
            sequence: self.sequence,
            generation_min: generations.0,
            generation_max: generations.1,
            closed_ns,
            alerts: Some(alerts),
        };
        let batch = wire::AlertBatch::create(builder, &args);
        wire::finish_alert_batch_buffer(builder, batch);
        let result = read(self.sequence, self.builder.finished_data());
        self.restart();
        result
    }
}

type Builder = FlatBufferBuilder<'static>;

fn write_alert(builder: &mut Builder, alert: &AlertFields<'_>) -> WIPOffset<wire::Alert<'static>> {
    let signature = write_signature(builder, &alert.signature);
    let header = &alert.header;
    let flow = wire::Flow::create(
        builder,
        &wire::FlowArgs {
            id: header.flow,
            packets_to_server: alert.flow.packets_to_server,
            packets_to_client: alert.flow.packets_to_client,
            bytes_to_server: alert.flow.bytes_to_server,
            bytes_to_client: alert.flow.bytes_to_client,
            start_ns: alert.flow.start_wall_ns,
        },
    );
    let args = wire::AlertArgs {
        worker: header.worker,
        sequence: header.sequence,
        generation: header.generation,
        packet_ns: header.wall_ns,
        raised_after_ns: header.raised_after_ns,
        signature: Some(signature),
        source: Some(write_address(builder, alert.tuple.source)),
        destination: Some(write_address(builder, alert.tuple.destination)),
        source_port: alert.tuple.source_port,
        destination_port: alert.tuple.destination_port,
        protocol: alert.tuple.protocol,
        vlan: write_vlan(builder, alert.packet.vlan),
        community_id: shared(builder, alert.community_id),
        to_server: header.flags & Header::TO_SERVER != 0,
        flow: Some(flow),
        packet_number: header.packet,
        wire_length: alert.packet.wire_length,
        payload_size: alert.packet.payload_length,
        payload: Some(builder.create_vector(alert.payload)),
        payload_sha256: alert.payload_sha256.map(|digest| builder.create_vector(digest)),
        cut: header.flags & Header::CUT != 0,
        port: alert.packet.port,
        in_iface: shared(builder, alert.in_iface),
    };
    wire::Alert::create(builder, &args)
}

fn write_signature(
    builder: &mut Builder,
    signature: &SignatureFields<'_>,
) -> WIPOffset<wire::Signature<'static>> {
    let args = wire::SignatureArgs {
        gid: signature.gid,
        sid: signature.sid,
        rev: signature.rev,
        msg: shared(builder, signature.msg),
        category: shared(builder, signature.category),
        severity: signature.severity,
        action: signature.action,
    };
    wire::Signature::create(builder, &args)
}

/// Alerts of a batch repeat rules, flows and interfaces, so that their text is stored once.
fn shared(builder: &mut Builder, text: &str) -> Option<WIPOffset<&'static str>> {
    (!text.is_empty()).then(|| builder.create_shared_string(text))
}

fn write_address(builder: &mut Builder, address: IpAddr) -> WIPOffset<Vector<'static, u8>> {
    match address {
        IpAddr::V4(v4) => builder.create_vector(&v4.octets()),
        IpAddr::V6(v6) => builder.create_vector(&v6.octets()),
    }
}

fn write_vlan(builder: &mut Builder, vlan: [u16; 2]) -> Option<WIPOffset<Vector<'static, u16>>> {
    let tags = vlan.iter().take_while(|tag| **tag != 0).count();
    (tags > 0).then(|| builder.create_vector(&vlan[..tags]))
}
