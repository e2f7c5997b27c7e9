//! Blocks of fragment data, and for each 8 bytes the fragment that they are of.

use super::policy::{Extent, Policy};

/// Data bytes of a block.
pub(super) const BLOCK_BYTES: usize = 2_048;
/// Fragments start at multiples of 8 bytes (RFC 791 section 3.1, RFC 8200 section 4.5).
const UNIT_BYTES: usize = 8;
const UNITS: usize = BLOCK_BYTES / UNIT_BYTES;
/// In the place of a block's number: there is none.
pub(super) const NO_BLOCK: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Block {
    data: [u8; BLOCK_BYTES],
    /// The fragment of each unit.
    owners: [Extent; UNITS],
    /// Bytes of each unit that are there: fewer than 8 only where a datagram ends.
    valid: [u8; UNITS],
}

/// All blocks, and those that are free.
#[derive(Debug)]
pub(super) struct Arena {
    blocks: Box<[Block]>,
    free: Vec<u32>,
}

/// What writing a piece of a fragment did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Bytes that were not there before.
    pub(super) filled: u32,
    /// Other bytes were there.
    pub(super) differs: bool,
}

impl Arena {
    /// As many blocks as fit `bytes`, at least two: a head and data.
    pub(super) fn new(bytes: usize) -> Self {
        let count = (bytes / size_of::<Block>()).clamp(2, NO_BLOCK as usize - 1);
        let block =
            Block { data: [0; BLOCK_BYTES], owners: [Extent::NONE; UNITS], valid: [0; UNITS] };
        Self { blocks: vec![block; count].into_boxed_slice(), free: (0..count as u32).collect() }
    }

    /// A block in which nothing is.
    pub(super) fn take(&mut self) -> Option<u32> {
        let block = self.free.pop()?;
        self.blocks[block as usize].valid.fill(0);
        Some(block)
    }

    /// Gives `block` back; nothing for [`NO_BLOCK`].
    pub(super) fn give_back(&mut self, block: u32) {
        if block != NO_BLOCK {
            self.free.push(block);
        }
    }

    /// Blocks that are free.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    /// The data of `block`.
    pub(super) fn data(&self, block: u32) -> &[u8; BLOCK_BYTES] {
        &self.blocks[block as usize].data
    }

    /// Puts `bytes`, at most a block, at the start of `block`.
    pub(super) fn fill(&mut self, block: u32, bytes: &[u8]) {
        self.blocks[block as usize].data[..bytes.len()].copy_from_slice(bytes);
    }

    /// Puts `bytes` of the fragment `new` at `at`, a multiple of 8, of `block`: where nothing is, and where
    /// `policy` prefers the new fragment to the one that is there.
    pub(super) fn write(
        &mut self,
        block: u32,
        at: usize,
        bytes: &[u8],
        new: Extent,
        policy: Policy,
    ) -> Written {
        let Block { data, owners, valid } = &mut self.blocks[block as usize];
        let mut written = Written::default();
        for (unit, chunk) in (at / UNIT_BYTES..).zip(bytes.chunks(UNIT_BYTES)) {
            let had = usize::from(valid[unit]);
            let place = &mut data[unit * UNIT_BYTES..][..chunk.len()];
            let common = had.min(chunk.len());
            written.differs |= place[..common] != chunk[..common];
            written.filled += (chunk.len() - common) as u32;
            if had == 0 || policy.replaces(new, owners[unit]) {
                place.copy_from_slice(chunk);
                owners[unit] = new;
            } else {
                place[common..].copy_from_slice(&chunk[common..]);
            }
            valid[unit] = had.max(chunk.len()) as u8;
        }
        written
    }
}
