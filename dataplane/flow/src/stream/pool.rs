//! Blocks of cells in size classes, each class with a list of its free blocks. All memory is taken at once.

use std::ops::Range;

/// Bits of a [`BlockId`] that say which block of its class it is; the rest say the class.
const INDEX_BITS: u32 = 28;
/// Classes that a pool may have: one fewer than the bits can say, for [`BlockId::NONE`].
const CLASSES_MAX: usize = (1 << (u32::BITS - INDEX_BITS)) - 1;
/// How many classes up a request may go where its own is exhausted. Few, so that many small windows leave the
/// large blocks alone.
const CLASSES_UP_MAX: usize = 1;

/// A block of a pool, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId(u32);

impl BlockId {
    /// No block.
    pub(super) const NONE: Self = Self(u32::MAX);

    const fn new(class: usize, index: u32) -> Self {
        Self((class as u32) << INDEX_BITS | index)
    }

    const fn class(self) -> usize {
        (self.0 >> INDEX_BITS) as usize
    }

    const fn index(self) -> u32 {
        self.0 & ((1 << INDEX_BITS) - 1)
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Default for BlockId {
    fn default() -> Self {
        Self::NONE
    }
}

#[derive(Debug)]
struct Class<T> {
    /// Cells of a block.
    block_cells: usize,
    cells: Box<[T]>,
    free: Vec<u32>,
}

impl<T> Class<T> {
    const fn range(&self, block: BlockId) -> Range<usize> {
        let start = block.index() as usize * self.block_cells;
        start..start + self.block_cells
    }

    const fn blocks(&self) -> usize {
        self.cells.len() / self.block_cells
    }
}

/// Blocks of `T`.
#[derive(Debug)]
pub(super) struct Pool<T> {
    classes: Box<[Class<T>]>,
}

impl<T: Copy + Default> Pool<T> {
    /// Classes of ascending size, each as (cells of a block, bytes of the class). More than
    /// [`CLASSES_MAX`] are left out.
    pub(super) fn new(classes: impl Iterator<Item = (usize, usize)>) -> Self {
        let class = |(block_cells, bytes): (usize, usize)| {
            let block_cells = block_cells.max(1);
            let blocks = (bytes / (block_cells * size_of::<T>())).min((1 << INDEX_BITS) - 1);
            Class {
                block_cells,
                cells: vec![T::default(); blocks * block_cells].into_boxed_slice(),
                // The lowest is taken first, and what was used last is used next: it is in the cache.
                free: (0..blocks as u32).rev().collect(),
            }
        };
        Self { classes: classes.take(CLASSES_MAX).map(class).collect() }
    }

    /// A block of at least `cells` cells, with whatever is in them.
    pub(super) fn take(&mut self, cells: usize) -> Option<BlockId> {
        let fitting = self.classes.iter().position(|class| class.block_cells >= cells)?;
        let candidates = self.classes.iter_mut().enumerate().skip(fitting);
        candidates
            .take(1 + CLASSES_UP_MAX)
            .find_map(|(class, of)| Some(BlockId::new(class, of.free.pop()?)))
    }

    /// Gives `block` back, and makes it none. Nothing for none.
    pub(super) fn give_back(&mut self, block: &mut BlockId) {
        if let Some(class) = self.classes.get_mut(block.class()) {
            class.free.push(block.index());
        }
        *block = BlockId::NONE;
    }

    /// The cells of `block`; empty for none.
    #[inline]
    pub(super) fn get(&self, block: BlockId) -> &[T] {
        let class = self.classes.get(block.class());
        class.and_then(|class| class.cells.get(class.range(block))).unwrap_or(&[])
    }

    /// The cells of `block`; empty for none.
    #[inline]
    pub(super) fn get_mut(&mut self, block: BlockId) -> &mut [T] {
        let Some(class) = self.classes.get_mut(block.class()) else { return &mut [] };
        let range = class.range(block);
        class.cells.get_mut(range).unwrap_or(&mut [])
    }

    /// Cells of `block`; 0 for none.
    #[inline]
    pub(super) fn capacity(&self, block: BlockId) -> usize {
        self.classes.get(block.class()).map_or(0, |class| class.block_cells)
    }

    /// Copies the cells `range` of `from` to the start of `to`, which is of another class.
    pub(super) fn copy(&mut self, from: BlockId, range: Range<usize>, to: BlockId) {
        let classes = self.classes.get_disjoint_mut([from.class(), to.class()]);
        let Ok([source, target]) = classes else { return };
        let (source_range, target_range) = (source.range(from), target.range(to));
        let cells = source.cells.get(source_range).and_then(|block| block.get(range));
        let place = target.cells.get_mut(target_range);
        if let (Some(cells), Some(place)) = (cells, place)
            && let Some(place) = place.get_mut(..cells.len())
        {
            place.copy_from_slice(cells);
        }
    }

    /// Bytes of all blocks.
    pub(super) fn bytes_taken(&self) -> usize {
        self.classes.iter().map(|class| size_of_val(&*class.cells)).sum()
    }

    /// Bytes of the blocks that are not free.
    pub(super) fn bytes_used(&self) -> usize {
        let used = |class: &Class<T>| {
            (class.blocks() - class.free.len()) * class.block_cells * size_of::<T>()
        };
        self.classes.iter().map(used).sum()
    }
}
