//! One direction of a flow: where its sequence numbers, its acknowledgements and its readers are.

use super::arena::Arena;
use super::extents::{Runs, Segments};
use super::policy::OverlapPolicy;
use super::pool::BlockId;
use super::{Gap, StreamSettings};

/// Position of the stream's first byte. The numbers before it are for segments that start earlier: by half of the
/// sequence numbers at most, as one that is farther off counts as later.
pub(super) const FIRST: u64 = 1 << 31;
/// In the place of a reader's cursor: nobody reads.
pub(super) const NOBODY: u64 = u64::MAX;

/// What is true of a [`Half`]; bits.
pub(super) mod flag {
    /// The sequence number of the first byte is known.
    pub(in crate::stream) const BEGUN: u8 = 1;
    /// A FIN has come; `fin_seq` is its sequence number.
    pub(in crate::stream) const FIN: u8 = 1 << 1;
    /// No more data is taken, and all that is there may be read.
    pub(in crate::stream) const FINISHED: u8 = 1 << 2;
    /// Raw detection does not read.
    pub(in crate::stream) const RAW_OFF: u8 = 1 << 3;
    /// The application layer does not read.
    pub(in crate::stream) const APP_OFF: u8 = 1 << 4;
    /// What the application layer reads next lies behind a gap.
    pub(in crate::stream) const APP_GAP: u8 = 1 << 6;
}

/// The payload of one direction of a flow.
///
/// It owns blocks of the [`Arena`] that it is used with, always the same one: [`Half::release`] before it is
/// dropped. Without data that waits it owns none. Its positions are stream offsets and `FIRST`.
#[derive(Debug, Default)]
pub struct Half {
    /// Position of the first byte of the window's block.
    pub(super) origin: u64,
    /// Before it, what lacks is given up.
    pub(super) settled: u64,
    /// Before it, everything is acknowledged.
    pub(super) acked: u64,
    /// What raw detection reads next.
    pub(super) raw: u64,
    /// What the application layer reads next.
    pub(super) app: u64,
    pub(super) window: BlockId,
    pub(super) runs: Runs,
    pub(super) segments: Segments,
    /// What is there and behind is neither stored nor read.
    pub(super) depth: u64,
    /// Sequence number of position 0.
    base_seq: u32,
    fin_seq: u32,
    pub(super) flags: u8,
    pub(super) policy: OverlapPolicy,
}

impl Half {
    /// The direction's first byte will have the sequence number `seq`: one more than its SYN's, or that of the
    /// first segment seen of a flow that is picked up midstream. Overlaps are settled by `policy`, that of the
    /// host that receives; of `settings`, the depth counts. It may be called again, while a handshake goes on:
    /// without effect once a byte is stored or acknowledged.
    pub fn begin(&mut self, seq: u32, policy: OverlapPolicy, settings: &StreamSettings) {
        if self.acked > FIRST || !self.window.is_none() {
            return;
        }
        self.flags |= flag::BEGUN;
        self.base_seq = seq.wrapping_sub(FIRST as u32);
        self.policy = policy;
        self.depth = match settings.depth {
            0 => u64::MAX,
            bytes => FIRST + u64::from(bytes),
        };
        [self.origin, self.settled, self.acked, self.raw, self.app] = [FIRST; 5];
    }

