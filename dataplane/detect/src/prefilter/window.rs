//! Windows: the short pieces of patterns that the filter looks for in a payload.
//!
//! A pattern is filed under pieces of `width` bytes at `stride` neighbouring places. Scanning every
//! `stride`-th position then meets exactly one of them, wherever the pattern lies: a long pattern costs
//! a quarter of the look-ups of a short one.

/// How patterns of one length are filed and searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// 7 bytes and more: width 4, stride 4.
    Long,
    /// 4 to 6 bytes: width 3, stride 2.
    Medium,
    /// 3 bytes: width 3, stride 1.
    Short,
    /// 2 bytes: width 2, stride 1.
    Pair,
    /// 1 byte: width 1, stride 1.
    Single,
}

impl Shape {
    /// Every shape, in the order of its index.
    pub(crate) const ALL: [Self; 5] =
        [Self::Long, Self::Medium, Self::Short, Self::Pair, Self::Single];

    /// The shape of patterns of `length` bytes.
    pub(crate) const fn of(length: usize) -> Self {
        match length {
            0 | 1 => Self::Single,
            2 => Self::Pair,
            3 => Self::Short,
            4..=6 => Self::Medium,
            _ => Self::Long,
        }
    }

    /// Bytes of a window.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Long => 4,
            Self::Medium | Self::Short => 3,
            Self::Pair => 2,
            Self::Single => 1,
        }
    }

    /// Positions from one scanned window to the next; also the number of windows of a pattern.
    pub(crate) const fn stride(self) -> usize {
        match self {
            Self::Long => 4,
            Self::Medium => 2,
            Self::Short | Self::Pair | Self::Single => 1,
        }
    }
}

/// Makes the two cases of a letter equal, four bytes at a time (other bytes are merged as well: the
/// filter may name too much, never too little).
#[inline]
pub(crate) const fn fold(bytes: u32) -> u32 {
    bytes | 0x2020_2020
}

/// The folded window of `width` bytes (at most 4) at `at`; `None` where it does not fit.
pub(crate) fn window_at(bytes: &[u8], at: usize, width: usize) -> Option<u32> {
    let piece = bytes.get(at..at.checked_add(width)?)?;
    let mut all = [0; 4];
    all.get_mut(..width)?.copy_from_slice(piece);
    Some(fold(u32::from_le_bytes(all)) & mask(width))
}

/// The bits of a window of `width` bytes, 1 to 4.
#[inline]
pub(crate) const fn mask(width: usize) -> u32 {
    u32::MAX >> (32 - 8 * width)
}

/// Spreads a window over 32 bits; the highest are the best.
#[inline]
pub(crate) const fn spread(window: u32) -> u32 {
    window.wrapping_mul(0x9e37_79b1)
}
