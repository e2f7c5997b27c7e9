//! The memory of a worker's streams.

use super::StreamSettings;
use super::extents::Extent;
use super::pool::Pool;

/// Bytes of the smallest window. Each further class has twice as many.
pub const WINDOW_BYTES_MIN: usize = 2 << 10;
/// Bytes of the largest window.
pub const WINDOW_BYTES_MAX: usize = WINDOW_BYTES_MIN << (WINDOW_CLASSES - 1);
/// Size classes of windows.
pub const WINDOW_CLASSES: usize = 10;
/// Entries of a list, by class: most streams need the smallest.
const LIST_ENTRIES: [usize; LIST_CLASSES] = [16, 128, SEGMENTS_MAX];
/// Size classes of lists.
pub const LIST_CLASSES: usize = 3;
/// Segments, and separate pieces, that one direction can hold.
pub const SEGMENTS_MAX: usize = 1_024;

/// Parts of a whole that [`ArenaSettings::of_bytes`] gives to the classes of windows, and of lists. The sum of
/// both is [`PARTS`]. Most windows are of the second class: a chunk of 2,560 bytes and a segment.
const WINDOW_PARTS: [usize; WINDOW_CLASSES] = [16, 28, 12, 8, 8, 12, 8, 8, 8, 8];
const LIST_PARTS: [usize; LIST_CLASSES] = [6, 3, 3];
const PARTS: usize = 128;

/// Bytes of a worker's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaSettings {
    /// Bytes of all windows, by class: blocks of 2 KiB, 4 KiB … 1 MiB. Where a class and the next one are
    /// exhausted, data that comes is not stored ([`super::Inserted::no_memory`]).
    pub window_bytes: [usize; WINDOW_CLASSES],
    /// Bytes of the lists that say which pieces of a window are there, by class. Exhaustion has the same effect.
    pub list_bytes: [usize; LIST_CLASSES],
}

impl ArenaSettings {
    /// `bytes`, divided among the classes.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Self {
        let share = |parts: usize| bytes / PARTS * parts;
        Self { window_bytes: WINDOW_PARTS.map(share), list_bytes: LIST_PARTS.map(share) }
    }
}

impl Default for ArenaSettings {
    /// 128 MiB.
    fn default() -> Self {
        Self::of_bytes(128 << 20)
    }
}

/// What an arena has done, for the worker's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArenaCounts {
    /// Windows that moved to a larger class.
    pub grown: u64,
    /// Windows whose bytes moved to the front of their block.
    pub compacted: u64,
    /// Bytes that both have copied.
    pub moved_bytes: u64,
    /// Times that there was no block.
    pub exhausted: u64,
}

/// The windows and lists of a worker. All memory is taken when it is made; the system may add the pages when they
/// are first used.
#[derive(Debug)]
pub struct Arena {
    pub(super) windows: Pool<u8>,
    pub(super) lists: Pool<Extent>,
    pub(super) window_max: usize,
    pub(super) segments_max: usize,
    pub(super) counts: ArenaCounts,
}

impl Arena {
    /// Takes the memory. Of `settings`, the limits of a window count.
    #[must_use]
    pub fn new(memory: &ArenaSettings, settings: &StreamSettings) -> Self {
        let windows = (0..).map(|class| WINDOW_BYTES_MIN << class).zip(memory.window_bytes);
        let lists = LIST_ENTRIES.into_iter().zip(memory.list_bytes);
        Self {
            windows: Pool::new(windows),
            lists: Pool::new(lists),
            window_max: (settings.window_max as usize).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX),
            segments_max: usize::from(settings.segments_max).clamp(1, SEGMENTS_MAX),
            counts: ArenaCounts::default(),
        }
    }

    /// Bytes that it took.
    #[must_use]
    pub fn bytes_taken(&self) -> usize {
        self.windows.bytes_taken() + self.lists.bytes_taken()
    }

    /// Bytes of the blocks that streams hold.
    #[must_use]
    pub fn bytes_used(&self) -> usize {
        self.windows.bytes_used() + self.lists.bytes_used()
    }

    /// What it has done.
    #[must_use]
    pub const fn counts(&self) -> &ArenaCounts {
        &self.counts
    }
}
