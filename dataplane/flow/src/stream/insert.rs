//! How a segment's payload gets into the window.

use super::Inserted;
use super::arena::Arena;
use super::extents::{Extent, Full};
use super::half::{Half, NOBODY, flag};

/// Part of a block that must be free in front before the bytes behind it move there, where that does not at least
/// double the room: so a byte that is read costs at most 7 that move.
const COMPACT_SHARE: usize = 8;

/// Bytes at their place.
#[derive(Clone, Copy)]
struct Piece<'a> {
    start: u64,
    bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    const fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Those from `start` to `end` of them.
    fn part(&self, start: u64, end: u64) -> Self {
        let start = start.clamp(self.start, self.end());
        let end = end.clamp(start, self.end());
        let range = (start - self.start) as usize..(end - self.start) as usize;
        Self { start, bytes: self.bytes.get(range).unwrap_or(&[]) }
    }

    /// Cuts off those behind `end`; how many.
    fn cut(&mut self, end: u64) -> u32 {
        let before = self.bytes.len();
        *self = self.part(self.start, end);
        (before - self.bytes.len()) as u32
    }

    /// Their place in a block that starts at `origin`.
    fn place<'w>(&self, window: &'w mut [u8], origin: u64) -> Option<&'w mut [u8]> {
        let at = usize::try_from(self.start.checked_sub(origin)?).ok()?;
        window.get_mut(at..)?.get_mut(..self.bytes.len())
    }
}

impl Half {
    /// Takes in the payload of a segment that the receiver accepts, whose first byte has the sequence number
    /// `seq`. Every byte of it ends in one of the numbers of [`Inserted`].
    ///
    /// Bytes that are acknowledged stay as they are, whatever comes later: the receiver has passed them on.
    pub fn insert(&mut self, arena: &mut Arena, seq: u32, payload: &[u8]) -> Inserted {
        let mut inserted = Inserted::default();
        if !self.has(flag::BEGUN) || self.has(flag::FINISHED) {
            inserted.unwanted = payload.len() as u32;
            return inserted;
        }
        let mut piece = Piece { start: self.position(seq), bytes: payload };
        inserted.beyond_depth = self.cut_at_depth(arena, &mut piece);
        if self.start() == NOBODY {
            inserted.unwanted = piece.bytes.len() as u32;
        } else if !piece.bytes.is_empty() {
            self.store(arena, piece, &mut inserted);
        }
        inserted
    }

    /// Cuts off what lies behind the depth. A segment that reaches there ends the stream where it starts, or where
    /// what came before ends, as for the peer: so nothing is read of which the rest is missing.
    fn cut_at_depth(&mut self, arena: &Arena, piece: &mut Piece<'_>) -> u32 {
        if piece.end() > self.depth {
            let stored = self.runs.end(&arena.lists);
            self.depth = self.depth.min(piece.start.max(stored));
        }
        piece.cut(self.depth)
    }

    fn store(&mut self, arena: &mut Arena, mut piece: Piece<'_>, inserted: &mut Inserted) {
        let Extent { start, end } = Extent::new(piece.start, piece.end());
        let from = self.start().max(self.settled).clamp(start, end);
        // What has been read or given up is only looked at.
        let _ = self.compare(arena, piece.part(self.start(), from), inserted);
        inserted.duplicate += (from - start) as u32;
        piece = piece.part(from, end);
        self.reserve(arena, &mut piece, inserted);
        if piece.bytes.is_empty() {
            return;
        }
        let shared = self.compare(arena, piece, inserted);
        inserted.duplicate += shared;
        let new = piece.bytes.len() as u32 - shared;
        let segment = Extent::new(start, piece.end());
        match self.make_room(arena, piece, segment) {
            Ok(()) => {
                inserted.new = new;
                self.write(arena, piece, segment, shared > 0);
                self.record(arena, piece, segment);
            }
            Err(Full::AtMax) => inserted.too_many_pieces = new,
            Err(Full::NoMemory) => inserted.no_memory += new,
        }
    }

    /// How many of the piece's bytes are there; whether with other values, goes to `inserted`.
    fn compare(&self, arena: &mut Arena, piece: Piece<'_>, inserted: &mut Inserted) -> u32 {
        if piece.bytes.is_empty() {
            return 0;
        }
        let window = arena.windows.get_mut(self.window);
        let runs = self.runs.overlapping(&arena.lists, Extent::new(piece.start, piece.end()));
        let mut shared = 0;
        for run in runs {
            let part = piece.part(run.start, run.end);
            shared += part.bytes.len() as u32;
            let stored = part.place(window, self.origin);
            inserted.differs |= stored.is_some_and(|stored| *stored != *part.bytes);
        }
        shared
    }

