//! SYNs, and later SYN/ACKs, that differ from the first one: which of them counts shows only with the answer.

use super::Segment;
use super::open::scale_of;

/// SYNs or SYN/ACKs beside the first one whose values a session keeps. The next one replaces the oldest.
pub const ALTERNATIVES_MAX: usize = 5;

mod bit {
    pub(super) const SCALE: u8 = 1 << 0;
    pub(super) const STAMP: u8 = 1 << 1;
    pub(super) const SACK: u8 = 1 << 2;
}

/// What a SYN or a SYN/ACK offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) seq: u32,
    stamp: u32,
    pub(super) window: u16,
    scale: u8,
    bits: u8,
}

impl Offer {
    pub(super) fn of(segment: &Segment) -> Self {
        let options = segment.options;
        let mut bits = 0;
        let mut put = |bit: u8, on: bool| bits |= if on { bit } else { 0 };
        put(bit::SCALE, options.window_scale.is_some());
        put(bit::STAMP, options.timestamps.is_some());
        put(bit::SACK, options.sack_permitted);
        Self {
            seq: segment.seq,
            stamp: options.timestamps.unwrap_or_default().value,
            window: segment.window,
            scale: scale_of(options.window_scale),
            bits,
        }
    }

    /// Value of its timestamp.
    pub(super) fn stamp(&self) -> Option<u32> {
        (self.bits & bit::STAMP != 0).then_some(self.stamp)
    }

    /// Shift of its windows.
    pub(super) fn scale(&self) -> Option<u8> {
        (self.bits & bit::SCALE != 0).then_some(self.scale)
    }

    /// SACK is permitted.
    pub(super) const fn sack(&self) -> bool {
        self.bits & bit::SACK != 0
    }
}

/// The latest offers, at most [`ALTERNATIVES_MAX`], and how many there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alternatives {
    offers: [Offer; ALTERNATIVES_MAX],
    seen: u8,
}

impl Alternatives {
    pub(super) const fn is_empty(&self) -> bool {
        self.seen == 0
    }

    pub(super) fn clear(&mut self) {
        self.seen = 0;
    }

    /// How many there were since [`Alternatives::clear`], at most 255.
    pub(super) const fn count(&self) -> u8 {
        self.seen
    }

    /// Keeps `offer`, in the place of the oldest one if there is no room.
    pub(super) const fn push(&mut self, offer: Offer) {
        self.offers[self.seen as usize % ALTERNATIVES_MAX] = offer;
        self.seen = self.seen.saturating_add(1);
    }

    /// The latest offer that `wanted` takes.
    pub(super) fn find(&self, wanted: impl Fn(&Offer) -> bool) -> Option<Offer> {
        self.newest_first().find(|offer| wanted(offer)).copied()
    }

    fn newest_first(&self) -> impl Iterator<Item = &Offer> {
        let seen = usize::from(self.seen);
        (seen.saturating_sub(ALTERNATIVES_MAX)..seen)
            .rev()
            .filter_map(|index| self.offers.get(index % ALTERNATIVES_MAX))
    }
}
