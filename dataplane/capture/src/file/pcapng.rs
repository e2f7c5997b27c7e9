//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces, and the three kinds of packet blocks.

use contract::LinkType;

use super::bytes::Order;
use super::{FRAME_BYTES_MAX, Found, Step, WINDOW_BYTES};

/// Interfaces of a section at most; their index has 16 bits in [`crate::FrameMeta`].
const INTERFACES_MAX: usize = 1 << 16;

/// Bytes of a block without body: type, length, length again (section 3.1 of the draft).
const BLOCK_BYTES_MIN: usize = 12;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET_OBSOLETE: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_TIMESTAMP_RESOLUTION: u16 = 9;
const OPTION_TIMESTAMP_OFFSET: u16 = 14;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// The section that is being read.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
}

/// What an interface says of its packets.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// 0 = no limit.
    snap_length: u32,
    units_per_second: u64,
    offset_s: i64,
}

impl Interface {
    #[inline]
    fn nanoseconds(&self, ticks: u64) -> u64 {
        let time = if NS_PER_SECOND.is_multiple_of(self.units_per_second) {
            ticks.saturating_mul(NS_PER_SECOND / self.units_per_second)
        } else {
            let exact = u128::from(ticks) * u128::from(NS_PER_SECOND);
            u64::try_from(exact / u128::from(self.units_per_second)).unwrap_or(u64::MAX)
        };
        time.saturating_add_signed(self.offset_s.saturating_mul(NS_PER_SECOND as i64))
    }
}

impl Pcapng {
    /// Whether a file that begins with `head` is pcapng; the section header is read as the first block.
    pub(super) fn detect(head: &[u8]) -> Option<Self> {
        // The block type reads the same in both byte orders.
        (Order::Little.u32(head, 0)? == SECTION_HEADER)
            .then(|| Self { order: Order::Little, interfaces: Vec::new() })
    }

