//! What is delivered of a segment: a file beside it, of entries that are only ever appended.
//!
//! An entry that is lost or damaged makes its record be sent again, which the stream drops by the id.

use std::collections::HashMap;

/// Bytes of an entry: record number, alerts, checksum.
pub(super) const ENTRY_BYTES: usize = 16;

/// Puts an entry behind `into`. `nonce` is the segment's.
pub(super) fn encode(number: u64, alerts: u32, nonce: u32, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(&number.to_le_bytes());
    into.extend_from_slice(&alerts.to_le_bytes());
    let checksum = crc32c::crc32c_append(nonce, &into[start..]);
    into.extend_from_slice(&checksum.to_le_bytes());
}

/// The records that are delivered, with their alerts.
pub(super) fn decode(bytes: &[u8], nonce: u32) -> HashMap<u64, u32> {
    bytes
        .as_chunks::<ENTRY_BYTES>()
        .0
        .iter()
        .filter_map(|entry| decode_entry(entry, nonce))
        .collect()
}

fn decode_entry(entry: &[u8; ENTRY_BYTES], nonce: u32) -> Option<(u64, u32)> {
    let (number, rest) = entry.split_first_chunk()?;
    let (alerts, rest) = rest.split_first_chunk()?;
    let checksum = u32::from_le_bytes(*rest.first_chunk()?);
    let holds = crc32c::crc32c_append(nonce, &entry[..ENTRY_BYTES - 4]) == checksum;
    holds.then(|| (u64::from_le_bytes(*number), u32::from_le_bytes(*alerts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_entries_are_left_out() {
        let mut bytes = Vec::new();
        for number in 0..4 {
            encode(number, 10, 5, &mut bytes);
        }
        bytes[ENTRY_BYTES] ^= 1;
        bytes.truncate(4 * ENTRY_BYTES - 1);
        assert_eq!(decode(&bytes, 5), HashMap::from([(0, 10), (2, 10)]));
        assert!(decode(&bytes, 6).is_empty());
    }
}
