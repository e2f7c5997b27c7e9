//! The filter of one port group: bitmaps of hashed windows, small enough for the nearest caches.
//!
//! Aho-Corasick was measured against it (`docs/detection.md`): its tables outgrow the caches with
//! 10,000 patterns, and each of its steps waits for the one before; the look-ups here are independent.

use super::table::Pattern;
use super::window::{Shape, fold, mask, spread};

/// Bits per window: about 3 % of foreign windows pass.
const BITS_PER_WINDOW: usize = 32;
/// Smallest and largest bitmap, as powers of two of bits: 64 bytes and 128 KiB.
const BITS_LOG2: (u32, u32) = (9, 20);

/// A set of hashed windows. It may claim more than it holds.
#[derive(Debug, Default)]
struct Bitmap {
    words: Box<[u64]>,
    shift: u32,
}

impl Bitmap {
    fn new(windows: &[u32]) -> Self {
        if windows.is_empty() {
            return Self::default();
        }
        let wanted = (windows.len() * BITS_PER_WINDOW).next_power_of_two().ilog2();
        let bits = wanted.clamp(BITS_LOG2.0, BITS_LOG2.1);
        let shift = 32 - bits;
        let mut words = vec![0; 1 << (bits - 6)].into_boxed_slice();
        for window in windows {
            let bit = spread(*window) >> shift;
            if let Some(word) = words.get_mut((bit >> 6) as usize) {
                *word |= 1_u64 << (bit & 63);
            }
        }
        Self { words, shift }
    }

    #[inline(always)]
    fn may_hold(&self, window: u32) -> bool {
        let bit = spread(window) >> self.shift;
        self.words.get((bit >> 6) as usize).is_some_and(|word| word >> (bit & 63) & 1 != 0)
    }
}

/// The patterns of one port group, as one bitmap per [`Shape`].
#[derive(Debug, Default)]
pub(super) struct Filter {
    bitmaps: [Bitmap; Shape::ALL.len()],
}

impl Filter {
    /// The filter of `patterns`.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let mut windows: [Vec<u32>; Shape::ALL.len()] = Default::default();
        for pattern in patterns {
            if let Some(list) = windows.get_mut(pattern.shape() as usize) {
                list.extend(pattern.windows().map(|(_, window)| window));
            }
        }
        // One pass serves both shapes of width 3, so that a short literal among many of medium length
        // makes their pass denser, not a second one.
        let [_, medium, short, ..] = &mut windows;
        if !short.is_empty() {
            short.append(medium);
        }
        for list in &mut windows {
            list.sort_unstable();
            list.dedup();
        }
        Self { bitmaps: windows.map(|list| Bitmap::new(&list)) }
    }

    /// Whether the filter holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.bitmaps.iter().all(|bitmap| bitmap.words.is_empty())
    }

    /// Bytes of the bitmaps.
    pub(super) fn bytes(&self) -> usize {
        self.bitmaps.iter().map(|bitmap| bitmap.words.len() * 8).sum()
    }

    /// Calls `hit` with the position and the window of every place where a pattern may lie.
    #[inline]
    pub(super) fn scan(&self, payload: &[u8], hit: &mut impl FnMut(usize, u32)) {
        let [long, medium, short, pair, single] = &self.bitmaps;
        scan::<4, 4>(long, payload, hit);
        scan::<3, 2>(medium, payload, hit);
        scan::<3, 1>(short, payload, hit);
        scan::<2, 1>(pair, payload, hit);
        scan::<1, 1>(single, payload, hit);
    }
}

/// Scans windows of `WIDTH` bytes at every multiple of `STRIDE`.
#[inline]
fn scan<const WIDTH: usize, const STRIDE: usize>(
    bitmap: &Bitmap,
    payload: &[u8],
    hit: &mut impl FnMut(usize, u32),
) {
    const STEP: usize = 4;
    if bitmap.words.is_empty() {
        return;
    }
    // Eight bytes hold every window that begins in the first four.
    let mut at = 0;
    while let Some(block) = payload.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let bytes = u64::from_le_bytes(*block);
        let mut lane = 0;
        while lane < STEP {
            let window = fold((bytes >> (8 * lane)) as u32) & mask(WIDTH);
            if bitmap.may_hold(window) {
                hit(at + lane, window);
            }
            lane += STRIDE;
        }
        at += STEP;
    }
    let rest = payload.get(at..).unwrap_or_default();
    let mut tail = [0; 12];
    for (to, from) in tail.iter_mut().zip(rest) {
        *to = *from;
    }
    let mut lane = 0;
    while lane + WIDTH <= rest.len() {
        let window = super::window::window_at(&tail, lane, WIDTH).unwrap_or(0);
        if bitmap.may_hold(window) {
            hit(at + lane, window);
        }
        lane += STRIDE;
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::prefilter::table::Pattern;

    #[test]
    fn a_pattern_is_met_once_at_every_place() {
        for length in 1..=12_usize {
            let bytes: Vec<u8> = (b'A'..).take(length).collect();
            let pattern = Pattern::new(&bytes, true, |_| 0);
            let filter = Filter::new([&pattern].into_iter());
            for before in 0..9 {
                for after in 0..9 {
                    let mut payload = vec![0; before];
                    payload.extend_from_slice(&bytes);
                    payload.resize(before + length + after, 0);
                    let mut met = 0;
                    filter.scan(&payload, &mut |at, window| {
                        met += pattern
                            .windows()
                            .filter(|(offset, own)| *own == window && at == before + offset)
                            .count();
                    });
                    assert_eq!(met, 1, "{length} bytes, {before} before, {after} after");
                }
            }
        }
    }
}
