//! Frames from memory, for tests and benches: burst boundaries and repetition are the caller's choice.

use contract::LinkType;

use crate::{Burst, Frame, FrameMeta, PacketSource, Polled, SourceError};

/// A source over frames that it holds.
#[derive(Clone, Debug)]
pub struct MemorySource {
    frames: Vec<Box<[u8]>>,
    link: LinkType,
    /// Frames of each poll in turn; empty = as many as asked for.
    bursts: Vec<usize>,
    polls: usize,
    passes_left: u64,
    next: usize,
    number: u64,
    /// Time of the first frame and the step to each next one.
    clock: Option<(u64, u64)>,
    detached: Vec<bool>,
}

impl MemorySource {
    /// A source that gives `frames`, of link type `link`, once.
    pub fn new(link: LinkType, frames: impl IntoIterator<Item = impl Into<Box<[u8]>>>) -> Self {
        Self {
            frames: frames.into_iter().map(Into::into).collect(),
            link,
            bursts: Vec::new(),
            polls: 0,
            passes_left: 1,
            next: 0,
            number: 0,
            clock: None,
            detached: Vec::new(),
        }
    }

    /// Gives bursts of these sizes in turn, over and over; 0 is a poll that finds nothing. A burst does not
    /// exceed what the caller asks for and does not cross the end of a pass.
    #[must_use]
    pub fn bursts(mut self, sizes: impl Into<Vec<usize>>) -> Self {
        self.bursts = sizes.into();
        // Nothing but empty polls would never end.
        if self.bursts.iter().all(|size| *size == 0) {
            self.bursts.clear();
        }
        self
    }

    /// Gives all frames `passes` times; their numbers go on counting.
    #[must_use]
    pub fn repeat(mut self, passes: u64) -> Self {
        self.passes_left = passes;
        self
    }

    /// Gives the first frame the time `first_ns` (nanoseconds since 1970) and each next one `step_ns` more.
    #[must_use]
    pub fn timestamps(mut self, first_ns: u64, step_ns: u64) -> Self {
        self.clock = Some((first_ns, step_ns));
        self
    }

    /// Frames of the next burst.
    fn size(&mut self, max: usize) -> usize {
        let wanted = match self.bursts.len() {
            0 => max,
            sizes => self.bursts.get(self.polls % sizes).copied().unwrap_or(max),
        };
        self.polls += 1;
        wanted.min(max).min(self.frames.len() - self.next)
    }
}

impl PacketSource for MemorySource {
    type Owned = Box<[u8]>;
    type Burst<'s> = MemoryBurst<'s>;

    fn poll(&mut self, max: usize) -> Result<Polled<MemoryBurst<'_>>, SourceError> {
        if self.next == self.frames.len() {
            self.passes_left = self.passes_left.saturating_sub(1);
            self.next = 0;
        }
        if self.passes_left == 0 || self.frames.is_empty() {
            return Ok(Polled::Exhausted);
        }
        let size = self.size(max);
        if size == 0 {
            return Ok(Polled::Idle);
        }
        let (first, before) = (self.next, self.number);
        self.next += size;
        self.number += size as u64;
        self.detached.clear();
        self.detached.resize(size, false);
        Ok(Polled::Burst(MemoryBurst {
            frames: self.frames.get(first..self.next).unwrap_or(&[]),
            detached: &mut self.detached,
            link: self.link,
            clock: self.clock,
            before,
        }))
    }
}

/// Frames of a [`MemorySource`].
#[derive(Debug)]
pub struct MemoryBurst<'s> {
    frames: &'s [Box<[u8]>],
    detached: &'s mut [bool],
    link: LinkType,
    clock: Option<(u64, u64)>,
    /// Frames given before this burst.
    before: u64,
}

impl Burst for MemoryBurst<'_> {
    type Owned = Box<[u8]>;

    fn len(&self) -> usize {
        self.frames.len()
    }

    #[inline]
    fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let bytes = self.frames.get(index)?;
        if *self.detached.get(index)? {
            return None;
        }
        let before = self.before + index as u64;
        let meta = FrameMeta {
            timestamp_ns: self.clock.map(|(first, step)| first + before * step),
            number: before + 1,
            wire_length: bytes.len() as u32,
            link: self.link,
            port: 0,
        };
        Some(Frame { bytes, meta })
    }

    fn detach(&mut self, index: usize) -> Option<Self::Owned> {
        let copy = self.frame(index)?.bytes.into();
        *self.detached.get_mut(index)? = true;
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use contract::LinkType;

    use super::MemorySource;
    use crate::{Burst, PacketSource, Polled};

    /// What each poll gave: the frames' first bytes, or nothing.
    fn polls(mut source: MemorySource, max: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match source.poll(max).unwrap() {
                Polled::Burst(burst) => {
                    let first = |index| burst.frame(index).unwrap().bytes[0];
                    all.push((0..burst.len()).map(first).collect());
                }
                Polled::Idle => all.push(Vec::new()),
                Polled::Exhausted => return all,
            }
        }
    }

    fn five() -> MemorySource {
        MemorySource::new(LinkType::RAW, (1..=5_u8).map(|byte| vec![byte; 3]))
    }

    #[test]
    fn boundaries_are_as_chosen() {
        assert_eq!(polls(five(), 64), [vec![1, 2, 3, 4, 5]]);
        assert_eq!(polls(five(), 2), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(
            polls(five().bursts([1, 0, 3]), 2),
            [vec![1], vec![], vec![2, 3], vec![4], vec![], vec![5]]
        );
        assert_eq!(polls(five().bursts([0, 0]), 9), [vec![1, 2, 3, 4, 5]]);
        assert_eq!(
            polls(five().repeat(2), 3),
            [vec![1, 2, 3], vec![4, 5], vec![1, 2, 3], vec![4, 5]]
        );
        assert!(polls(five().repeat(0), 3).is_empty());
        assert!(polls(MemorySource::new(LinkType::RAW, [[]; 0]), 3).is_empty());
    }

    #[test]
    fn numbers_and_times_go_on_and_a_frame_leaves_once() {
        let mut source = five().repeat(2).timestamps(100, 10);
        let _ = source.poll(64).unwrap();
        let Polled::Burst(mut burst) = source.poll(64).unwrap() else { panic!("no burst") };
        let meta = burst.frame(1).unwrap().meta;
        assert_eq!((meta.number, meta.timestamp_ns, meta.wire_length), (7, Some(160), 3));
        assert_eq!(burst.detach(1).as_deref(), Some(&[2_u8; 3][..]));
        assert!(burst.frame(1).is_none() && burst.detach(1).is_none() && burst.detach(5).is_none());
        assert_eq!(burst.len(), 5);
    }
}
