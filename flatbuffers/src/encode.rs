//! Contract types to message bytes, built once and where they are sent from.

use std::net::{IpAddr, Ipv4Addr};

use contract::FiveTuple;
use contract::record::Header;
use flatbuffers::{Vector, WIPOffset};

use crate::buffer::{Buffer, Encoded};
use crate::fields::AlertFields;
use crate::shared::{Builder, Shared};
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

/// Builds the batches of one sensor, one after another, each in a buffer of its own.
pub struct BatchEncoder {
    builder: Builder,
    alerts: Vec<WIPOffset<wire::Alert<'static>>>,
    shared: Shared,
    bytes_max: usize,
    generations: (u32, u32),
    site: String,
    sensor: String,
    boot: String,
}

impl BatchEncoder {
    /// An encoder for a sensor. [`BatchEncoder::begin`] comes before the first alert.
    #[must_use]
    pub fn new(site: &str, sensor: &str, boot: &str) -> Self {
        Self {
            builder: Builder::new(),
            alerts: Vec::new(),
            shared: Shared::new(),
            bytes_max: 0,
            generations: (u32::MAX, 0),
            site: site.to_owned(),
            sensor: sensor.to_owned(),
            boot: boot.to_owned(),
        }
    }

    /// Starts a batch in `buffer`; one that was open is forgotten. The message stays within `bytes_max`
    /// bytes, at most [`BATCH_BYTES_MAX`]; a server's smaller `max_payload` goes here.
    pub fn begin(&mut self, buffer: Buffer, bytes_max: usize) {
        self.builder = Builder::from_vec(buffer.into_inner());
        self.alerts.clear();
        self.shared.clear();
        self.bytes_max = bytes_max.min(BATCH_BYTES_MAX);
        self.generations = (u32::MAX, 0);
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
        if self.bytes() + needed > self.bytes_max {
            return Err(if self.is_empty() { PushError::TooLarge } else { PushError::Full });
        }
        let generation = alert.header.generation;
        self.generations = (self.generations.0.min(generation), self.generations.1.max(generation));
        let offset = write_alert(&mut self.builder, &mut self.shared, alert);
        self.alerts.push(offset);
        Ok(())
    }

    /// Upper bound of the message if it were closed now.
    fn bytes(&self) -> usize {
        let names = self.site.len() + self.sensor.len() + self.boot.len();
        let offsets = self.alerts.len() * size_of::<flatbuffers::UOffsetT>();
        HEAD_FIXED_BYTES + names + offsets + self.builder.unfinished_data().len()
    }

    /// Closes the batch at the wall time `closed_ns` as number `sequence` of lane `lane`.
    pub fn finish(&mut self, lane: u16, sequence: u64, closed_ns: u64) -> Encoded {
        let mut builder = std::mem::take(&mut self.builder);
        let alerts = builder.create_vector(&self.alerts);
        let generations = if self.alerts.is_empty() { (0, 0) } else { self.generations };
        self.alerts.clear();
        let args = wire::AlertBatchArgs {
            schema_version: SCHEMA_VERSION,
            site: Some(builder.create_string(&self.site)),
            sensor: Some(builder.create_string(&self.sensor)),
            boot: Some(builder.create_string(&self.boot)),
            lane,
            sequence,
            generation_min: generations.0,
            generation_max: generations.1,
            closed_ns,
            alerts: Some(alerts),
        };
        let batch = wire::AlertBatch::create(&mut builder, &args);
        wire::finish_alert_batch_buffer(&mut builder, batch);
        Encoded::new(builder.collapse())
    }
}

fn write_alert(
    builder: &mut Builder,
    shared: &mut Shared,
    alert: &AlertFields<'_>,
) -> WIPOffset<wire::Alert<'static>> {
    let signature = shared.signature(builder, &alert.signature);
    let header = &alert.header;
    let flow = alert.tuple.map(|_| write_flow(builder, alert));
    // A reader of version 1 wants two addresses.
    let tuple = alert.tuple.unwrap_or(NO_TUPLE);
    let args = wire::AlertArgs {
        worker: header.worker,
        sequence: header.sequence,
        generation: header.generation,
        packet_ns: header.wall_ns,
        raised_after_ns: header.raised_after_ns,
        signature: Some(signature),
        source: Some(write_address(builder, tuple.source)),
        destination: Some(write_address(builder, tuple.destination)),
        source_port: tuple.source_port,
        destination_port: tuple.destination_port,
        protocol: tuple.protocol,
        vlan: write_vlan(builder, alert.packet.vlan),
        community_id: shared.text(builder, alert.community_id),
        to_server: header.flags & Header::TO_SERVER != 0,
        flow,
        packet_number: header.packet,
        wire_length: alert.packet.wire_length,
        payload_size: alert.packet.payload_length,
        payload: Some(builder.create_vector(alert.payload)),
        payload_sha256: alert.payload_sha256.map(|digest| builder.create_vector(digest)),
        cut: header.flags & Header::CUT != 0,
        port: alert.packet.port,
        in_iface: shared.text(builder, alert.in_iface),
        undecoded: alert.tuple.is_none(),
    };
    wire::Alert::create(builder, &args)
}

/// In the place of addresses that there are not.
const NO_TUPLE: FiveTuple = FiveTuple {
    source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    source_port: 0,
    destination_port: 0,
    protocol: 0,
};

fn write_flow(builder: &mut Builder, alert: &AlertFields<'_>) -> WIPOffset<wire::Flow<'static>> {
    let flow = &alert.flow;
    let args = wire::FlowArgs {
        id: alert.header.flow,
        packets_to_server: flow.packets_to_server,
        packets_to_client: flow.packets_to_client,
        bytes_to_server: flow.bytes_to_server,
        bytes_to_client: flow.bytes_to_client,
        start_ns: flow.start_wall_ns,
    };
    wire::Flow::create(builder, &args)
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
