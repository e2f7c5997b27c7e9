//! Classic pcap (draft-ietf-opsawg-pcap).

use std::path::Path;

use contract::LinkType;

use super::{Bytes, Frame, write};

/// How a classic pcap file is written.
#[derive(Clone, Copy, Debug)]
pub struct PcapFile {
    /// Link type of every frame.
    pub link: LinkType,
    /// Timestamps in nanoseconds instead of microseconds.
    pub nanoseconds: bool,
    /// Byte order of the headers.
    pub big_endian: bool,
    /// Longest captured length; longer frames are cut.
    pub snap_length: u32,
}

impl Default for PcapFile {
    fn default() -> Self {
        Self {
            link: LinkType::ETHERNET,
            nanoseconds: false,
            big_endian: false,
            snap_length: 262_144,
        }
    }
}

impl PcapFile {
    /// A file of link type `link`, otherwise as the default.
    #[must_use]
    pub fn of(link: LinkType) -> Self {
        Self { link, ..Self::default() }
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self, frames: impl IntoIterator<Item = impl Into<Frame>>) -> Vec<u8> {
        let mut file = Bytes::new(self.big_endian);
        file.u32(if self.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
        file.u16(2);
        file.u16(4);
        file.u64(0);
        file.u32(self.snap_length);
        file.u32(u32::from(self.link.0));
        for (index, frame) in frames.into_iter().enumerate() {
            let frame = frame.into();
            let time = frame.time(index);
            let captured = frame.bytes.len().min(self.snap_length as usize);
            file.u32((time / 1_000_000_000) as u32);
            let below = (time % 1_000_000_000) as u32;
            file.u32(if self.nanoseconds { below } else { below / 1_000 });
            file.u32(captured as u32);
            file.u32(frame.bytes.len() as u32);
            file.out.extend(&frame.bytes[..captured]);
        }
        file.out
    }

    /// Writes the file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        frames: impl IntoIterator<Item = impl Into<Frame>>,
    ) {
        write(path.as_ref(), &self.bytes(frames));
    }
}
