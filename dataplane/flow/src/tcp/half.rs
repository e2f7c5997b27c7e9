//! One half of a connection: what one side sends.

/// Largest shift of a window (RFC 7323 section 2.3).
pub(super) const WINDOW_SCALE_MAX: u8 = 14;

/// Bits of [`Half::bits`].
pub(super) mod bit {
    /// A packet of this half was seen.
    pub(in super::super) const SEEN: u8 = 1 << 0;
    /// Its SYN had timestamps.
    pub(in super::super) const STAMPED: u8 = 1 << 1;
    /// Its first timestamp was 0.
    pub(in super::super) const ZERO_STAMP: u8 = 1 << 2;
    /// Its latest packet was a keep-alive.
    pub(in super::super) const KEEP_ALIVE: u8 = 1 << 3;
    /// Its FIN was taken.
    pub(in super::super) const FIN: u8 = 1 << 4;
    /// Its end was reported.
    pub(in super::super) const ENDED: u8 = 1 << 5;
    /// It has sent a RST that it may not mean.
    pub(in super::super) const RESET: u8 = 1 << 6;
}

/// Numbers of what one side sends (RFC 9293 section 3.3.1, as an observer sees them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Half {
    /// Initial sequence number.
    pub(super) isn: u32,
    /// Next one expected.
    pub(super) next_seq: u32,
    /// The other side's latest acknowledgement.
    pub(super) last_ack: u32,
    /// The furthest that the other side has ever allowed.
    pub(super) next_win: u32,
    /// The window that the other side advertised last, scaled.
    pub(super) window: u32,
    /// Latest timestamp.
    pub(super) last_stamp: u32,
    /// Packet time of it, s.
    pub(super) last_stamp_s: u32,
    /// Where the window of its data begins: what ends before it was looked at and is gone.
    pub(super) base: u32,
    /// End of the data that was taken.
    pub(super) data_end: u32,
    /// Sequence number of its FIN, with [`bit::FIN`].
    pub(super) fin: u32,
    /// Shift of the windows that the other side advertises for this half.
    pub(super) scale: u8,
    /// [`bit`]s.
    pub(super) bits: u8,
}

impl Half {
    pub(super) const fn has(&self, bits: u8) -> bool {
        self.bits & bits == bits
    }

    pub(super) const fn set(&mut self, bits: u8) {
        self.bits |= bits;
    }

    pub(super) const fn clear(&mut self, bits: u8) {
        self.bits &= !bits;
    }

    pub(super) const fn put(&mut self, bits: u8, on: bool) {
        if on { self.set(bits) } else { self.clear(bits) }
    }

    /// The numbering starts: the first byte is the one after `isn`.
    pub(super) const fn start(&mut self, isn: u32) {
        self.isn = isn;
        self.next_seq = isn.wrapping_add(1);
        self.base = self.next_seq;
        self.data_end = self.next_seq;
    }

    /// A window as it stands in a segment of the other side.
    pub(super) const fn scaled(&self, window: u16) -> u32 {
        // At most 65,535 << 14, which fits.
        (window as u32) << self.scale
    }

    /// The end of what may be sent now.
    pub(super) const fn allowed(&self) -> u32 {
        self.last_ack.wrapping_add(self.window)
    }

    /// An acknowledgement of the other side; an older one changes nothing.
    pub(super) const fn acknowledge(&mut self, ack: u32) {
        if super::seq::after(ack, self.last_ack) {
            self.last_ack = ack;
        }
    }

    /// The furthest allowed grows to what is allowed now.
    pub(super) const fn widen(&mut self) {
        if super::seq::after(self.allowed(), self.next_win) {
            self.next_win = self.allowed();
        }
    }

    /// The FIN is acknowledged.
    pub(super) const fn fin_acked(&self) -> bool {
        self.has(bit::FIN) && super::seq::after(self.last_ack, self.fin)
    }
}
