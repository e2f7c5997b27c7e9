//! TCP options (RFC 9293 section 3.1), as plain values.
//!
//! An option of a length that cannot be is left out; one that goes beyond the header ends the list. What the
//! peer calls a length that cannot be raises `decoder.tcp.opt_invalid_len`.

use contract::{Event, EventSet};

use crate::read::array;

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const MD5: u8 = 19;
const AUTHENTICATION: u8 = 29;
const FAST_OPEN: u8 = 34;
/// Kinds for experiments (RFC 6994), among them TCP Fast Open before it had a kind of its own.
const EXPERIMENTS: [u8; 2] = [253, 254];
/// The experiment's number of TCP Fast Open (RFC 7413 appendix C).
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];

/// The options that a TCP header has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Maximum segment size, bytes (RFC 9293 section 3.2).
    pub mss: Option<u16>,
    /// Window scale (RFC 7323 section 2), as written: more than 14 stands for 14.
    pub window_scale: Option<u8>,
    /// Timestamp value and echo reply (RFC 7323 section 3).
    pub timestamp: Option<(u32, u32)>,
    /// SACK permitted (RFC 2018 section 2).
    pub sack_permitted: bool,
    /// Selective acknowledgements (RFC 2018 section 3).
    pub sack: bool,
    /// TCP Fast Open (RFC 7413), with a cookie or asking for one.
    pub fast_open: bool,
}

impl TcpOptions {
    /// Reads the options in `bytes`, all that is between the fixed header and the payload.
    #[inline]
    pub(crate) fn parse(mut bytes: &[u8], events: &mut EventSet) -> Self {
        let mut options = Self::default();
        while let Some((&kind, rest)) = bytes.split_first() {
            bytes = match kind {
                END => break,
                NOP => rest,
                _ => {
                    let Some(&length) = rest.first() else { break };
                    let Some(option) = bytes.get(2..usize::from(length)) else {
                        events.insert(Event::TcpOptInvalidLen);
                        break;
                    };
                    if let Some(event) = options.take(kind, option) {
                        events.insert(event);
                    }
                    bytes.get(usize::from(length)..).unwrap_or(&[])
                }
            };
        }
        options
    }

    /// Takes in an option with its `value`; of several of a kind the first counts.
    fn take(&mut self, kind: u8, value: &[u8]) -> Option<Event> {
        let (fits, known) = match kind {
            MSS => (value.len() == 2, self.mss.is_some()),
            WINDOW_SCALE => (value.len() == 1, self.window_scale.is_some()),
            SACK_PERMITTED => (value.is_empty(), self.sack_permitted),
            TIMESTAMPS => (value.len() == 8, self.timestamp.is_some()),
            // Blocks of two edges; the peer takes none as well.
            SACK => (matches!(value.len(), 0 | 8 | 16 | 24 | 32), self.sack),
            // RFC 7413 section 4.1.1: a cookie of 4 to 16 bytes, an even number, or none; the peer takes 2.
            FAST_OPEN => (value.len() <= 16 && value.len().is_multiple_of(2), self.fast_open),
            MD5 => return (value.len() != 16).then_some(Event::TcpOptInvalidLen),
            AUTHENTICATION => return (value.len() < 2).then_some(Event::TcpOptInvalidLen),
            kind if EXPERIMENTS.contains(&kind) => {
                // The peer knows two lengths: no cookie, and one of 8 bytes.
                if !matches!(value.len(), 2 | 10) {
                    return Some(Event::TcpOptInvalidLen);
                }
                (array(value, 0) == Some(&FAST_OPEN_EXPERIMENT)).then_some(())?;
                (true, self.fast_open)
            }
            _ => return None,
        };
        if !fits {
            return Some(Event::TcpOptInvalidLen);
        }
        if known {
            return Some(Event::TcpOptDuplicate);
        }
        self.keep(kind, value);
        None
    }

    fn keep(&mut self, kind: u8, value: &[u8]) {
        match kind {
            MSS => self.mss = array(value, 0).copied().map(u16::from_be_bytes),
            WINDOW_SCALE => self.window_scale = value.first().copied(),
            SACK_PERMITTED => self.sack_permitted = true,
            TIMESTAMPS => {
                let word = |at| array(value, at).copied().map(u32::from_be_bytes);
                self.timestamp = word(0).zip(word(4));
            }
            SACK => self.sack = true,
            _ => self.fast_open = true,
        }
    }
}

#[cfg(test)]
mod tests;
