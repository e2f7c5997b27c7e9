//! Bounds-checked reads of a frame.

/// The `N` bytes at `offset`, if they are there.
#[inline]
pub(crate) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<&[u8; N]> {
    bytes.get(offset..)?.first_chunk()
}

/// The big-endian 16 bits at `offset`, if they are there.
#[inline]
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).copied().map(u16::from_be_bytes)
}