    /// Makes the window reach the piece's end, or cuts off what it cannot reach.
    fn reserve(&mut self, arena: &mut Arena, piece: &mut Piece<'_>, inserted: &mut Inserted) {
        let start = self.start();
        let reach = start.saturating_add(arena.window_max as u64);
        inserted.beyond_window = piece.cut(reach);
        let capacity = arena.windows.capacity(self.window);
        if piece.bytes.is_empty() || piece.end() <= self.origin + capacity as u64 && capacity > 0 {
            return;
        }
        let span = (piece.end() - start) as usize;
        let live = self.runs.end(&arena.lists).saturating_sub(start) as usize;
        let lead = start.saturating_sub(self.origin) as usize;
        let fits = span <= capacity;
        let may_grow = arena.window_max > capacity && !(fits && live <= lead);
        if may_grow && self.grow(arena, start, span, lead, live) {
            return;
        }
        if fits && (live <= lead || lead >= capacity / COMPACT_SHARE) {
            self.compact(arena, start, lead, live);
        } else {
            let cut = piece.cut(self.origin + capacity as u64);
            if arena.window_max > capacity {
                inserted.no_memory += cut;
            } else {
                inserted.beyond_window += cut;
            }
        }
    }

    /// Moves the bytes from `start` on to the front of the block.
    fn compact(&mut self, arena: &mut Arena, start: u64, lead: usize, live: usize) {
        // Without any, readers may be behind the block: they have passed a gap.
        if live > 0 {
            arena.windows.get_mut(self.window).copy_within(lead..lead + live, 0);
        }
        self.origin = start;
        arena.counts.compacted += 1;
        arena.counts.moved_bytes += live as u64;
    }

    /// Moves the bytes from `start` on to a larger block, of at least `span` bytes, if there is one.
    fn grow(
        &mut self,
        arena: &mut Arena,
        start: u64,
        span: usize,
        lead: usize,
        live: usize,
    ) -> bool {
        let larger = arena.windows.capacity(self.window) + 1;
        let Some(block) = arena.windows.take(span.max(larger)) else {
            arena.counts.exhausted += 1;
            return false;
        };
        if !self.window.is_none() {
            arena.windows.copy(self.window, lead..lead + live, block);
            arena.windows.give_back(&mut self.window);
            arena.counts.grown += 1;
            arena.counts.moved_bytes += live as u64;
        }
        self.window = block;
        self.origin = start;
        true
    }

    /// Makes the lists have room for the piece, and for the segment that brings it.
    fn make_room(
        &mut self,
        arena: &mut Arena,
        piece: Piece<'_>,
        segment: Extent,
    ) -> Result<(), Full> {
        self.segments.forget_before(&mut arena.lists, self.acked);
        let run = Extent::new(piece.start, piece.end());
        self.runs.make_room(&mut arena.lists, run, arena.segments_max)?;
        if segment.end <= self.acked {
            return Ok(());
        }
        self.segments.make_room(&mut arena.lists, segment, arena.segments_max)
    }

    /// Puts the bytes in: where nothing is, and where the policy prefers them to all that brought what is there.
    /// If it `overlaps` nothing, the segments need no look.
    fn write(&self, arena: &mut Arena, piece: Piece<'_>, segment: Extent, overlaps: bool) {
        let window = arena.windows.get_mut(self.window);
        let mut put = |start, end| {
            let part = piece.part(start, end);
            if start < end
                && let Some(place) = part.place(window, self.origin)
            {
                place.copy_from_slice(part.bytes);
            }
        };
        if !overlaps {
            put(piece.start, piece.end());
            return;
        }
        let line = self.acked.clamp(piece.start, piece.end());
        let mut at = piece.start;
        for run in self.runs.overlapping(&arena.lists, Extent::new(piece.start, line)) {
            put(at, run.start.min(line));
            at = at.max(run.end);
        }
        put(at, line);
        at = line;
        for old in self.segments.all(&arena.lists) {
            if old.start >= piece.end() {
                break;
            }
            if old.end > at && !self.policy.replaces(segment, *old) {
                put(at, old.start);
                at = old.end;
            }
        }
        put(at, piece.end());
    }

    fn record(&mut self, arena: &mut Arena, piece: Piece<'_>, segment: Extent) {
        self.runs.add(&mut arena.lists, Extent::new(piece.start, piece.end()));
        if segment.end > self.acked {
            self.segments.add(&mut arena.lists, segment, arena.segments_max);
        }
    }
}
