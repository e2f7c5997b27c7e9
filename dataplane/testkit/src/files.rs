//! Capture files, written byte by byte so that tests can also write wrong ones.

mod pcap;
mod pcapng;

use std::path::Path;

pub use pcap::PcapFile;
pub use pcapng::{Interface, PcapngFile};

/// Timestamp of the first frame that has none of its own: 2024-01-01T00:00:00Z.
pub const FIRST_TIMESTAMP_NS: u64 = 1_704_067_200_000_000_000;
/// Time between two frames that have no timestamps of their own: 1 ms.
pub const TIMESTAMP_STEP_NS: u64 = 1_000_000;

/// One frame of a capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, before any snap length.
    pub bytes: Vec<u8>,
    /// Nanoseconds since 1970; without it the writer counts up from [`FIRST_TIMESTAMP_NS`].
    pub timestamp_ns: Option<u64>,
    /// Index of its interface (pcapng).
    pub interface: u32,
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, timestamp_ns: None, interface: 0 }
    }
}

impl From<&crate::Packet> for Frame {
    fn from(packet: &crate::Packet) -> Self {
        packet.build().into()
    }
}

impl From<crate::Packet> for Frame {
    fn from(packet: crate::Packet) -> Self {
        Self::from(&packet)
    }
}

impl From<&Self> for Frame {
    fn from(frame: &Self) -> Self {
        frame.clone()
    }
}

impl Frame {
    /// The frame at `timestamp_ns` nanoseconds since 1970.
    #[must_use]
    pub fn at(mut self, timestamp_ns: u64) -> Self {
        self.timestamp_ns = Some(timestamp_ns);
        self
    }

    /// The frame on interface `index` (pcapng).
    #[must_use]
    pub fn on(mut self, index: u32) -> Self {
        self.interface = index;
        self
    }

    fn time(&self, index: usize) -> u64 {
        self.timestamp_ns.unwrap_or(FIRST_TIMESTAMP_NS + index as u64 * TIMESTAMP_STEP_NS)
    }
}

/// Writes Ethernet frames as a classic pcap file with microseconds.
///
/// # Panics
/// If the file cannot be written.
pub fn write_pcap(path: impl AsRef<Path>, frames: impl IntoIterator<Item = impl Into<Frame>>) {
    PcapFile::default().write(path, frames);
}

/// Writes Ethernet frames as a pcapng file with one interface and nanoseconds.
///
/// # Panics
/// If the file cannot be written.
pub fn write_pcapng(path: impl AsRef<Path>, frames: impl IntoIterator<Item = impl Into<Frame>>) {
    PcapngFile::default().write(path, frames);
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// Writes integers in the byte order of a file.
#[derive(Clone, Debug)]
struct Bytes {
    out: Vec<u8>,
    big_endian: bool,
}

impl Bytes {
    fn new(big_endian: bool) -> Self {
        Self { out: Vec::new(), big_endian }
    }

    fn u16(&mut self, value: u16) {
        self.out.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn u32(&mut self, value: u32) {
        self.out.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn u64(&mut self, value: u64) {
        self.out.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.out.extend(bytes);
        self.out.resize(self.out.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests;
