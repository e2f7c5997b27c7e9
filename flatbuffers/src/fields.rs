//! An alert and a batch as plain values that borrow their text and bytes.

use contract::FiveTuple;
use contract::record::{FlowFacts, Header, PacketFacts};

use crate::Action;

/// What the rule that matched says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureFields<'a> {
    /// Generator identifier.
    pub gid: u32,
    /// Signature identifier.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message.
    pub msg: &'a str,
    /// Description of the classification; empty where there is none.
    pub category: &'a str,
    /// Priority, 1 (highest) to 255.
    pub severity: u8,
    /// What the rule asked for. A later version of the schema may have values without a name here.
    pub action: Action,
}

/// One alert.
///
/// Of the header, `kind`, `length` and `signature` have no place in the message: they read back as
/// [`contract::Kind::Alert`], 0 and 0; `rx_ns` is monotonic, means nothing elsewhere, and reads as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertFields<'a> {
    /// Identity, times and flags.
    pub header: Header,
    /// Addresses of the packet, both of one family; none where it could not be decoded. There is no flow then:
    /// `flow`, `header.flow` and the direction read as 0.
    pub tuple: Option<FiveTuple>,
    /// Sizes and tags of the packet.
    pub packet: PacketFacts,
    /// State of the flow.
    pub flow: FlowFacts,
    /// The rule.
    pub signature: SignatureFields<'a>,
    /// The packet's payload, perhaps cut.
    pub payload: &'a [u8],
    /// SHA-256 of the whole payload.
    pub payload_sha256: Option<&'a [u8; 32]>,
    /// Community ID version 1; empty where there is none.
    pub community_id: &'a str,
    /// Name of the interface; empty where there is none.
    pub in_iface: &'a str,
}

/// What a batch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHead<'a> {
    /// Version of the schema that the writer knew.
    pub schema_version: u16,
    /// Site of the sensor.
    pub site: &'a str,
    /// Name of the sensor.
    pub sensor: &'a str,
    /// Start of the sensor process.
    pub boot: &'a str,
    /// Lane that carries the batch.
    pub lane: u16,
    /// From 1, without gaps, for each (sensor, boot, lane).
    pub sequence: u64,
    /// Lowest and highest rule-set generation of the alerts.
    pub generations: (u32, u32),
    /// Wall time at which the batch was closed, nanoseconds since 1970.
    pub closed_ns: u64,
}
