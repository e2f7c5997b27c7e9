//! What became of the payload of TCP connections.

use crate::Counter;

/// A worker's counters of TCP streams. Bytes are payload's.
#[derive(Debug, Default)]
pub struct StreamCounters {
    /// Segments whose payload went into a stream.
    pub segments: Counter,
    /// Bytes stored that were not there before.
    pub bytes: Counter,
    /// Bytes that were there before, or came too late.
    pub duplicate_bytes: Counter,
    /// Segments that brought other bytes than those that were there.
    pub overlaps: Counter,
    /// Places at which acknowledged bytes are missing.
    pub gaps: Counter,
    /// Bytes that are missing there.
    pub gap_bytes: Counter,
    /// Bytes behind the depth up to which streams are put together.
    pub beyond_depth_bytes: Counter,
    /// Bytes farther ahead than a window reaches.
    pub beyond_window_bytes: Counter,
    /// Bytes for which there was no memory.
    pub no_memory_bytes: Counter,
    /// Bytes for which there were too many separate pieces.
    pub pieces_bytes: Counter,
    /// Pieces of streams that were inspected.
    pub chunks: Counter,
    /// Ends of flows at which something was left to be inspected; none is in `rx`.
    pub flow_ends_inspected: Counter,
    /// Bytes of the windows in use now.
    pub memory_bytes: Counter,
}

impl StreamCounters {
    /// All of them, by the name that they have everywhere.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 13] {
        [
            ("stream_segments", &self.segments),
            ("stream_bytes", &self.bytes),
            ("stream_duplicate_bytes", &self.duplicate_bytes),
            ("stream_overlaps", &self.overlaps),
            ("stream_gaps", &self.gaps),
            ("stream_gap_bytes", &self.gap_bytes),
            ("stream_beyond_depth_bytes", &self.beyond_depth_bytes),
            ("stream_beyond_window_bytes", &self.beyond_window_bytes),
            ("stream_no_memory_bytes", &self.no_memory_bytes),
            ("stream_pieces_bytes", &self.pieces_bytes),
            ("stream_chunks", &self.chunks),
            ("flow_ends_inspected", &self.flow_ends_inspected),
            ("stream_memory_bytes", &self.memory_bytes),
        ]
        .map(|(name, counter)| (name, counter.get()))
    }
}
