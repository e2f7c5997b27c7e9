//! The readers of a direction: raw detection and the application layer.

use super::Chunk;
use super::arena::Arena;
use super::half::{FIRST, Half, flag};

impl Half {
    /// What raw detection inspects next: contiguous bytes that are acknowledged, once there are `min` of them,
    /// those of gaps counted; with `last`, however many there are.
    ///
    /// A gap ends a chunk. So when one has been returned, ask for more with `last`: the chunk that is due may
    /// have several pieces. Say each time with [`Half::raw_done`] how much is done.
    pub fn raw_chunk<'a>(&mut self, arena: &'a Arena, min: u32, last: bool) -> Option<Chunk<'a>> {
        let limit = self.acked.min(self.depth);
        let due = limit.checked_sub(self.raw)?;
        if self.has(flag::RAW_OFF) || due == 0 || !last && due < u64::from(min) {
            return None;
        }
        let at = self.behind_gap(arena, self.raw);
        if at > self.raw {
            self.raw = at;
            self.flags |= flag::RAW_GAP;
        }
        self.chunk(arena, at, limit, flag::RAW_GAP)
    }

    /// Raw detection needs the next `bytes` bytes no more.
    pub fn raw_done(&mut self, bytes: usize) {
        let limit = self.acked.min(self.depth);
        if bytes > 0 && self.raw < limit {
            self.raw = self.raw.saturating_add(bytes as u64).min(limit);
            self.flags &= !flag::RAW_GAP;
        }
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
