//! Ranges of stream offsets, and bounded sorted lists of them in blocks of a pool.

use std::ops::Range;

use super::pool::{BlockId, Pool};

/// From the offset of the first byte to the one behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Extent {
    pub(super) const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }
}

/// Why a list has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// It has as many entries as it may.
    AtMax,
    /// The pool has no larger block.
    NoMemory,
}

/// Extents in the order of their starts.
#[derive(Debug, Default)]
struct List {
    block: BlockId,
    len: u16,
}

impl List {
    fn all<'a>(&self, pool: &'a Pool<Extent>) -> &'a [Extent] {
        pool.get(self.block).get(..usize::from(self.len)).unwrap_or(&[])
    }

    fn all_mut<'a>(&self, pool: &'a mut Pool<Extent>) -> &'a mut [Extent] {
        pool.get_mut(self.block).get_mut(..usize::from(self.len)).unwrap_or(&mut [])
    }

    /// Makes room for one more, of at most `max`.
    fn make_room(&mut self, pool: &mut Pool<Extent>, max: usize) -> Result<(), Full> {
        let len = usize::from(self.len);
        if len >= max {
            return Err(Full::AtMax);
        }
        if len < pool.capacity(self.block) {
            return Ok(());
        }
        let larger = pool.take(len + 1).ok_or(Full::NoMemory)?;
        pool.copy(self.block, 0..len, larger);
        pool.give_back(&mut self.block);
        self.block = larger;
        Ok(())
    }

    /// Puts `extent` in before the one at `index`. There must be room.
    fn insert(&mut self, pool: &mut Pool<Extent>, index: usize, extent: Extent) {
        let len = usize::from(self.len);
        let cells = pool.get_mut(self.block);
        if index <= len && len < cells.len() {
            cells.copy_within(index..len, index + 1);
            cells[index] = extent;
            self.len += 1;
        }
    }

    fn remove(&mut self, pool: &mut Pool<Extent>, range: Range<usize>) {
        let all = self.all_mut(pool);
        if range.start < range.end && range.end <= all.len() {
            all.copy_within(range.end.., range.start);
            self.len -= range.len() as u16;
        }
    }

    fn release(&mut self, pool: &mut Pool<Extent>) {
        pool.give_back(&mut self.block);
        self.len = 0;
    }
}

/// Where bytes are: extents that neither overlap nor touch.
#[derive(Debug, Default)]
pub(super) struct Runs(List);

impl Runs {
    /// The first run that ends behind `at`.
    pub(super) fn after(&self, pool: &Pool<Extent>, at: u64) -> Option<Extent> {
        let all = self.0.all(pool);
        all.get(all.partition_point(|run| run.end <= at)).copied()
    }

    /// End of the last run; 0 without one.
    pub(super) fn end(&self, pool: &Pool<Extent>) -> u64 {
        self.0.all(pool).last().map_or(0, |run| run.end)
    }

    /// The runs that share a byte with `extent`.
    pub(super) fn overlapping<'a>(&self, pool: &'a Pool<Extent>, extent: Extent) -> &'a [Extent] {
        let all = self.0.all(pool);
        let first = all.partition_point(|run| run.end <= extent.start);
        let behind = all.partition_point(|run| run.start < extent.end);
        all.get(first..behind).unwrap_or(&[])
    }

    /// Indices of the runs that share a byte with `extent`, or touch it.
    fn touching(&self, pool: &Pool<Extent>, extent: Extent) -> Range<usize> {
        let all = self.0.all(pool);
        let first = all.partition_point(|run| run.end < extent.start);
        first..all.partition_point(|run| run.start <= extent.end)
    }

    /// Makes room for `extent`, among at most `max` runs.
    pub(super) fn make_room(
        &mut self,
        pool: &mut Pool<Extent>,
        extent: Extent,
        max: usize,
    ) -> Result<(), Full> {
        if self.touching(pool, extent).is_empty() { self.0.make_room(pool, max) } else { Ok(()) }
    }

    /// Adds `extent`, for which [`Runs::make_room`] has found room.
    pub(super) fn add(&mut self, pool: &mut Pool<Extent>, extent: Extent) {
        let touching = self.touching(pool, extent);
        if touching.is_empty() {
            self.0.insert(pool, touching.start, extent);
            return;
        }
        let last = self.0.all(pool).get(touching.end - 1).copied().unwrap_or(extent);
        if let Some(first) = self.0.all_mut(pool).get_mut(touching.start) {
            first.start = first.start.min(extent.start);
            first.end = last.end.max(extent.end);
        }
        self.0.remove(pool, touching.start + 1..touching.end);
    }

    /// Forgets the runs that end at `at` or before.
    pub(super) fn forget_before(&mut self, pool: &mut Pool<Extent>, at: u64) {
        let forgotten = self.0.all(pool).partition_point(|run| run.end <= at);
        self.0.remove(pool, 0..forgotten);
    }

    pub(super) fn release(&mut self, pool: &mut Pool<Extent>) {
        self.0.release(pool);
    }
}

/// Which segments brought the bytes that are not acknowledged yet, for [`super::OverlapPolicy`]. Together they
/// cover what of the runs is not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Segments(List);

impl Segments {
    /// All of them, in the order of their starts.
    pub(super) fn all<'a>(&self, pool: &'a Pool<Extent>) -> &'a [Extent] {
        self.0.all(pool)
    }

    /// One that shares a byte with `segment` or touches it, such that the two in one keep the order.
    fn touching(&self, pool: &Pool<Extent>, segment: Extent) -> Option<usize> {
        let all = self.0.all(pool);
        let behind = all.partition_point(|old| old.start <= segment.start);
        let before = all.get(..behind)?.iter().rposition(|old| old.end >= segment.start);
        before.or_else(|| (all.get(behind)?.start <= segment.end).then_some(behind))
    }

    /// Makes room for `segment`, among at most `max`.
    pub(super) fn make_room(
        &mut self,
        pool: &mut Pool<Extent>,
        segment: Extent,
        max: usize,
    ) -> Result<(), Full> {
        self.0
            .make_room(pool, max)
            .or_else(|full| if self.touching(pool, segment).is_some() { Ok(()) } else { Err(full) })
    }

    /// Adds `segment`, for which [`Segments::make_room`] has found room: where the list is full, it becomes one
    /// with a segment that it touches. Then fewer overlaps replace what is there.
    pub(super) fn add(&mut self, pool: &mut Pool<Extent>, segment: Extent, max: usize) {
        if self.0.make_room(pool, max).is_ok() {
            let behind = self.0.all(pool).partition_point(|old| old.start <= segment.start);
            self.0.insert(pool, behind, segment);
        } else if let Some(index) = self.touching(pool, segment)
            && let Some(old) = self.0.all_mut(pool).get_mut(index)
        {
            *old = Extent::new(old.start.min(segment.start), old.end.max(segment.end));
        }
    }

    /// Forgets the segments that end at `at` or before.
    pub(super) fn forget_before(&mut self, pool: &mut Pool<Extent>, at: u64) {
        let all = self.0.all_mut(pool);
        let candidates = all.partition_point(|segment| segment.start < at);
        let mut kept = 0;
        for index in 0..candidates {
            if all[index].end > at {
                all[kept] = all[index];
                kept += 1;
            }
        }
        self.0.remove(pool, kept..candidates);
    }

    pub(super) fn release(&mut self, pool: &mut Pool<Extent>) {
        self.0.release(pool);
    }
}
