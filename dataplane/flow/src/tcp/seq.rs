//! Comparison of sequence numbers, which wrap (RFC 9293 section 3.4).

/// `a` lies before `b`.
#[inline]
pub(super) const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// `a` lies after `b`.
#[inline]
pub(super) const fn after(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

/// `start <= seq <= end`.
#[inline]
pub(super) const fn within(seq: u32, start: u32, end: u32) -> bool {
    !before(seq, start) && !after(seq, end)
}
