//! Verification: from a window that passed a filter to the patterns that are really there.

use super::window::{Shape, fold, spread, window_at};

/// A fast pattern as it is filed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pattern {
    /// The literal, in lower case where `nocase`.
    bytes: Box<[u8]>,
    nocase: bool,
    /// Where its first window begins.
    base: u32,
}

impl Pattern {
    /// The pattern `bytes`, filed where `commonness` (of a folded window) is least.
    pub(crate) fn new(bytes: &[u8], nocase: bool, commonness: impl Fn(u32) -> i32) -> Self {
        let bytes = if nocase { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
        let shape = Shape::of(bytes.len());
        let last = bytes.len().saturating_sub(shape.width() + shape.stride() - 1);
        let worst = |base: &usize| {
            let windows = (*base..*base + shape.stride())
                .filter_map(|at| window_at(&bytes, at, shape.width()));
            windows.map(&commonness).max()
        };
        let base = (0..=last).min_by_key(worst).unwrap_or(0);
        Self { nocase, base: u32::try_from(base).unwrap_or(0), bytes: bytes.into_boxed_slice() }
    }

    /// How it is filed and searched.
    pub(crate) fn shape(&self) -> Shape {
        Shape::of(self.bytes.len())
    }

    /// The windows under which it is filed, with their offsets in the literal.
    pub(super) fn windows(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let (base, shape) = (self.base as usize, self.shape());
        (base..base + shape.stride())
            .filter_map(move |at| Some((at, window_at(&self.bytes, at, shape.width())?)))
    }

    /// Largest [`Pattern::new`] commonness among its windows.
    pub(crate) fn commonness(&self, of: impl Fn(u32) -> i32) -> i32 {
        self.windows().map(|(_, window)| of(window)).max().unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    window: u32,
    pattern: u32,
    /// Where the window lies in the pattern.
    offset: u32,
    /// Where another window of the pattern lies, and which it is: what decides most cases without
    /// fetching the pattern.
    other_offset: u32,
    other: u32,
}

impl Entry {
    fn new(pattern: &Pattern, index: u32, offset: usize, window: u32) -> Self {
        let bytes = &pattern.bytes;
        let at = [offset + WIDTH_MAX, offset.saturating_sub(WIDTH_MAX)]
            .into_iter()
            .find(|at| *at != offset && at + WIDTH_MAX <= bytes.len())
            .unwrap_or(0);
        Self {
            window,
            pattern: index,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            other_offset: u32::try_from(at).unwrap_or(u32::MAX),
            other: window_at(bytes, at, WIDTH_MAX).unwrap_or(NO_WINDOW),
        }
    }

    /// Whether the other window lies in `payload` where it has to, for the first at `at`.
    #[inline]
    fn other_fits(&self, payload: &[u8], at: usize) -> bool {
        if self.other == NO_WINDOW {
            return true;
        }
        let place = (at + self.other_offset as usize).checked_sub(self.offset as usize);
        place
            .and_then(|place| payload.get(place..)?.first_chunk::<WIDTH_MAX>())
            .is_some_and(|bytes| fold(u32::from_le_bytes(*bytes)) == self.other)
    }
}

/// Bytes of the widest window.
const WIDTH_MAX: usize = 4;
/// No folded window of four bytes.
const NO_WINDOW: u32 = 0;

#[derive(Clone, Copy, Debug)]
struct Stored {
    start: u32,
    length: u32,
    nocase: bool,
}

/// A pattern that lies in a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verified {
    /// Where the search goes on.
    pub(super) entry: usize,
    pub(super) pattern: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All patterns of a domain, by the hash of their windows.
#[derive(Debug)]
pub(crate) struct Table {
    /// Where the entries of each bucket begin; one more than buckets.
    buckets: Box<[u32]>,
    shift: u32,
    entries: Box<[Entry]>,
    patterns: Box<[Stored]>,
    bytes: Box<[u8]>,
}

impl Table {
    /// The table of `patterns`, which are named by their index.
    pub(crate) fn new(patterns: &[Pattern]) -> Self {
        let mut entries = Vec::new();
        let (mut stored, mut bytes) = (Vec::new(), Vec::new());
        for (index, pattern) in (0_u32..).zip(patterns) {
            for (offset, window) in pattern.windows() {
                entries.push(Entry::new(pattern, index, offset, window));
            }
            stored.push(Stored {
                start: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                length: u32::try_from(pattern.bytes.len()).unwrap_or(u32::MAX),
                nocase: pattern.nocase,
            });
            bytes.extend_from_slice(&pattern.bytes);
        }
        let bits = entries.len().next_power_of_two().ilog2().clamp(1, 24);
        let shift = 32 - bits;
        entries.sort_by_key(|entry| (spread(entry.window) >> shift, entry.pattern));
        let mut buckets = vec![0_u32; (1 << bits) + 1];
        for entry in &entries {
            if let Some(next) = buckets.get_mut((spread(entry.window) >> shift) as usize + 1) {
                *next += 1;
            }
        }
        let mut sum = 0;
        for bucket in &mut buckets {
            sum += *bucket;
            *bucket = sum;
        }
        Self {
            buckets: buckets.into_boxed_slice(),
            shift,
            entries: entries.into_boxed_slice(),
            patterns: stored.into_boxed_slice(),
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// Bytes of the table.
    pub(super) fn size(&self) -> usize {
        self.buckets.len() * 4
            + self.entries.len() * size_of::<Entry>()
            + self.patterns.len() * size_of::<Stored>()
            + self.bytes.len()
    }

    /// The next pattern that `wanted` accepts and that lies in `payload` with `window` at `at`, after
    /// the one that was found as entry `after`.
    #[inline]
    pub(super) fn verify(
        &self,
        payload: &[u8],
        at: usize,
        window: u32,
        after: Option<usize>,
        wanted: impl Fn(u32) -> bool,
    ) -> Option<Verified> {
        let bucket = (spread(window) >> self.shift) as usize;
        let [from, to] = *self.buckets.get(bucket..)?.first_chunk::<2>()?;
        let from = after.map_or(from as usize, |entry| entry + 1);
        let entries = self.entries.get(from..to as usize)?;
        entries.iter().zip(from..).find_map(|(entry, index)| {
            if entry.window != window || !entry.other_fits(payload, at) || !wanted(entry.pattern) {
                return None;
            }
            let (start, end) = self.lies_at(payload, at, entry)?;
            Some(Verified { entry: index, pattern: entry.pattern, start, end })
        })
    }

    #[inline]
    fn lies_at(&self, payload: &[u8], at: usize, entry: &Entry) -> Option<(usize, usize)> {
        let stored = self.patterns.get(entry.pattern as usize)?;
        let literal =
            self.bytes.get(stored.start as usize..(stored.start + stored.length) as usize)?;
        let start = at.checked_sub(entry.offset as usize)?;
        let end = start + literal.len();
        let there = payload.get(start..end)?;
        let equal =
            if stored.nocase { there.eq_ignore_ascii_case(literal) } else { there == literal };
        equal.then_some((start, end))
    }
}
