//! The payload of TCP connections: a sliding window per direction, from which all readers borrow.
//!
//! ```text
//! accepted segment ─ copied once ─► window, contiguous ─┬─ raw cursor ─► chunks for raw detection
//! acknowledgement ─ what may be read ───────┘           └─ app cursor ─► bytes for the application layer
//!                                         slides to the smaller cursor; its blocks are those of an arena
//! ```
//!
//! TCP's state is not known here. Someone else decides which segments a receiver accepts and what is
//! acknowledged; here the bytes are put together as that receiver does, overlaps included ([`OverlapPolicy`]).
//!
//! # How to drive it
//!
//! A worker has one [`Arena`], a flow two [`Half`]s. For each packet: the payload goes into the half of the
//! packet's direction, the acknowledgement into the other one. Then, for a half that was touched:
//!
//! ```
//! use flow::stream::{Arena, ArenaSettings, Chunk, Half, PIECES_MAX, StreamSettings};
//!
//! let settings = StreamSettings::default();
//! let mut arena = Arena::new(&ArenaSettings::of_bytes(1 << 20), &settings);
//! let mut half = Half::default();
//! half.begin(1_001, settings.policy, &settings); // The SYN has 1,000.
//!
//! // A packet of the direction, and one of the other that acknowledges it.
//! let inserted = half.insert(&mut arena, 1_001, b"GET / HTTP/1.1\r\n");
//! assert_eq!(inserted.new, 16);
//! half.acknowledge(1_017);
//!
//! // After each packet.
//! let mut bytes_missed = 0;
//! while let Some(gap) = half.skip_gap(&arena) {
//!     bytes_missed += gap.bytes;
//! }
//! assert_eq!(bytes_missed, 0);
//! if let Some(chunk) = half.app_bytes(&arena) {
//!     let line = chunk.bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
//!     half.app_done(line);
//! }
//! if half.raw_due() >= u64::from(settings.chunk_to_server) {
//!     let mut pieces = [Chunk::NONE; PIECES_MAX];
//!     let count = half.raw_pieces(&arena, &mut pieces);
//!     for piece in &pieces[..count] {
//!         unreachable!("16 bytes are too few, but {} are due", piece.bytes.len());
//!     }
//!     half.raw_done(&arena);
//! }
//! half.slide(&mut arena);
//!
//! // At the flow's end: all that is there is read, and the memory comes back.
//! half.finish(&arena);
//! let mut pieces = [Chunk::NONE; PIECES_MAX];
//! assert_eq!(half.raw_pieces(&arena, &mut pieces), 1);
//! assert_eq!(pieces[0].bytes, b"GET / HTTP/1.1\r\n");
//! half.release(&mut arena);
//! assert_eq!(arena.bytes_used(), 0);
//! ```
//!
//! - A FIN is told ([`Half::fin`]), so that its acknowledgement is none of a byte. Where only one direction is
//!   seen, the caller acknowledges what comes, else nothing is read before the end.
//! - Only what is acknowledged is read before [`Half::finish`]; bytes that are acknowledged never change.
//! - A chunk ends at a gap. Raw detection gets the first one behind a gap twice ([`Half::raw_pieces`]).
//! - A reader without interest is switched off ([`Half::raw_off`], [`Half::app_off`]), else its cursor holds the
//!   window. One that leaves a full window unread ([`Inserted::beyond_window`]) will never go on: switch it off.
//! - An evicted flow, too, is finished and released.
//!
//! # Limits
//!
//! What does not fit is not stored, and counted in [`Inserted`]; once acknowledged it is a gap like any other. A
//! segment costs at most a look at [`SEGMENTS_MAX`] entries and the bytes that it brings; bytes that are there
//! move at most a few times ([`ArenaCounts::moved_bytes`]).
//!
//! # Urgent data
//!
//! Urgent data (RFC 9293 section 3.8.5) stays where it is in the stream, whatever the urgent pointer says, as for
//! a receiver with `SO_OOBINLINE`, which is what RFC 6093 section 6 advises applications to be. A receiver
//! without it takes one byte out; a sensor cannot know. The peer's default is the same.

