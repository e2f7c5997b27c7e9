//! pcapng (draft-ietf-opsawg-pcapng): one section, its interfaces, one enhanced packet block a frame.

use std::path::Path;

use contract::LinkType;

use super::{Bytes, Frame, write};

/// One interface of a pcapng file.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Link type of its frames.
    pub link: LinkType,
    /// Longest captured length; 0 = no limit.
    pub snap_length: u32,
    /// `if_tsresol`: 10^-n seconds, or 2^-n with the top bit set; without it microseconds.
    pub resolution: Option<u8>,
    /// `if_tsoffset`: seconds to add to each timestamp.
    pub offset_s: i64,
}

impl Interface {
    /// An interface with nanosecond timestamps.
    #[must_use]
    pub fn of(link: LinkType) -> Self {
        Self { link, snap_length: 0, resolution: Some(9), offset_s: 0 }
    }

    /// `time_ns` in units of this interface.
    fn ticks(&self, time_ns: u64) -> u64 {
        let time = i128::from(time_ns) - i128::from(self.offset_s) * 1_000_000_000;
        let code = self.resolution.unwrap_or(6);
        let exponent = u32::from(code & 0x7f);
        let per_second = if code & 0x80 != 0 { 1_i128 << exponent } else { 10_i128.pow(exponent) };
        (time * per_second / 1_000_000_000) as u64
    }
}

/// How a pcapng file is written.
#[derive(Clone, Debug)]
pub struct PcapngFile {
    /// The interfaces, by index.
    pub interfaces: Vec<Interface>,
    /// Byte order of the section.
    pub big_endian: bool,
    /// Adds what readers must skip: comments in packet blocks, and blocks of other types between them.
    pub extras: bool,
}

impl Default for PcapngFile {
    fn default() -> Self {
        Self {
            interfaces: vec![Interface::of(LinkType::ETHERNET)],
            big_endian: false,
            extras: false,
        }
    }
}

impl PcapngFile {
    /// The file's bytes.
    ///
    /// # Panics
    /// If a frame names an interface that is not there.
    #[must_use]
    pub fn bytes(&self, frames: impl IntoIterator<Item = impl Into<Frame>>) -> Vec<u8> {
        let mut file = Bytes::new(self.big_endian);
        block(&mut file, 0x0a0d_0d0a, |body| {
            body.u32(0x1a2b_3c4d);
            body.u16(1);
            body.u16(0);
            body.u64(u64::MAX); // length of the section: not given
        });
        for interface in &self.interfaces {
            block(&mut file, 1, |body| describe(body, interface));
        }
        for (index, frame) in frames.into_iter().enumerate() {
            let frame = frame.into();
            if self.extras {
                block(&mut file, 0x0bad, |body| body.u32(index as u32));
            }
            let interface = self.interfaces.get(frame.interface as usize);
            let interface = interface
                .unwrap_or_else(|| panic!("frame {index}: no interface {}", frame.interface));
            let ticks = interface.ticks(frame.time(index));
            let limit = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
            let captured = frame.bytes.len().min(limit as usize);
            block(&mut file, 6, |body| {
                body.u32(frame.interface);
                body.u32((ticks >> 32) as u32);
                body.u32(ticks as u32);
                body.u32(captured as u32);
                body.u32(frame.bytes.len() as u32);
                body.padded(&frame.bytes[..captured]);
                if self.extras {
                    option(body, 1, b"a comment");
                    option(body, 0, b"");
                }
            });
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

fn describe(body: &mut Bytes, interface: &Interface) {
    body.u16(interface.link.0);
    body.u16(0);
    body.u32(interface.snap_length);
    if let Some(resolution) = interface.resolution {
        option(body, 9, &[resolution]);
    }
    if interface.offset_s != 0 {
        body.u16(14);
        body.u16(8);
        body.u64(interface.offset_s as u64);
    }
    option(body, 0, b"");
}

fn option(body: &mut Bytes, code: u16, value: &[u8]) {
    body.u16(code);
    body.u16(value.len() as u16);
    body.padded(value);
}

fn block(file: &mut Bytes, kind: u32, fill: impl FnOnce(&mut Bytes)) {
    let mut body = Bytes::new(file.big_endian);
    fill(&mut body);
    let length = body.out.len() as u32 + 12;
    file.u32(kind);
    file.u32(length);
    file.out.extend(body.out);
    file.u32(length);
}
