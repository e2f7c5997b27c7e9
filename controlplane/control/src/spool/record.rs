//! A record on disk: a header with checksums of itself and of the body, and the body.
//!
//! ```text
//! header, 64 bytes, little-endian                          body
//!  0 magic        24 wall ns          48 id bytes           boot, subject, id, payload,
//!  4 version      32 tag of the boot  50 zero               one behind the other
//!  6 lane         36 alerts           56 checksum of body
//!  8 number       40 payload bytes    60 checksum of 0..60
//! 16 alerts so far 44 boot bytes
//!                  46 subject bytes
//! ```
//!
//! Payloads hold bytes that an attacker has chosen. The checksum of a header begins with a number that
//! stands in the name of the segment and was drawn at random, so that nobody can send what would be taken
//! for a record when a damaged one is searched over.

use bytes::Bytes;

use crate::delivery::Outgoing;

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 64;
/// First bytes of a header.
pub(super) const MAGIC: [u8; 4] = *b"SGsp";
const VERSION: u16 = 1;
/// Where the checksum of the header stands.
const CHECKSUM_AT: usize = HEADER_BYTES - 4;
/// Payload bytes beyond which a header is not believed: far more than a batch has.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Number of the record, larger than those before it.
    pub(super) number: u64,
    /// Lane of the batch.
    pub(super) lane: u16,
    /// Alerts in the batch.
    pub(super) alerts: u32,
    /// Alerts in all records of this boot, this one included: what a damaged header in between held.
    pub(super) alerts_so_far: u64,
    /// When it was written, ns since 1970.
    pub(super) wall_ns: u64,
    /// Tells one boot from another.
    pub(super) boot_tag: u32,
    boot_bytes: u16,
    subject_bytes: u16,
    id_bytes: u16,
    payload_bytes: u32,
    body_checksum: u32,
}

/// What a body holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) subject: String,
    pub(super) id: String,
    pub(super) payload: Bytes,
}

/// What a record says beside its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    pub(super) number: u64,
    pub(super) boot: &'a str,
    pub(super) alerts_so_far: u64,
    pub(super) wall_ns: u64,
    /// Drawn for the segment.
    pub(super) nonce: u32,
}

impl Header {
    /// Bytes of the record.
    pub(super) fn record_bytes(&self) -> usize {
        let words = self.boot_bytes + self.subject_bytes + self.id_bytes;
        HEADER_BYTES + usize::from(words) + self.payload_bytes as usize
    }

    /// Reads a header; `None` if the bytes are none, or not of the segment of `nonce`.
    pub(super) fn decode(bytes: &[u8], nonce: u32) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let four = |at: usize| u32::from(two(at)) | u32::from(two(at + 2)) << 16;
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        let checksum = crc32c::crc32c_append(nonce, &bytes[..CHECKSUM_AT]);
        if bytes[..4] != MAGIC || two(4) != VERSION || four(CHECKSUM_AT) != checksum {
            return None;
        }
        let header = Self {
            number: eight(8),
            lane: two(6),
            alerts: four(36),
            alerts_so_far: eight(16),
            wall_ns: eight(24),
            boot_tag: four(32),
            boot_bytes: two(44),
            subject_bytes: two(46),
            id_bytes: two(48),
            payload_bytes: four(40),
            body_checksum: four(56),
        };
        let words = [header.boot_bytes, header.subject_bytes, header.id_bytes];
        let bounded = words.iter().all(|bytes| *bytes <= WORD_BYTES_MAX);
        (bounded && header.payload_bytes as usize <= PAYLOAD_BYTES_MAX).then_some(header)
    }

    fn encode(&self, nonce: u32, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&MAGIC);
        into.extend_from_slice(&VERSION.to_le_bytes());
        into.extend_from_slice(&self.lane.to_le_bytes());
        for eight in [self.number, self.alerts_so_far, self.wall_ns] {
            into.extend_from_slice(&eight.to_le_bytes());
        }
        for four in [self.boot_tag, self.alerts, self.payload_bytes] {
            into.extend_from_slice(&four.to_le_bytes());
        }
        for two in [self.boot_bytes, self.subject_bytes, self.id_bytes] {
            into.extend_from_slice(&two.to_le_bytes());
        }
        into.extend_from_slice(&[0; 6]);
        into.extend_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = crc32c::crc32c_append(nonce, &into[start..]);
        into.extend_from_slice(&checksum.to_le_bytes());
    }
}