mod arena;
mod extents;
mod half;
mod insert;
mod policy;
mod pool;
mod read;

pub use arena::{
    Arena, ArenaCounts, ArenaSettings, LIST_CLASSES, SEGMENTS_MAX, WINDOW_BYTES_MAX,
    WINDOW_BYTES_MIN, WINDOW_CLASSES,
};
pub use half::Half;
pub use policy::{OverlapPolicy, UnknownPolicy};
pub use read::PIECES_MAX;

use crate::Direction;

/// How streams are put together. The defaults are the peer's (Suricata manual, "Stream Engine").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Bytes of a direction that are stored and read; 0: all. What follows is [`Inserted::beyond_depth`]. A segment
    /// that reaches farther ends the stream where it starts, as for the peer.
    pub depth: u32,
    /// Bytes to the server that raw detection waits for.
    pub chunk_to_server: u32,
    /// Bytes to the client that raw detection waits for.
    pub chunk_to_client: u32,
    /// Bytes from the first that some reader needs to the last that is stored: [`WINDOW_BYTES_MIN`] to
    /// [`WINDOW_BYTES_MAX`]. The least that a direction can get is 1/8 less. It should hold the chunks above and
    /// what is on its way, else data is lost.
    pub window_max: u32,
    /// Segments of a direction that wait for their acknowledgement, and separate pieces that wait: at most
    /// [`SEGMENTS_MAX`]. Further segments are taken as parts of those that they touch, so that they replace
    /// fewer bytes; those that touch none are [`Inserted::too_many_pieces`].
    pub segments_max: u16,
    /// What holds for a host of which nothing else is known.
    pub policy: OverlapPolicy,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            depth: 1 << 20,
            chunk_to_server: 2_560,
            chunk_to_client: 2_560,
            window_max: WINDOW_BYTES_MAX as u32,
            segments_max: SEGMENTS_MAX as u16,
            policy: OverlapPolicy::default(),
        }
    }
}

impl StreamSettings {
    /// Bytes that raw detection waits for.
    #[must_use]
    pub const fn chunk(&self, direction: Direction) -> u32 {
        match direction {
            Direction::ToServer => self.chunk_to_server,
            Direction::ToClient => self.chunk_to_client,
        }
    }
}

/// What became of a segment's bytes. The numbers add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Inserted {
    /// Stored where nothing was.
    pub new: u32,
    /// Bytes that were there before, or that have been read or given up.
    pub duplicate: u32,
    /// Not stored: behind the depth.
    pub beyond_depth: u32,
    /// Not stored: farther from the first byte that some reader needs than the window reaches.
    pub beyond_window: u32,
    /// Not stored: the arena is exhausted.
    pub no_memory: u32,
    /// Not stored: [`StreamSettings::segments_max`] pieces wait already.
    pub too_many_pieces: u32,
    /// Not stored: nobody reads, or the direction has not begun, or is finished.
    pub unwanted: u32,
    /// Some of the duplicate bytes had other values than those that are there. The policy has decided.
    pub differs: bool,
}

/// Contiguous bytes of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The bytes, at least one.
    pub bytes: &'a [u8],
    /// How many bytes of the direction come before them, those of gaps counted.
    pub stream_offset: u64,
    /// Bytes are missing between what the reader was done with and these: from there to `stream_offset`.
    pub after_gap: bool,
}

impl Chunk<'_> {
    /// No bytes, for the places of an array that are to be filled.
    pub const NONE: Self = Self { bytes: &[], stream_offset: 0, after_gap: false };
}

/// Bytes that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many bytes of the direction come before it.
    pub stream_offset: u64,
    /// How many are missing, at least one.
    pub bytes: u64,
}

#[cfg(test)]
mod tests;