    /// Whether [`Half::begin`] has been called.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.has(flag::BEGUN)
    }

    /// The receiver has acknowledged all before `ack` (RFC 9293 section 3.4). An older number than one before is
    /// without effect. The number that acknowledges a FIN, too, does not count as one of a byte.
    pub fn acknowledge(&mut self, ack: u32) {
        if self.has(flag::BEGUN) && !self.has(flag::FINISHED) {
            let is_of_fin = self.has(flag::FIN) && ack == self.fin_seq.wrapping_add(1);
            let seq = if is_of_fin { self.fin_seq } else { ack };
            self.acked = self.acked.max(self.position(seq));
        }
    }

    /// The sender has given the connection up: what is stored counts as acknowledged, up to its end.
    pub fn acknowledge_stored(&mut self, arena: &Arena) {
        self.acked = self.acked.max(self.runs.end(&arena.lists));
    }

    /// Sequence number of the first byte that some reader needs; `None` where nobody reads.
    #[must_use]
    pub fn first_needed(&self) -> Option<u32> {
        let start = self.start();
        (self.has(flag::BEGUN) && start != NOBODY).then(|| self.base_seq.wrapping_add(start as u32))
    }

    /// Whether the `bytes` bytes from `seq` on are of this direction and acknowledged.
    #[must_use]
    pub const fn is_acknowledged(&self, seq: u32, bytes: u32) -> bool {
        let start = self.position(seq);
        self.has(flag::BEGUN) && start >= FIRST && start + bytes as u64 <= self.acked
    }

    /// Whether the `bytes` bytes from `seq` on come before the direction's first byte.
    #[must_use]
    pub const fn is_before_start(&self, seq: u32, bytes: u32) -> bool {
        self.has(flag::BEGUN) && self.position(seq).saturating_add(bytes as u64) <= FIRST
    }

    /// A FIN has come: the direction's last byte has the sequence number before `seq`. To be told before it is
    /// acknowledged. Data behind it is taken all the same: a FIN may be one that the receiver never got.
    pub const fn fin(&mut self, seq: u32) {
        self.flags |= flag::FIN;
        self.fin_seq = seq;
    }

    /// The next gap: bytes that are acknowledged and have not come. They came by a way that is not watched, or
    /// were lost on the way to the sensor, or did not fit in.
    #[must_use]
    pub fn gap(&self, arena: &Arena) -> Option<Gap> {
        let limit = self.acked.min(self.depth);
        let mut at = self.settled.max(self.start());
        let mut next = self.runs.after(&arena.lists, at);
        if let Some(run) = next
            && run.start <= at
        {
            at = run.end;
            next = self.runs.after(&arena.lists, at);
        }
        let end = next.map_or(limit, |run| run.start.min(limit));
        (at < end).then(|| Gap { stream_offset: at - FIRST, bytes: end - at })
    }

    /// Gives the next gap up: readers go on behind it, and what comes late is not stored.
    pub fn skip_gap(&mut self, arena: &Arena) -> Option<Gap> {
        let gap = self.gap(arena)?;
        self.settled = FIRST + gap.stream_offset + gap.bytes;
        Some(gap)
    }

    /// Nothing more will come: after a RST, after both FINs, or when the flow has ended for another reason. All
    /// that is there may be read now, also what is not acknowledged and what lies behind a gap.
    pub fn finish(&mut self, arena: &Arena) {
        self.flags |= flag::FINISHED;
        self.acknowledge_stored(arena);
        self.settled = self.acked;
    }

    /// Gives back the memory of what every reader has read. To be called after the readers.
    pub fn slide(&mut self, arena: &mut Arena) {
        self.pass_app_gap(arena);
        let start = self.start();
        if start >= self.runs.end(&arena.lists) {
            self.give_back(arena);
        } else {
            self.runs.forget_before(&mut arena.lists, start);
        }
    }

    /// Gives all memory back, at the end of the flow. Nothing is stored or read from then on.
    pub fn release(&mut self, arena: &mut Arena) {
        self.give_back(arena);
        self.flags |= flag::FINISHED | flag::RAW_OFF | flag::APP_OFF;
    }

    fn give_back(&mut self, arena: &mut Arena) {
        arena.windows.give_back(&mut self.window);
        self.runs.release(&mut arena.lists);
        self.segments.release(&mut arena.lists);
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The position of a sequence number: of all that have it, the one next to what is acknowledged.
    pub(super) const fn position(&self, seq: u32) -> u64 {
        let acked_seq = self.base_seq.wrapping_add(self.acked as u32);
        self.acked.wrapping_add_signed(seq.wrapping_sub(acked_seq).cast_signed() as i64)
    }

    /// The smallest cursor of those that read on, [`NOBODY`] without one.
    pub(super) fn start(&self) -> u64 {
        let raw_ends = self.has(flag::RAW_OFF) || self.raw >= self.depth;
        let app_ends = self.has(flag::APP_OFF) || self.app >= self.depth;
        let raw = if raw_ends { NOBODY } else { self.raw };
        let app = if app_ends { NOBODY } else { self.app };
        raw.min(app)
    }
}
