//! Records: what a worker tells the control plane, in 64-byte slots.
//!
//! A record is one header slot and as many payload slots as its fields need. A field is an 8-byte
//! head (kind `u16`, zero `u16`, length `u32`, little endian) and its bytes, padded to a multiple of 8.
//! A record is at most [`RECORD_SLOTS_MAX`] slots; what does not fit is cut and [`Header::CUT`] is set.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::tuple::FiveTuple;

/// The ring's unit.
pub type Slot = [u8; SLOT_BYTES];
/// Bytes of a slot: one cache line.
pub const SLOT_BYTES: usize = 64;
/// Largest record, header included: 64 KiB.
pub const RECORD_SLOTS_MAX: usize = 1024;
/// Version of the layout.
pub const VERSION: u8 = 1;
const FIELD_HEAD: usize = 8;

/// The rings of a worker; a flood in one drops nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    /// Alerts.
    Alerts,
    /// Logs: flow, http, dns …
    Logs,
    /// Bulk: stored files.
    Bulk,
}

impl Lane {
    /// Every lane, in the order of its index.
    pub const ALL: [Self; 3] = [Self::Alerts, Self::Logs, Self::Bulk];
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A signature matched.
    Alert = 1,
    /// The worker has switched to `Header::generation`; nothing after it refers to an older one.
    Switch = 2,
}

/// The first slot of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the record says.
    pub kind: Kind,
    /// Bits: [`Header::CUT`], [`Header::TO_SERVER`].
    pub flags: u16,
    /// Bytes of the fields that follow, heads and padding included.
    pub length: u32,
    /// Rule-set generation that `signature` belongs to.
    pub generation: u32,
    /// Index of the signature in its generation.
    pub signature: u32,
    /// Flow identifier, unique within a boot.
    pub flow: u64,
    /// Sequence of the alert within (boot, worker), from 1, without gaps.
    pub sequence: u64,
    /// Number of the packet in its capture or at its worker, from 1; 0 for what was found at a flow's end.
    pub packet: u64,
    /// Wall time of the packet, nanoseconds since 1970.
    pub wall_ns: u64,
    /// Monotonic time at which the packet was received, nanoseconds.
    pub rx_ns: u64,
    /// Nanoseconds from `rx_ns` until the alert was raised, saturating.
    pub raised_after_ns: u32,
    /// The worker.
    pub worker: u16,
}

impl Header {
    /// The record is longer than the limit and was cut.
    pub const CUT: u16 = 1;
    /// The packet runs to the server (the side that did not open the flow).
    pub const TO_SERVER: u16 = 2;

