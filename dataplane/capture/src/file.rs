//! Capture files: classic pcap and pcapng, read through one buffer that never grows.
//!
//! Why not mapped into memory: `docs/adr/0002-capture-files.md`.

mod bytes;
mod pcap;
mod pcapng;
mod progress;
mod window;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use contract::LinkType;

use crate::{Burst, Frame, FrameMeta, PacketSource, Polled, SourceError};
use pcap::Pcap;
use pcapng::Pcapng;
pub use progress::Progress;
pub use window::WINDOW_BYTES;
use window::Window;

/// Longest captured frame that is believed: the largest snap length that libpcap writes. A record that
/// claims more ends the reading as damaged, since nothing after it can be trusted.
pub const FRAME_BYTES_MAX: usize = 262_144;

/// What the bytes at a record's start turn out to be. `size` is that of the whole record.
#[derive(Debug)]
enum Step {
    /// A frame.
    Frame { size: usize, start: usize, length: usize, found: Found },
    /// No frame; only the beginning of the record need be in the window.
    Skip { size: u64 },
    /// So many bytes are needed to tell.
    More { needed: usize },
    /// The record contradicts itself.
    Bad(&'static str),
}

/// What a record says of its frame.
#[derive(Clone, Copy, Debug)]
struct Found {
    timestamp_ns: Option<u64>,
    wire_length: u32,
    link: LinkType,
    interface: u16,
}

/// The two formats.
#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl Format {
    /// Recognises the file by its first bytes; with the format, how many of them are used up.
    fn detect(head: &[u8]) -> Result<(Self, usize), &'static str> {
        if let Some(pcapng) = Pcapng::detect(head) {
            return Ok((Self::Pcapng(pcapng), 0));
        }
        Pcap::parse(head).map(|(pcap, used)| (Self::Pcap(pcap), used))
    }

    fn step(&mut self, bytes: &[u8]) -> Step {
        match self {
            Self::Pcap(pcap) => pcap.step(bytes),
            Self::Pcapng(pcapng) => pcapng.step(bytes),
        }
    }
}

/// A frame of the current burst: where it lies in the window.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: usize,
    length: usize,
    meta: FrameMeta,
    detached: bool,
}

/// Where the reading stands.
#[derive(Debug)]
enum State {
    Reading,
    /// The frames before the error were delivered in the last burst; the next poll reports it.
    Failing(SourceError),
    Ended,
}

/// A capture file as a packet source. Memory use does not depend on the file's size.
///
/// Bursts do not cross the window's end, so they may hold fewer frames than asked for.
#[derive(Debug)]
pub struct FileSource<R = File> {
    name: String,
    window: Window<R>,
    format: Format,
    slots: Vec<Slot>,
    packets: u64,
    state: State,
    progress: Progress,
}

impl FileSource<File> {
    /// Opens the capture file at `path`.
    ///
    /// # Errors
    /// [`SourceError::Open`] if it cannot be read, [`SourceError::Format`] if it does not begin as pcap or
    /// pcapng.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let name = path.as_ref().display().to_string();
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Self::new(file, name, Some(length)),
            Err(reason) => Err(SourceError::Open { path: name, reason }),
        }
    }
}

