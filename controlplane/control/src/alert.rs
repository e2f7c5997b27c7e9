//! An alert as the control plane has it: read from a record, with its rule's text and community ID.
//!
//! [`AlertView`] borrows all of that from where it lies, and is what messages are built from. [`Alert`]
//! owns it, for outputs that keep an alert.

use std::sync::Arc;

use alert_schema::AlertFields;
use contract::record::{FlowFacts, PacketFacts, decode_tuple};
use contract::{FieldKind, FiveTuple, Header, Record};

use crate::community::{CommunityId, CommunityIds};
use crate::registry::{RegistryReader, SignatureText};

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Identity, times and flags.
    pub header: Header,
    /// The packet's addresses; none where it could not be decoded. Without them there is no flow either.
    pub tuple: Option<FiveTuple>,
    /// The packet's sizes and tags.
    pub packet: PacketFacts,
    /// The flow's state.
    pub flow: FlowFacts,
    /// The rule that matched.
    pub signature: Arc<SignatureText>,
    /// The packet's payload, perhaps cut.
    pub payload: Box<[u8]>,
    /// SHA-256 of the whole payload.
    pub payload_sha256: Option<[u8; 32]>,
    /// Name of the flow across tools; none without addresses.
    pub community_id: Option<CommunityId>,
    /// Name of the interface; empty where there is none.
    pub in_iface: Arc<str>,
}

/// One alert, borrowed from its record and its rule.
#[derive(Clone, Debug)]
pub struct AlertView<'a> {
    /// Identity, times and flags.
    pub header: Header,
    /// The packet's addresses; see [`Alert::tuple`].
    pub tuple: Option<FiveTuple>,
    /// The packet's sizes and tags.
    pub packet: PacketFacts,
    /// The flow's state.
    pub flow: FlowFacts,
    /// The rule that matched.
    pub signature: &'a Arc<SignatureText>,
    /// The packet's payload, perhaps cut.
    pub payload: &'a [u8],
    /// SHA-256 of the whole payload.
    pub payload_sha256: Option<&'a [u8; 32]>,
    /// Name of the flow across tools; none without addresses.
    pub community_id: Option<CommunityId>,
    /// Name of the interface; empty where there is none.
    pub in_iface: &'a Arc<str>,
}

/// Turns records into alerts.
#[derive(Debug)]
pub struct Enricher {
    registry: RegistryReader,
    community_ids: CommunityIds,
    interfaces: Vec<Arc<str>>,
    unnamed: Arc<str>,
}

impl Enricher {
    /// An enricher that finds signatures by `registry` and names ports by `interfaces`, in the order of
    /// their index.
    #[must_use]
    pub fn new(registry: RegistryReader, interfaces: &[String]) -> Self {
        let interfaces = interfaces.iter().map(|name| Arc::from(name.as_str())).collect();
        let community_ids = CommunityIds::new();
        Self { registry, community_ids, interfaces, unnamed: Arc::from("") }
    }

    /// The alert that `record` tells of. `None` when its generation or signature is not live, or when it
    /// lacks the fields that every alert has, or those of its flow.
    pub fn alert<'a>(&'a mut self, record: &Record<'a>) -> Option<AlertView<'a>> {
        let header = record.header;
        let signature = self.registry.signature(header.generation, header.signature)?;
        let mut parts = Parts::default();
        for field in record.fields() {
            parts.take(field.kind, field.bytes);
        }
        let packet = parts.packet?;
        if parts.tuple.is_none() && (header.flow != 0 || parts.flow.is_some()) {
            return None;
        }
        let port = usize::from(packet.port);
        let direction = u64::from(header.flags & Header::TO_SERVER != 0);
        Some(AlertView {
            header,
            tuple: parts.tuple,
            packet,
            flow: parts.flow.unwrap_or_default(),
            signature,
            payload: parts.payload,
            payload_sha256: parts.payload_sha256,
            community_id: parts
                .tuple
                .map(|tuple| self.community_ids.of(&tuple, mix_flow(header.flow) ^ direction)),
            in_iface: self.interfaces.get(port).unwrap_or(&self.unnamed),
        })
    }

    /// Lets go of generations that are no longer live.
    pub fn refresh(&mut self) {
        self.registry.refresh();
    }
}

/// Spreads flow ids over all 64 bits: they may differ in few bits only (the finaliser of MurmurHash3).
pub(crate) const fn mix_flow(flow: u64) -> u64 {
    let mixed = (flow ^ (flow >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    mixed ^ (mixed >> 33)
}

/// The fields of a record, in whatever order they came.
#[derive(Default)]
struct Parts<'a> {
    tuple: Option<FiveTuple>,
    packet: Option<PacketFacts>,
    flow: Option<FlowFacts>,
    payload: &'a [u8],
    payload_sha256: Option<&'a [u8; 32]>,
}

impl<'a> Parts<'a> {
    fn take(&mut self, kind: Option<FieldKind>, bytes: &'a [u8]) {
        match kind {
            Some(FieldKind::Tuple) => self.tuple = decode_tuple(bytes),
            Some(FieldKind::Packet) => self.packet = PacketFacts::decode(bytes),
            Some(FieldKind::Flow) => self.flow = FlowFacts::decode(bytes),
            Some(FieldKind::Payload) => self.payload = bytes,
            Some(FieldKind::PayloadSha256) => self.payload_sha256 = bytes.try_into().ok(),
            None => {}
        }
    }
}

impl AlertView<'_> {
    /// The alert with all that it borrows.
    #[must_use]
    pub fn to_alert(&self) -> Alert {
        Alert {
            header: self.header,
            tuple: self.tuple,
            packet: self.packet,
            flow: self.flow,
            signature: Arc::clone(self.signature),
            payload: self.payload.into(),
            payload_sha256: self.payload_sha256.copied(),
            community_id: self.community_id,
            in_iface: Arc::clone(self.in_iface),
        }
    }

    /// The same for the alert message.
    #[must_use]
    pub fn fields(&self) -> AlertFields<'_> {
        AlertFields {
            header: self.header,
            tuple: self.tuple,
            packet: self.packet,
            flow: self.flow,
            signature: self.signature.fields(),
            payload: self.payload,
            payload_sha256: self.payload_sha256,
            community_id: self.community_id.as_ref().map_or("", CommunityId::as_str),
            in_iface: self.in_iface,
        }
    }
}