    /// Reads the block at the start of `bytes`.
    #[inline]
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        let Some(kind) = self.order.u32(bytes, 0) else {
            return Step::More { needed: BLOCK_BYTES_MIN };
        };
        if kind == SECTION_HEADER {
            match Order::Little.u32(bytes, 8) {
                None => return Step::More { needed: BLOCK_BYTES_MIN },
                Some(BYTE_ORDER_MAGIC) => self.order = Order::Little,
                Some(magic) if magic == BYTE_ORDER_MAGIC.swap_bytes() => self.order = Order::Big,
                Some(_) => return Step::Bad("a section has no byte order"),
            }
        }
        let Some(total) = self.order.u32(bytes, 4) else {
            return Step::More { needed: BLOCK_BYTES_MIN };
        };
        let size = total as usize;
        if size < BLOCK_BYTES_MIN || !size.is_multiple_of(4) {
            return Step::Bad("a block has an impossible length");
        }
        match kind {
            SECTION_HEADER
            | INTERFACE_DESCRIPTION
            | PACKET_OBSOLETE
            | SIMPLE_PACKET
            | ENHANCED_PACKET => self.known(kind, bytes, size),
            _ => Step::Skip { size: total.into() },
        }
    }

    #[inline]
    fn known(&mut self, kind: u32, bytes: &[u8], size: usize) -> Step {
        if size > WINDOW_BYTES {
            return Step::Bad("a block is longer than the reading window");
        }
        let Some(block) = bytes.get(..size) else { return Step::More { needed: size } };
        if self.order.u32(block, size - 4) != Some(size as u32) {
            return Step::Bad("a block's two lengths differ");
        }
        // From the block's start, so that offsets are as in the draft; without the second length.
        let block = block.get(..size - 4).unwrap_or(&[]);
        let step = match kind {
            SECTION_HEADER => self.section(block),
            INTERFACE_DESCRIPTION => self.interface(block),
            PACKET_OBSOLETE | ENHANCED_PACKET => self.packet(kind, block),
            _ => self.simple_packet(block),
        };
        step.unwrap_or(Step::Bad("a block is too short for its fields"))
    }

    /// Section header block (section 4.1): interfaces are numbered anew.
    fn section(&mut self, block: &[u8]) -> Option<Step> {
        if self.order.u16(block, 12)? != 1 {
            return Some(Step::Bad("a section's version is not 1"));
        }
        self.interfaces.clear();
        Some(skip(block))
    }

    /// Interface description block (section 4.2).
    fn interface(&mut self, block: &[u8]) -> Option<Step> {
        let mut interface = Interface {
            link: LinkType(self.order.u16(block, 8)?),
            snap_length: self.order.u32(block, 12)?,
            units_per_second: 1_000_000,
            offset_s: 0,
        };
        let mut at = 16;
        while let (Some(code), Some(length)) =
            (self.order.u16(block, at), self.order.u16(block, at + 2))
        {
            match (code, length) {
                (OPTION_END, _) => break,
                (OPTION_TIMESTAMP_RESOLUTION, 1) => {
                    let Some(units) = units_per_second(*block.get(at + 4)?) else {
                        return Some(Step::Bad("an interface's time resolution is out of range"));
                    };
                    interface.units_per_second = units;
                }
                (OPTION_TIMESTAMP_OFFSET, 8) => {
                    interface.offset_s = self.order.u64(block, at + 4)?.cast_signed();
                }
                _ => {}
            }
            at += 4 + usize::from(length).next_multiple_of(4);
        }
        if self.interfaces.len() == INTERFACES_MAX {
            return Some(Step::Bad("a section has too many interfaces"));
        }
        self.interfaces.push(interface);
        Some(skip(block))
    }

    /// Enhanced packet block (section 4.3) and its forerunner (appendix A), which has 16 bits for the
    /// interface and 16 for a drop count.
    #[inline]
    fn packet(&self, kind: u32, block: &[u8]) -> Option<Step> {
        let number = if kind == ENHANCED_PACKET {
            self.order.u32(block, 8)?
        } else {
            self.order.u16(block, 8)?.into()
        };
        let Some(interface) = self.interfaces.get(number as usize) else {
            return Some(Step::Bad("a packet is of an interface that is not described"));
        };
        let ticks =
            u64::from(self.order.u32(block, 12)?) << 32 | u64::from(self.order.u32(block, 16)?);
        let found = Found {
            timestamp_ns: Some(interface.nanoseconds(ticks)),
            wire_length: self.order.u32(block, 24)?,
            link: interface.link,
            interface: number as u16,
        };
        Some(frame(block, 28, self.order.u32(block, 20)? as usize, found))
    }

    /// Simple packet block (section 4.4): no time, of interface 0, cut at its snap length.
    fn simple_packet(&self, block: &[u8]) -> Option<Step> {
        let wire_length = self.order.u32(block, 8)?;
        let Some(interface) = self.interfaces.first() else {
            return Some(Step::Bad("a packet is of an interface that is not described"));
        };
        let limit = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
        let found = Found { timestamp_ns: None, wire_length, link: interface.link, interface: 0 };
        Some(frame(block, 12, wire_length.min(limit) as usize, found))
    }
}

/// The frame of `length` bytes at `start` of a block that lacks its last 4 bytes.
#[inline]
fn frame(block: &[u8], start: usize, length: usize, found: Found) -> Step {
    if length > FRAME_BYTES_MAX {
        return Step::Bad("a packet claims to be longer than any capture is");
    }
    if start + length > block.len() {
        return Step::Bad("a packet is longer than its block");
    }
    Step::Frame { size: block.len() + 4, start, length, found }
}

fn skip(block: &[u8]) -> Step {
    Step::Skip { size: block.len() as u64 + 4 }
}

/// `if_tsresol` (section 4.2): 10^-n seconds, or 2^-n with the top bit set.
fn units_per_second(code: u8) -> Option<u64> {
    let exponent = u32::from(code & 0x7f);
    if code & 0x80 != 0 { 1_u64.checked_shl(exponent) } else { 10_u64.checked_pow(exponent) }
}