impl<R: Read> FileSource<R> {
    /// A source that reads from `reader`. `name` stands for the path in errors; `bytes_total` is for
    /// [`Progress`], where it is known.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    pub fn new(reader: R, name: String, bytes_total: Option<u64>) -> Result<Self, SourceError> {
        let mut window = Window::new(reader);
        if let Err(reason) = window.fill() {
            return Err(SourceError::Open { path: name, reason });
        }
        match Format::detect(window.bytes()) {
            Ok((format, used)) => {
                window.consume(used as u64);
                let progress = Progress::new(bytes_total);
                let slots = Vec::new();
                Ok(Self {
                    name,
                    window,
                    format,
                    slots,
                    packets: 0,
                    state: State::Reading,
                    progress,
                })
            }
            Err(reason) => Err(SourceError::Format { path: name, reason: reason.to_owned() }),
        }
    }

    /// A handle that tells how far the reading is, also from another thread.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Fills `slots` with frames that all lie in the window as it is at the end.
    fn gather(&mut self, max: usize) -> Result<(), SourceError> {
        self.slots.clear();
        while self.slots.len() < max {
            match self.format.step(self.window.bytes()) {
                Step::Frame { size, start, length, found } => {
                    self.take(start, length, &found);
                    self.window.consume(size as u64);
                }
                Step::Skip { size } => self.window.consume(size),
                // Refilling moves the bytes that the burst borrows.
                Step::More { .. } if !self.slots.is_empty() => break,
                Step::More { needed } => {
                    if !self.refill(needed)? {
                        break;
                    }
                }
                Step::Bad(reason) => return Err(self.damaged(reason)),
            }
        }
        Ok(())
    }

    fn take(&mut self, start: usize, length: usize, found: &Found) {
        self.packets += 1;
        let meta = FrameMeta {
            timestamp_ns: found.timestamp_ns,
            number: self.packets,
            wire_length: found.wire_length.max(length as u32),
            link: found.link,
            port: found.interface,
        };
        let start = self.window.position() + start;
        self.slots.push(Slot { start, length, meta, detached: false });
    }

    /// Reads on; false at the file's orderly end.
    fn refill(&mut self, needed: usize) -> Result<bool, SourceError> {
        if needed > WINDOW_BYTES {
            return Err(self.damaged("a record is longer than the reading window"));
        }
        if let Err(error) = self.window.fill() {
            return Err(self.damaged(&error.to_string()));
        }
        if self.window.bytes().len() >= needed {
            return Ok(true);
        }
        if self.window.bytes().is_empty() && !self.window.is_skipping() {
            return Ok(false);
        }
        Err(self.damaged("the file ends in the middle of a record"))
    }

    fn damaged(&self, reason: &str) -> SourceError {
        SourceError::Damaged {
            path: self.name.clone(),
            offset: self.window.offset(),
            packets: self.packets,
            reason: reason.to_owned(),
        }
    }
}

impl<R: Read> PacketSource for FileSource<R> {
    type Owned = Box<[u8]>;
    type Burst<'s>
        = FileBurst<'s>
    where
        R: 's;

    fn poll(&mut self, max: usize) -> Result<Polled<FileBurst<'_>>, SourceError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return Ok(Polled::Exhausted),
            State::Failing(error) => return Err(error),
            State::Reading => {}
        }
        if max == 0 {
            self.state = State::Reading;
            return Ok(Polled::Idle);
        }
        let gathered = self.gather(max);
        self.progress.set(self.window.offset());
        match gathered {
            Err(error) if self.slots.is_empty() => return Err(error),
            Err(error) => self.state = State::Failing(error),
            Ok(()) if self.slots.is_empty() => return Ok(Polled::Exhausted),
            Ok(()) => self.state = State::Reading,
        }
        Ok(Polled::Burst(FileBurst { window: self.window.buffer(), slots: &mut self.slots }))
    }
}

/// Frames that lie in the window of a [`FileSource`].
#[derive(Debug)]
pub struct FileBurst<'s> {
    window: &'s [u8],
    slots: &'s mut [Slot],
}

impl Burst for FileBurst<'_> {
    type Owned = Box<[u8]>;

    fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let slot = self.slots.get(index).filter(|slot| !slot.detached)?;
        let bytes = self.window.get(slot.start..slot.start + slot.length)?;
        Some(Frame { bytes, meta: slot.meta })
    }

    fn detach(&mut self, index: usize) -> Option<Self::Owned> {
        let copy = self.frame(index)?.bytes.into();
        self.slots.get_mut(index)?.detached = true;
        Some(copy)
    }
}

#[cfg(test)]
mod tests;
