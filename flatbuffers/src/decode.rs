//! Message bytes to contract types. The bytes are not trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use contract::record::{FlowFacts, Header, PacketFacts};
use contract::{FiveTuple, Kind};
use flatbuffers::{InvalidFlatbuffer, Vector, VerifierOptions};

use crate::fields::{AlertFields, BatchHead, SignatureFields};
use crate::{BATCH_BYTES_MAX, wire};

/// Why bytes are not an alert message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`BATCH_BYTES_MAX`].
    #[error("{0} bytes are more than a message may have")]
    TooLong(usize),
    /// The file identifier is not that of an alert message.
    #[error("the file identifier is not SGA1")]
    Identifier,
    /// Not a valid flatbuffer of this schema.
    #[error("not a valid flatbuffer: {0}")]
    Invalid(String),
    /// A field has a value that it cannot have.
    #[error("alert {index}: {what}")]
    Field {
        /// Place of the alert in its batch, from 0.
        index: usize,
        /// What is wrong.
        what: &'static str,
    },
}

impl From<InvalidFlatbuffer> for DecodeError {
    fn from(error: InvalidFlatbuffer) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A verified message.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a>(wire::AlertBatch<'a>);

impl<'a> Batch<'a> {
    /// Verifies `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] when they are not an alert message, or a damaged one.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(DecodeError::TooLong(bytes.len()));
        }
        // The identifier's accessor indexes without a check of its own.
        if bytes.len() < 8 || !wire::alert_batch_buffer_has_identifier(bytes) {
            return Err(DecodeError::Identifier);
        }
        // The smallest alert takes more than 32 bytes of a message, and has three tables. What shared
        // strings unfold to is bounded by the same number of tables.
        let options = VerifierOptions {
            max_depth: 4,
            max_tables: 1 + 3 * BATCH_BYTES_MAX / 32,
            max_apparent_size: 1 << 28,
            ..VerifierOptions::default()
        };
        Ok(Self(wire::root_as_alert_batch_with_opts(&options, bytes)?))
    }

    /// What the batch says of itself.
    #[must_use]
    pub fn head(&self) -> BatchHead<'a> {
        let batch = &self.0;
        BatchHead {
            schema_version: batch.schema_version(),
            site: batch.site().unwrap_or_default(),
            sensor: batch.sensor().unwrap_or_default(),
            boot: batch.boot().unwrap_or_default(),
            lane: batch.lane(),
            sequence: batch.sequence(),
            generations: (batch.generation_min(), batch.generation_max()),
            closed_ns: batch.closed_ns(),
        }
    }

    /// Number of alerts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.alerts().map_or(0, |alerts| alerts.len())
    }

    /// Whether there is no alert.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The alerts in order; [`DecodeError::Field`] for one whose fields cannot be.
    pub fn alerts(&self) -> impl Iterator<Item = Result<AlertFields<'a>, DecodeError>> + use<'a> {
        let alerts = self.0.alerts().into_iter().flatten();
        alerts.enumerate().map(|(index, alert)| {
            read_alert(alert).map_err(|what| DecodeError::Field { index, what })
        })
    }
}

fn read_alert(alert: wire::Alert<'_>) -> Result<AlertFields<'_>, &'static str> {
    let tuple = if alert.undecoded() { None } else { Some(read_tuple(&alert)?) };
    let digest = alert.payload_sha256().map(|digest| digest.bytes().try_into());
    Ok(AlertFields {
        header: read_header(&alert),
        tuple,
        packet: PacketFacts {
            wire_length: alert.wire_length(),
            payload_length: alert.payload_size(),
            vlan: read_vlan(alert.vlan()),
            port: alert.port(),
        },
        flow: read_flow(alert.flow()),
        signature: read_signature(alert.signature().ok_or("no signature")?),
        payload: alert.payload().map_or(&[], |payload| payload.bytes()),
        payload_sha256: digest.transpose().map_err(|_| "a digest that is not 32 bytes")?,
        community_id: alert.community_id().unwrap_or_default(),
        in_iface: alert.in_iface().unwrap_or_default(),
    })
}

fn read_tuple(alert: &wire::Alert<'_>) -> Result<FiveTuple, &'static str> {
    let tuple = FiveTuple {
        source: read_address(alert.source())?,
        destination: read_address(alert.destination())?,
        source_port: alert.source_port(),
        destination_port: alert.destination_port(),
        protocol: alert.protocol(),
    };
    if tuple.source.is_ipv4() != tuple.destination.is_ipv4() {
        return Err("source and destination are of two families");
    }
    Ok(tuple)
}

fn read_header(alert: &wire::Alert<'_>) -> Header {
    let to_server = if alert.to_server() { Header::TO_SERVER } else { 0 };
    let cut = if alert.cut() { Header::CUT } else { 0 };
    Header {
        kind: Kind::Alert,
        flags: to_server | cut,
        length: 0,
        generation: alert.generation(),
        signature: 0,
        flow: alert.flow().map_or(0, |flow| flow.id()),
        sequence: alert.sequence(),
        packet: alert.packet_number(),
        wall_ns: alert.packet_ns(),
        rx_ns: 0,
        raised_after_ns: alert.raised_after_ns(),
        worker: alert.worker(),
    }
}

fn read_signature(signature: wire::Signature<'_>) -> SignatureFields<'_> {
    SignatureFields {
        gid: signature.gid(),
        sid: signature.sid(),
        rev: signature.rev(),
        msg: signature.msg().unwrap_or_default(),
        category: signature.category().unwrap_or_default(),
        severity: signature.severity(),
        action: signature.action(),
    }
}

fn read_flow(flow: Option<wire::Flow<'_>>) -> FlowFacts {
    flow.map_or_else(FlowFacts::default, |flow| FlowFacts {
        packets_to_server: flow.packets_to_server(),
        packets_to_client: flow.packets_to_client(),
        bytes_to_server: flow.bytes_to_server(),
        bytes_to_client: flow.bytes_to_client(),
        start_wall_ns: flow.start_ns(),
    })
}

fn read_address(address: Option<Vector<'_, u8>>) -> Result<IpAddr, &'static str> {
    let bytes = address.map_or(&[][..], |address| address.bytes());
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ok(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(bytes).map_err(|_| "an address of neither 4 nor 16 bytes")?;
    Ok(Ipv6Addr::from(v6).into())
}

fn read_vlan(vlan: Option<Vector<'_, u16>>) -> [u16; 2] {
    let mut tags = vlan.into_iter().flatten();
    [tags.next().unwrap_or(0), tags.next().unwrap_or(0)]
}
