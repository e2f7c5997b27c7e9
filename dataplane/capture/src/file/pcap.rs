//! Classic pcap (draft-ietf-opsawg-pcap).

use contract::LinkType;

use super::bytes::Order;
use super::{FRAME_BYTES_MAX, Found, Step};

/// Bytes of the file header (section 4 of the draft).
const FILE_HEADER_BYTES: usize = 24;
/// Bytes of a packet record's header (section 5).
const RECORD_HEADER_BYTES: usize = 16;
const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;

/// What the file header says of all records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    nanoseconds_per_unit: u64,
    link: LinkType,
}

impl Pcap {
    /// Reads the file header; with it, its size.
    pub(super) fn parse(head: &[u8]) -> Result<(Self, usize), &'static str> {
        const UNKNOWN: &str = "the first four bytes are of no known format";
        let (order, nanoseconds_per_unit) = [Order::Little, Order::Big]
            .into_iter()
            .find_map(|order| match order.u32(head, 0)? {
                MAGIC_MICROSECONDS => Some((order, 1_000)),
                MAGIC_NANOSECONDS => Some((order, 1)),
                _ => None,
            })
            .ok_or(if head.is_empty() { "it is empty" } else { UNKNOWN })?;
        // The upper bits of the last word tell the length of the frame check sequence.
        let link = match head.get(..FILE_HEADER_BYTES).and_then(|head| order.u32(head, 20)) {
            Some(word) => LinkType(word as u16),
            None => return Err("its header is cut"),
        };
        match order.u16(head, 4) {
            Some(2) => Ok((Self { order, nanoseconds_per_unit, link }, FILE_HEADER_BYTES)),
            _ => Err("its version is not 2"),
        }
    }

    #[inline]
    pub(super) fn step(&self, bytes: &[u8]) -> Step {
        let word = |at| self.order.u32(bytes, at);
        let (Some(seconds), Some(fraction), Some(captured), Some(wire_length)) =
            (word(0), word(4), word(8), word(12))
        else {
            return Step::More { needed: RECORD_HEADER_BYTES };
        };
        let length = captured as usize;
        if length > FRAME_BYTES_MAX {
            return Step::Bad("a packet claims to be longer than any capture is");
        }
        let size = RECORD_HEADER_BYTES + length;
        if bytes.len() < size {
            return Step::More { needed: size };
        }
        let time =
            u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.nanoseconds_per_unit;
        let found = Found { timestamp_ns: Some(time), wire_length, link: self.link, interface: 0 };
        Step::Frame { size, start: RECORD_HEADER_BYTES, length, found }
    }
}
