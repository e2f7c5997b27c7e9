//! Streams against a naive model, against what the peer makes of overlaps, and at their limits.

mod bounds;
mod cases;
mod model;
mod overlaps;

use super::{Arena, ArenaSettings, Chunk, Half, OverlapPolicy, PIECES_MAX, StreamSettings};

/// A direction with an arena of its own, driven by offsets.
struct Stream {
    arena: Arena,
    settings: StreamSettings,
    half: Half,
    /// Sequence number of offset 0.
    base_seq: u32,
}

impl Stream {
    fn new(memory: &ArenaSettings, settings: StreamSettings, base_seq: u32) -> Self {
        let mut half = Half::default();
        half.begin(base_seq, settings.policy, &settings);
        Self { arena: Arena::new(memory, &settings), settings, half, base_seq }
    }

    /// One with memory enough, and without a depth.
    fn roomy(policy: OverlapPolicy, base_seq: u32) -> Self {
        let settings = StreamSettings { depth: 0, policy, ..StreamSettings::default() };
        Self::new(&ArenaSettings::of_bytes(16 << 20), settings, base_seq)
    }

    fn seq(&self, offset: i64) -> u32 {
        self.base_seq.wrapping_add(offset as u32)
    }

    fn insert(&mut self, offset: i64, bytes: &[u8]) -> super::Inserted {
        let seq = self.seq(offset);
        let inserted = self.half.insert(&mut self.arena, seq, bytes);
        let super::Inserted { new, duplicate, unwanted, .. } = inserted;
        let refused = inserted.beyond_depth + inserted.beyond_window + inserted.no_memory;
        let sum = new + duplicate + unwanted + refused + inserted.too_many_pieces;
        assert_eq!(sum as usize, bytes.len(), "a byte is in no number, or in two: {inserted:?}");
        inserted
    }

    fn acknowledge(&mut self, offset: i64) {
        self.half.acknowledge(self.seq(offset));
    }

    fn skip_gaps(&mut self) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        while let Some(gap) = self.half.skip_gap(&self.arena) {
            gaps.push((gap.stream_offset, gap.bytes));
        }
        gaps
    }

    /// All that is due to raw detection, as pieces: whether a gap precedes, offset, bytes.
    fn read_raw(&mut self, min: u32, last: bool) -> Vec<(bool, u64, Vec<u8>)> {
        let mut all = Vec::new();
        while last || self.half.raw_due() >= u64::from(min) {
            let mut pieces = [Chunk::NONE; PIECES_MAX];
            let count = self.half.raw_pieces(&self.arena, &mut pieces);
            self.half.raw_done(&self.arena);
            let pieces = pieces[..count].iter();
            all.extend(
                pieces.map(|piece| (piece.after_gap, piece.stream_offset, piece.bytes.to_vec())),
            );
            if count < PIECES_MAX {
                break;
            }
        }
        all
    }

    /// All that the application layer can read.
    fn read_app(&mut self) -> Vec<(bool, u64, Vec<u8>)> {
        let mut pieces = Vec::new();
        while let Some(chunk) = self.half.app_bytes(&self.arena) {
            pieces.push((chunk.after_gap, chunk.stream_offset, chunk.bytes.to_vec()));
            self.half.app_done(chunk.bytes.len());
        }
        pieces
    }

    /// What a caller does after each packet, with readers that take everything; the bytes read raw.
    fn after_packet(&mut self) -> Vec<u8> {
        self.skip_gaps();
        self.read_app();
        let raw = self.read_raw(self.settings.chunk_to_server, false);
        self.half.slide(&mut self.arena);
        raw.into_iter().flat_map(|(.., bytes)| bytes).collect()
    }

    /// The flow's end; the bytes read raw.
    fn end(&mut self) -> Vec<u8> {
        self.half.finish(&self.arena);
        self.read_app();
        let raw = self.read_raw(0, true);
        self.half.slide(&mut self.arena);
        assert_eq!(self.arena.bytes_used(), 0, "all is read, but memory is held");
        self.half.release(&mut self.arena);
        assert_eq!(self.arena.bytes_used(), 0);
        raw.into_iter().flat_map(|(.., bytes)| bytes).collect()
    }
}