/// Longest boot, subject or id; longer ones do not fit a record.
const WORD_BYTES_MAX: u16 = 4_096;

/// Puts all of a record but its payload behind `into`. `None` if the batch does not fit a record.
pub(super) fn encode(batch: &Outgoing, stamp: Stamp<'_>, into: &mut Vec<u8>) -> Option<Header> {
    let word = |text: &str| u16::try_from(text.len()).ok().filter(|bytes| *bytes <= WORD_BYTES_MAX);
    let words = [stamp.boot, &batch.subject, &batch.id];
    let checksum = words.iter().fold(0, |sum, word| crc32c::crc32c_append(sum, word.as_bytes()));
    let header = Header {
        number: stamp.number,
        lane: batch.lane,
        alerts: batch.alerts,
        alerts_so_far: stamp.alerts_so_far,
        wall_ns: stamp.wall_ns,
        boot_tag: boot_tag(stamp.boot),
        boot_bytes: word(stamp.boot)?,
        subject_bytes: word(&batch.subject)?,
        id_bytes: word(&batch.id)?,
        payload_bytes: u32::try_from(batch.payload.len())
            .ok()
            .filter(|bytes| *bytes as usize <= PAYLOAD_BYTES_MAX)?,
        body_checksum: crc32c::crc32c_append(checksum, &batch.payload),
    };
    header.encode(stamp.nonce, into);
    for word in words {
        into.extend_from_slice(word.as_bytes());
    }
    Some(header)
}

/// The tag of a boot.
pub(super) fn boot_tag(boot: &str) -> u32 {
    crc32c::crc32c(boot.as_bytes())
}

/// Reads a whole record, `bytes` long as its header says. `None` if anything of it is damaged.
pub(super) fn decode(bytes: &Bytes, nonce: u32) -> Option<(Header, Body)> {
    let header = Header::decode(bytes, nonce)?;
    if bytes.len() != header.record_bytes() {
        return None;
    }
    let body = bytes.slice(HEADER_BYTES..);
    if crc32c::crc32c(&body) != header.body_checksum {
        return None;
    }
    let subject_at = usize::from(header.boot_bytes);
    let id_at = subject_at + usize::from(header.subject_bytes);
    let payload_at = id_at + usize::from(header.id_bytes);
    let text = |range: std::ops::Range<usize>| String::from_utf8(body[range].to_vec()).ok();
    let (subject, id) = (text(subject_at..id_at)?, text(id_at..payload_at)?);
    Some((header, Body { subject, id, payload: body.slice(payload_at..) }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spool::testing::batch;
    use crate::tally::Tally;

    const STAMP: Stamp<'_> =
        Stamp { number: 7, boot: "b00t", alerts_so_far: 12, wall_ns: 99, nonce: 0xDEAD };

    fn record(payload: &[u8]) -> Vec<u8> {
        let batch = batch(&Tally::new(), 3, 2, payload);
        let mut bytes = Vec::new();
        encode(&batch, STAMP, &mut bytes).unwrap();
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = record(b"payload");
        let (header, body) = decode(&Bytes::from(bytes.clone()), STAMP.nonce).unwrap();
        assert_eq!((header.number, header.lane, header.alerts), (7, 3, 2));
        assert_eq!((header.alerts_so_far, header.wall_ns), (12, 99));
        assert_eq!(header.boot_tag, boot_tag("b00t"));
        assert_eq!(header.record_bytes(), bytes.len());
        assert_eq!(&body.payload[..], b"payload");
        assert!(body.subject.starts_with("sensor.") && !body.id.is_empty());
        assert!(decode(&bytes.into(), STAMP.nonce + 1).is_none(), "a header of another segment");
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_seen(payload in prop::collection::vec(any::<u8>(), 0..200), bit: usize) {
            let mut bytes = record(&payload);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&bytes.into(), STAMP.nonce).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), magic: bool) {
            let mut bytes = bytes;
            if magic && bytes.len() >= 4 {
                bytes[..4].copy_from_slice(&MAGIC);
            }
            prop_assert!(decode(&bytes.into(), 1).is_none());
        }
    }
}
