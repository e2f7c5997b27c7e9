//! What every capture obeys: frames, bursts and the source that gives them.

use contract::LinkType;

use crate::SourceError;

/// One frame as a source shows it. The bytes are valid until the burst is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The captured bytes, contiguous.
    pub bytes: &'a [u8],
    /// What travels with them.
    pub meta: FrameMeta,
}

/// What travels with a frame, also over a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameMeta {
    /// Time of the packet, nanoseconds since 1970, where the source knows it (capture files).
    pub timestamp_ns: Option<u64>,
    /// Number of the packet in its source, from 1.
    pub number: u64,
    /// Length on the wire; more than the captured bytes where the capture was cut.
    pub wire_length: u32,
    /// Link type of the bytes.
    pub link: LinkType,
    /// Index of the port (interface).
    pub port: u16,
}

/// What a poll of a source gave.
#[derive(Debug)]
pub enum Polled<B> {
    /// One frame or more.
    Burst(B),
    /// Nothing now; ask again.
    Idle,
    /// Nothing any more: a capture file has been read to its end.
    Exhausted,
}

/// A source of packets: one receive queue, owned by one worker.
pub trait PacketSource {
    /// A frame that has left its burst, for the hand-over to another worker.
    type Owned: AsRef<[u8]> + Send + 'static;
    /// A burst that borrows the source.
    type Burst<'s>: Burst<Owned = Self::Owned>
    where
        Self: 's;

    /// Takes at most `max` frames. Never blocks.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot go on (a capture file that is cut, say). The frames before
    /// it have been delivered.
    fn poll(&mut self, max: usize) -> Result<Polled<Self::Burst<'_>>, SourceError>;
}

/// Frames that were received together. Dropping a burst gives its frames back to the source.
pub trait Burst {
    /// See [`PacketSource::Owned`].
    type Owned;

    /// Number of frames, detached ones included.
    fn len(&self) -> usize;

    /// Whether there is no frame.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frame `index`; `None` for one that cannot be shown as one piece (larger than the linearisation
    /// buffer), that was detached, or that is out of range.
    fn frame(&self, index: usize) -> Option<Frame<'_>>;

    /// Hints that frame `index` will be read soon.
    fn prefetch(&self, index: usize) {
        let _ = index;
    }

    /// Takes frame `index` out of the burst: the buffer itself where it can be given away, else a copy.
    /// `None` as for [`Burst::frame`].
    fn detach(&mut self, index: usize) -> Option<Self::Owned>;

    /// Frames of several segments that were copied together for this burst.
    fn linearised(&self) -> usize {
        0
    }
}