    fn encode(&self, slot: &mut Slot) {
        slot[0] = self.kind as u8;
        slot[1] = VERSION;
        slot[2..4].copy_from_slice(&self.flags.to_le_bytes());
        slot[4..8].copy_from_slice(&self.length.to_le_bytes());
        slot[8..12].copy_from_slice(&self.generation.to_le_bytes());
        slot[12..16].copy_from_slice(&self.signature.to_le_bytes());
        slot[16..24].copy_from_slice(&self.flow.to_le_bytes());
        slot[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        slot[32..40].copy_from_slice(&self.packet.to_le_bytes());
        slot[40..48].copy_from_slice(&self.wall_ns.to_le_bytes());
        slot[48..56].copy_from_slice(&self.rx_ns.to_le_bytes());
        slot[56..60].copy_from_slice(&self.raised_after_ns.to_le_bytes());
        slot[60..62].copy_from_slice(&self.worker.to_le_bytes());
        slot[62..].fill(0);
    }

    /// Reads a header slot; `None` if the kind or the version is not known.
    #[must_use]
    pub fn decode(slot: &Slot) -> Option<Self> {
        let kind = match slot[0] {
            1 => Kind::Alert,
            2 => Kind::Switch,
            _ => return None,
        };
        if slot[1] != VERSION {
            return None;
        }
        Some(Self {
            kind,
            flags: u16_at(slot, 2),
            length: u32_at(slot, 4),
            generation: u32_at(slot, 8),
            signature: u32_at(slot, 12),
            flow: u64_at(slot, 16),
            sequence: u64_at(slot, 24),
            packet: u64_at(slot, 32),
            wall_ns: u64_at(slot, 40),
            rx_ns: u64_at(slot, 48),
            raised_after_ns: u32_at(slot, 56),
            worker: u16_at(slot, 60),
        })
    }

    /// Slots of the whole record, header included.
    #[must_use]
    pub const fn slots(&self) -> usize {
        1 + (self.length as usize).div_ceil(SLOT_BYTES)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum FieldKind {
    /// A [`FiveTuple`], see [`encode_tuple`].
    Tuple = 1,
    /// Bytes of the packet's payload.
    Payload = 2,
    /// SHA-256 of the whole payload, 32 bytes.
    PayloadSha256 = 3,
    /// A [`PacketFacts`].
    Packet = 4,
    /// A [`FlowFacts`].
    Flow = 5,
}

impl FieldKind {
    const fn of(value: u16) -> Option<Self> {
        match value {
            1 => Some(Self::Tuple),
            2 => Some(Self::Payload),
            3 => Some(Self::PayloadSha256),
            4 => Some(Self::Packet),
            5 => Some(Self::Flow),
            _ => None,
        }
    }
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// What it holds; `None` for a kind that this reader does not know.
    pub kind: Option<FieldKind>,
    /// Its bytes, without padding.
    pub bytes: &'a [u8],
}

/// Sizes and tags of the packet that raised an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketFacts {
    /// Bytes on the wire.
    pub wire_length: u32,
    /// Bytes of the payload, before any cut.
    pub payload_length: u32,
    /// VLAN identifiers from the outside in; 0 where there is none.
    pub vlan: [u16; 2],
    /// Port (interface) index of the source that received it.
    pub port: u16,
}

impl PacketFacts {
    /// Bytes of the encoded form.
    pub const BYTES: usize = 16;

    /// The field's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0..4].copy_from_slice(&self.wire_length.to_le_bytes());
        out[4..8].copy_from_slice(&self.payload_length.to_le_bytes());
        out[8..10].copy_from_slice(&self.vlan[0].to_le_bytes());
        out[10..12].copy_from_slice(&self.vlan[1].to_le_bytes());
        out[12..14].copy_from_slice(&self.port.to_le_bytes());
        out
    }

    /// Reads the field's bytes; `None` if they are too short.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::BYTES).then(|| Self {
            wire_length: u32_at(bytes, 0),
            payload_length: u32_at(bytes, 4),
            vlan: [u16_at(bytes, 8), u16_at(bytes, 10)],
            port: u16_at(bytes, 12),
        })
    }
}

/// State of the flow when an alert was raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowFacts {
    /// Packets from client to server.
    pub packets_to_server: u64,
    /// Packets from server to client.
    pub packets_to_client: u64,
    /// Bytes from client to server.
    pub bytes_to_server: u64,
    /// Bytes from server to client.
    pub bytes_to_client: u64,
    /// Wall time of the flow's first packet, nanoseconds since 1970.
    pub start_wall_ns: u64,
}

impl FlowFacts {
    /// Bytes of the encoded form.
    pub const BYTES: usize = 40;

    /// The field's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0..8].copy_from_slice(&self.packets_to_server.to_le_bytes());
        out[8..16].copy_from_slice(&self.packets_to_client.to_le_bytes());
        out[16..24].copy_from_slice(&self.bytes_to_server.to_le_bytes());
        out[24..32].copy_from_slice(&self.bytes_to_client.to_le_bytes());
        out[32..40].copy_from_slice(&self.start_wall_ns.to_le_bytes());
        out
    }

    /// Reads the field's bytes; `None` if they are too short.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::BYTES).then(|| Self {
            packets_to_server: u64_at(bytes, 0),
            packets_to_client: u64_at(bytes, 8),
            bytes_to_server: u64_at(bytes, 16),
            bytes_to_client: u64_at(bytes, 24),
            start_wall_ns: u64_at(bytes, 32),
        })
    }
}

/// Bytes of an encoded five-tuple.
pub const TUPLE_BYTES: usize = 38;

