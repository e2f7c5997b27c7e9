//! A source that gives its frames at a rate.

use capture::{Burst, Frame, FrameMeta, PacketSource, Polled, SourceError};
use contract::LinkType;
use pipeline::clock::{Clock, TscClock};

/// Ethernet frames in turn, for ever, one every `gap_ns`. A poll gets what has become due since the last,
/// as from a card's queue. The frames have no time of their own: they are received when they are polled.
pub struct PacedSource {
    frames: Vec<Box<[u8]>>,
    clock: TscClock,
    gap_ns: u64,
    /// When the next frame is due; `None` before the first poll.
    due_ns: Option<u64>,
    given: u64,
}

impl PacedSource {
    /// A source of `frames` at `per_second` of them, at least one.
    #[must_use]
    pub fn new(frames: Vec<Vec<u8>>, per_second: u64, clock: TscClock) -> Self {
        let frames = frames.into_iter().map(Vec::into_boxed_slice).collect();
        Self { frames, clock, gap_ns: 1_000_000_000 / per_second.max(1), due_ns: None, given: 0 }
    }
}

impl PacketSource for PacedSource {
    type Owned = Box<[u8]>;
    type Burst<'s> = PacedBurst<'s>;

    fn poll(&mut self, max: usize) -> Result<Polled<PacedBurst<'_>>, SourceError> {
        let now_ns = self.clock.now_ns();
        let due_ns = *self.due_ns.get_or_insert(now_ns);
        let Some(late_ns) = now_ns.checked_sub(due_ns) else { return Ok(Polled::Idle) };
        let count = (1 + late_ns / self.gap_ns).min(max as u64);
        self.due_ns = Some(due_ns + count * self.gap_ns);
        let before = self.given;
        self.given += count;
        Ok(Polled::Burst(PacedBurst { frames: &self.frames, before, count: count as usize }))
    }
}

/// Frames that were due together.
pub struct PacedBurst<'s> {
    frames: &'s [Box<[u8]>],
    before: u64,
    count: usize,
}

impl Burst for PacedBurst<'_> {
    type Owned = Box<[u8]>;

    fn len(&self) -> usize {
        self.count
    }

    fn frame(&self, index: usize) -> Option<Frame<'_>> {
        if index >= self.count {
            return None;
        }
        let number = self.before + index as u64;
        let bytes = self.frames.get(number as usize % self.frames.len().max(1))?;
        let meta = FrameMeta {
            timestamp_ns: None,
            number: number + 1,
            wire_length: bytes.len() as u32,
            link: LinkType::ETHERNET,
            port: 0,
        };
        Some(Frame { bytes, meta })
    }

    /// A copy: one worker owns every flow, so that nothing is handed over and the frame stays.
    fn detach(&mut self, index: usize) -> Option<Self::Owned> {
        self.frame(index).map(|frame| frame.bytes.into())
    }
}
