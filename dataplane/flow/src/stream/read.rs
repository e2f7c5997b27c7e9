//! The readers of a direction: raw detection and the application layer.

use super::Chunk;
use super::arena::Arena;
use super::half::{FIRST, Half, flag};

/// Pieces of a direction that raw detection gets at once, at most; those after them come the next time.
pub const PIECES_MAX: usize = 8;

/// Places of the pieces that are due to raw detection, and where it goes on after them.
struct Places {
    /// Position of each one's first byte, and of the one behind its last; whether a gap precedes it.
    places: [(u64, u64, bool); PIECES_MAX],
    count: usize,
    next: u64,
}

impl Half {
    /// Bytes from what raw detection inspects next to what is acknowledged, those of gaps counted.
    #[must_use]
    pub fn raw_due(&self) -> u64 {
        let limit = self.acked.min(self.depth);
        if self.has(flag::RAW_OFF) { 0 } else { limit.saturating_sub(self.raw) }
    }

    /// What raw detection inspects now: contiguous bytes that are acknowledged and, where acknowledged bytes
    /// behind them are missing, what lies behind that gap and behind every further one. How many pieces there
    /// are.
    ///
    /// As in the peer (Suricata 7.0.10), what lies behind a gap is given as far as it has come, acknowledged or
    /// not, and the first piece behind one again the next time, with what has come to it: a pattern that begins
    /// in it may be found twice, and is not missed.
    pub fn raw_pieces<'a>(&self, arena: &'a Arena, pieces: &mut [Chunk<'a>; PIECES_MAX]) -> usize {
        let due = self.due(arena);
        let window = arena.windows.get(self.window);
        let found = due.places.into_iter().take(due.count);
        for (piece, (from, to, after_gap)) in pieces.iter_mut().zip(found) {
            let range =
                (from.wrapping_sub(self.origin) as usize)..(to.wrapping_sub(self.origin) as usize);
            let bytes = window.get(range).unwrap_or(&[]);
            *piece = Chunk { bytes, stream_offset: from - FIRST, after_gap };
        }
        due.count
    }

    /// Raw detection has inspected what [`Half::raw_pieces`] gives.
    pub fn raw_done(&mut self, arena: &Arena) {
        self.raw = self.due(arena).next;
        if self.runs.after(&arena.lists, self.raw).is_none() {
            // A gap with nothing behind it yet does not hold the window.
            self.raw = self.raw.max(self.settled.min(self.depth));
        }
    }

    fn due(&self, arena: &Arena) -> Places {
        let limit = self.acked.min(self.depth);
        let mut due = Places { places: [(0, 0, false); PIECES_MAX], count: 0, next: self.raw };
        let mut at = self.raw;
        let mut behind_gap = false;
        while due.count < PIECES_MAX && due.next < limit && !self.has(flag::RAW_OFF) {
            let Some(run) = self.runs.after(&arena.lists, at) else { break };
            let follows = run.start <= at && !behind_gap;
            let (from, to) = if follows {
                (at, run.end.min(limit))
            } else {
                (run.start, run.end.min(self.depth))
            };
            if from >= to {
                break;
            }
            due.places[due.count] = (from, to, !follows);
            due.count += 1;
            if follows || self.has(flag::FINISHED) {
                due.next = to;
            } else if !behind_gap {
                due.next = from;
            }
            behind_gap |= !follows;
            at = run.end;
        }
        if due.count == 0 {
            // Nothing has come of what is acknowledged.
            due.next = due.next.max(limit);
        }
        due
    }

    /// Raw detection has no interest in this direction any more: no rule, or enough seen.
    pub const fn raw_off(&mut self) {
        self.flags |= flag::RAW_OFF;
    }

    /// What the application layer reads next: all contiguous bytes that are acknowledged. What it does not need
    /// more it says with [`Half::app_done`]; the rest it sees again, with what has come in the meantime.
    ///
    /// A gap ends the bytes. One that follows them is passed only when they are done with.
    pub fn app_bytes<'a>(&mut self, arena: &'a Arena) -> Option<Chunk<'a>> {
        if self.has(flag::APP_OFF) {
            return None;
        }
        self.pass_app_gap(arena);
        self.chunk(arena, self.app, self.acked.min(self.depth), flag::APP_GAP)
    }

    /// The application layer needs the next `bytes` bytes no more.
    pub fn app_done(&mut self, bytes: usize) {
        let limit = self.acked.min(self.depth);
        if bytes > 0 && self.app < limit {
            self.app = self.app.saturating_add(bytes as u64).min(limit);
            self.flags &= !flag::APP_GAP;
        }
    }

    /// The application layer has no interest in this direction any more.
    pub const fn app_off(&mut self) {
        self.flags |= flag::APP_OFF;
    }

    pub(super) fn pass_app_gap(&mut self, arena: &Arena) {
        let at = self.behind_gap(arena, self.app);
        if at > self.app {
            self.app = at;
            self.flags |= flag::APP_GAP;
        }
    }

    /// The next offset from `at` on that is not given up.
    fn behind_gap(&self, arena: &Arena, at: u64) -> u64 {
        let next = self.runs.after(&arena.lists, at).map_or(u64::MAX, |run| run.start);
        next.min(self.settled).max(at)
    }

    /// The bytes from `at` on that are there, to `limit` at most.
    fn chunk<'a>(&self, arena: &'a Arena, at: u64, limit: u64, gap: u8) -> Option<Chunk<'a>> {
        let run = self.runs.after(&arena.lists, at).filter(|run| run.start <= at)?;
        let window = arena.windows.get(self.window);
        let (from, to) =
            (at.checked_sub(self.origin)?, run.end.min(limit).checked_sub(self.origin)?);
        let bytes = window.get(from as usize..to as usize).filter(|bytes| !bytes.is_empty())?;
        Some(Chunk { bytes, stream_offset: at - FIRST, after_gap: self.has(gap) })
    }
}