/// Encodes a five-tuple: two addresses of 16 bytes (IPv4 in the first 4), ports, protocol, version.
#[must_use]
pub fn encode_tuple(tuple: &FiveTuple) -> [u8; TUPLE_BYTES] {
    let mut out = [0; TUPLE_BYTES];
    for (address, at) in [(tuple.source, 0), (tuple.destination, 16)] {
        match address {
            IpAddr::V4(v4) => out[at..at + 4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => out[at..at + 16].copy_from_slice(&v6.octets()),
        }
    }
    out[32..34].copy_from_slice(&tuple.source_port.to_le_bytes());
    out[34..36].copy_from_slice(&tuple.destination_port.to_le_bytes());
    out[36] = tuple.protocol;
    out[37] = if tuple.source.is_ipv4() { 4 } else { 6 };
    out
}

/// Reads an encoded five-tuple; `None` if it is too short or of another IP version.
#[must_use]
pub fn decode_tuple(bytes: &[u8]) -> Option<FiveTuple> {
    if bytes.len() < TUPLE_BYTES {
        return None;
    }
    let address = |at: usize| -> Option<IpAddr> {
        match bytes[37] {
            4 => <[u8; 4]>::try_from(&bytes[at..at + 4]).ok().map(|a| Ipv4Addr::from(a).into()),
            6 => <[u8; 16]>::try_from(&bytes[at..at + 16]).ok().map(|a| Ipv6Addr::from(a).into()),
            _ => None,
        }
    };
    Some(FiveTuple {
        source: address(0)?,
        destination: address(16)?,
        source_port: u16_at(bytes, 32),
        destination_port: u16_at(bytes, 34),
        protocol: bytes[36],
    })
}

/// Writes one record into slots that the caller keeps.
#[derive(Debug)]
pub struct RecordBuilder<'a> {
    slots: &'a mut [Slot],
    length: usize,
    cut: bool,
}

impl<'a> RecordBuilder<'a> {
    /// Starts a record. `slots` bounds its size, header included; at least one.
    ///
    /// # Panics
    /// If `slots` is empty.
    #[must_use]
    pub fn new(slots: &'a mut [Slot]) -> Self {
        assert!(!slots.is_empty(), "a record needs its header slot");
        Self { slots, length: 0, cut: false }
    }

    /// Appends a field. What has no room is left out and the record is marked as cut.
    pub fn field(&mut self, kind: FieldKind, bytes: &[u8]) -> &mut Self {
        let area = self.slots[1..].as_flattened_mut();
        let room = area.len() - self.length;
        if room < FIELD_HEAD {
            self.cut = true;
            return self;
        }
        let kept = bytes.len().min(room - FIELD_HEAD);
        self.cut |= kept < bytes.len();
        let area = &mut area[self.length..];
        area[0..2].copy_from_slice(&(kind as u16).to_le_bytes());
        area[2..4].fill(0);
        area[4..8].copy_from_slice(&(kept as u32).to_le_bytes());
        let padded = FIELD_HEAD + kept.next_multiple_of(8);
        area[FIELD_HEAD..FIELD_HEAD + kept].copy_from_slice(&bytes[..kept]);
        area[FIELD_HEAD + kept..padded].fill(0);
        self.length += padded;
        self
    }

    /// Whether a field was cut, or left out, for want of room.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Writes the header (its `length` and [`Header::CUT`] are set here); the record's slots.
    #[must_use]
    pub fn finish(self, mut header: Header) -> &'a [Slot] {
        header.length = self.length as u32;
        if self.cut {
            header.flags |= Header::CUT;
        }
        header.encode(&mut self.slots[0]);
        let used = header.slots();
        let tail = self.length % SLOT_BYTES;
        if tail > 0 {
            self.slots[used - 1][tail..].fill(0);
        }
        &self.slots[..used]
    }
}

/// A record as read from its slots.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The header.
    pub header: Header,
    area: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record from exactly its slots; `None` if they do not hold what the header says.
    #[must_use]
    pub fn decode(slots: &'a [Slot]) -> Option<Self> {
        let (first, rest) = slots.split_first()?;
        let header = Header::decode(first)?;
        let area = rest.as_flattened().get(..header.length as usize)?;
        Some(Self { header, area })
    }

    /// The fields in order. A field that runs over the end ends the list.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut area = self.area;
        core::iter::from_fn(move || {
            if area.len() < FIELD_HEAD {
                return None;
            }
            let kind = FieldKind::of(u16_at(area, 0));
            let length = u32_at(area, 4) as usize;
            let bytes = area[FIELD_HEAD..].get(..length)?;
            let padded = FIELD_HEAD + length.next_multiple_of(8);
            area = area.get(padded..).unwrap_or(&[]);
            Some(Field { kind, bytes })
        })
    }

    /// The bytes of the first field of `kind`.
    #[must_use]
    pub fn get(&self, kind: FieldKind) -> Option<&'a [u8]> {
        self.fields().find(|field| field.kind == Some(kind)).map(|field| field.bytes)
    }
}

#[cfg(test)]
mod tests;
