//! What the session looks at of a segment: plain values, whoever decoded them.

use crate::Direction;

/// Flags of a TCP header (RFC 9293 section 3.1).
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field is significant.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer is significant.
    pub const URG: u8 = 0x20;
}

/// The timestamps option (RFC 7323 section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the receiver's clock, as the sender saw it last.
    pub echo: u32,
}

/// The options that matter to a session. An option that is malformed is as good as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentOptions {
    /// Window scale shift (RFC 7323 section 2.2), as it stands in the option.
    pub window_scale: Option<u8>,
    /// SACK permitted (RFC 2018 section 2).
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// A fast open cookie, or the request for one (RFC 7413 section 4.1.1).
    pub fast_open: bool,
    /// Signed by MD5 (RFC 2385) or by the authentication option (RFC 5925).
    pub signed: bool,
}

/// One TCP segment of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which way it runs.
    pub direction: Direction,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Window, not scaled.
    pub window: u16,
    /// Flags of [`flag`].
    pub flags: u8,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Options.
    pub options: SegmentOptions,
    /// Packet time in nanoseconds since the epoch.
    pub now_ns: u64,
}

const NS_PER_S: u64 = 1_000_000_000;

impl Segment {
    /// All of `flags` are set.
    #[inline]
    pub(super) const fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Sequence number after the payload.
    #[inline]
    pub(super) const fn end(&self) -> u32 {
        self.seq.wrapping_add(self.payload_len)
    }

    /// Packet time in whole seconds.
    #[inline]
    pub(super) const fn now_s(&self) -> u32 {
        (self.now_ns / NS_PER_S) as u32
    }

    /// Neither SYN, FIN nor RST.
    #[inline]
    pub(super) const fn is_plain(&self) -> bool {
        self.flags & (flag::SYN | flag::FIN | flag::RST) == 0
    }
}
