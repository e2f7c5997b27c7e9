//! `base64_decode`: encoded bytes to the buffer of `base64_data`.

use rules::hir::Base64;

use super::Program;

/// Encoded bytes that are decoded at most: those of the largest payload, as in the peer.
const ENCODED_BYTES_MAX: usize = u16::MAX as usize;

/// Bytes that can come out of it.
pub(super) const DECODED_BYTES_MAX: usize = ENCODED_BYTES_MAX.div_ceil(4) * 3;

/// A compiled `base64_decode` with the program of `base64_data`.
#[derive(Debug)]
pub(super) struct Base64Step {
    bytes_max: usize,
    offset: usize,
    relative: bool,
    /// The tests of what was decoded; `None` where there are none: then nothing matches.
    pub(super) data: Option<Program>,
}

impl Base64Step {
    /// The step of `decode`, whose tests compile to `data`.
    pub(super) fn new(decode: &Base64, data: Program) -> Self {
        let bytes_max = decode.bytes.map_or(ENCODED_BYTES_MAX, |bytes| bytes as usize);
        Self {
            bytes_max: bytes_max.min(ENCODED_BYTES_MAX),
            offset: decode.offset as usize,
            relative: decode.relative,
            data: (!decode.data.is_empty()).then_some(data),
        }
    }

    /// The bytes of `buffer` to decode.
    pub(super) fn encoded<'b>(&self, buffer: &'b [u8], position: usize) -> &'b [u8] {
        let base = if self.relative { position } else { 0 };
        let rest = base.checked_add(self.offset).and_then(|start| buffer.get(start..));
        let rest = rest.unwrap_or_default();
        rest.get(..self.bytes_max).unwrap_or(rest)
    }
}

/// Decodes `encoded` (RFC 4648 section 4) into `decoded`; returns the number of bytes.
///
/// As in the peer: `=` is a digit of 0 that takes a byte off its group of four, wherever it stands; decoding
/// ends at the first byte that is neither. Of a group that is not whole, as many bytes count as there are
/// digits, less one; but a single digit is one byte where another byte ended the decoding.
pub(super) fn decode(encoded: &[u8], decoded: &mut [u8]) -> usize {
    let (mut group, mut digits, mut padding, mut length) = (0_u32, 0, 0, 0);
    let mut put = |group: u32, bytes: usize| {
        let [_, group @ ..] = group.to_be_bytes();
        for byte in group.into_iter().take(bytes) {
            if let Some(slot) = decoded.get_mut(length) {
                *slot = byte;
                length += 1;
            }
        }
    };
    let mut ended = false;
    for byte in encoded {
        let Some(digit) = digit(*byte) else {
            ended = true;
            break;
        };
        padding += usize::from(*byte == b'=');
        (group, digits) = (group << 6 | digit, digits + 1);
        if digits == GROUP_DIGITS {
            put(group, (GROUP_DIGITS - 1).saturating_sub(padding));
            (group, digits, padding) = (0, 0, 0);
        }
    }
    let rest = match digits {
        1 => usize::from(ended),
        more => more.saturating_sub(1),
    };
    put(group << (6 * (GROUP_DIGITS - digits)), rest);
    length
}

/// Digits that three bytes are written with.
const GROUP_DIGITS: usize = 4;

const fn digit(byte: u8) -> Option<u32> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => 0,
        _ => return None,
    } as u32)
}

#[cfg(test)]
mod tests {
    use super::decode;

    /// Each was put to the peer.
    #[test]
    fn what_is_decoded() {
        let cases: &[(&str, &str)] = &[
            ("dGVzdAo=", "test\n"),
            ("YWJj", "abc"),
            ("YWI=", "ab"),
            ("YQ==", "a"),
            ("YWI", "ab"),
            ("YQ", "a"),
            ("Y", ""),
            ("Y!", "`"),
            ("YWJjZ", "abc"),
            ("YW!J", "a"),
            ("YW\r\nJj", "a"),
            ("YWJjYWI!", "abcab"),
            ("YQ==YWJj", "aabc"),
            ("YW=I", "a`"),
            ("YQ=", "a\0"),
            ("Y===", ""),
            ("-_-_", ""),
            ("=", ""),
            ("", ""),
        ];
        for (encoded, expected) in cases {
            let mut decoded = [0; 16];
            let length = decode(encoded.as_bytes(), &mut decoded);
            assert_eq!(&decoded[..length], expected.as_bytes(), "{encoded}");
        }
        assert_eq!(decode(b"YWJjZGVm", &mut [0; 4]), 4, "no more than there is room for");
    }
}
