//! IP defragmentation: from fragments to the packet that the receiver will see.
//!
//! ```text
//! fragment ─ key ─► tracker ─► blocks of an arena: data, and for each 8 bytes the fragment that they are of
//!                      └─ first and last there, no gap ─► the whole packet, in a buffer that is kept
//! ```
//!
//! Where fragments overlap, receivers differ in which bytes they keep; [`Policy`] says how. All memory is
//! taken when a [`Defrag`] is made; the caller lends the buffer of the whole. Where it does not suffice, the datagram that has been silent longest is
//! given up, and counted. Time is that of the packets.

mod arena;
mod policy;
mod table;

use std::net::IpAddr;

use contract::{Event, EventSet};

pub use policy::Policy;

use arena::{Arena, BLOCK_BYTES, NO_BLOCK};
use policy::Extent;
use table::{NONE, Table};

/// Longest packet that can be put together: what IPv4's total length and IPv6's payload length can say.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Bytes of the buffer that the caller lends.
pub const WHOLE_BYTES_MAX: usize = DATAGRAM_BYTES_MAX;
/// Longest head (IP header, and extension headers before the fragment header) that is kept. A datagram with a
/// longer one is given up.
pub const HEAD_BYTES_MAX: usize = BLOCK_BYTES;
/// Blocks that the data of a datagram takes at most.
const BLOCKS_MAX: usize = DATAGRAM_BYTES_MAX.div_ceil(BLOCK_BYTES);

/// Limits of a worker's defragmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefragLimits {
    /// Datagrams that are put together at the same time. One more makes the longest silent one leave.
    pub datagrams_max: usize,
    /// Bytes of their fragments. More make the longest silent ones leave.
    pub bytes_max: usize,
    /// Silence after which a datagram is given up, ns of packet time. RFC 8200 section 4.5 has 60 s.
    pub timeout_ns: u64,
}

impl Default for DefragLimits {
    fn default() -> Self {
        Self { datagrams_max: 4_096, bytes_max: 8 << 20, timeout_ns: 60_000_000_000 }
    }
}

/// What the fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramKey {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Identification.
    pub id: u32,
    /// Protocol of the fragments: that of the whole for IPv4, 44 for IPv6.
    pub protocol: u8,
    /// VLAN tags.
    pub vlan: [u16; 2],
    /// Tunnels around the fragments.
    pub depth: u8,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// What comes before the data: the IP header, and for IPv6 the headers before the fragment header.
    pub head: &'a [u8],
    /// Where in the head the protocol of what follows stands, for IPv6.
    pub next_header_at: usize,
    /// Protocol of the whole. Only the first fragment's counts (RFC 8200 section 4.5).
    pub protocol: u8,
    /// The data.
    pub data: &'a [u8],
    /// Its place in the whole, a multiple of 8.
    pub offset: u16,
    /// More follow.
    pub more: bool,
}

/// What a fragment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for others.
    Waiting,
    /// It was the last that lacked: so many bytes of the buffer are the whole packet, from its IP header on.
    Whole(usize),
    /// It, or its datagram, was given up.
    GivenUp(GivenUp),
}

/// Why a fragment, or a datagram, is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GivenUp {
    /// The whole would be longer than an IP packet can be.
    TooLarge,
    /// A fragment that is not the last has no data, or not a multiple of 8 bytes of it.
    InvalidLength,
    /// The head is longer than [`HEAD_BYTES_MAX`].
    HeadTooLong,
    /// The arena is smaller than this one datagram.
    NoMemory,
}

/// What defragmentation has done, for the worker's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefragCounts {
    /// Datagrams put together.
    pub whole: u64,
    /// Datagrams given up because of their silence.
    pub timed_out: u64,
    /// Datagrams given up to make room for others.
    pub evicted: u64,
    /// Fragments, or datagrams, given up because of what they are, by [`GivenUp`].
    pub given_up: [u64; 4],
    /// Fragments that overlap another with other bytes than that one has.
    pub overlaps: u64,
}

/// A datagram of which not all fragments are there.
#[derive(Clone, Copy, Debug)]
struct Datagram {
    key: DatagramKey,
    last_ns: u64,
    /// Blocks of the data.
    blocks: [u32; BLOCKS_MAX],
    /// Block of the head; [`NO_BLOCK`] until the first fragment has come.
    head: u32,
    head_bytes: u16,
    next_header_at: u16,
    protocol: u8,
    /// Bytes that are there.
    covered: u32,
    /// End of the fragment that reaches farthest.
    end: u32,
    /// The last fragment has come.
    has_last: bool,
}

impl Datagram {
    const fn new(key: DatagramKey, now_ns: u64) -> Self {
        Self {
            key,
            last_ns: now_ns,
            blocks: [NO_BLOCK; BLOCKS_MAX],
            head: NO_BLOCK,
            head_bytes: 0,
            next_header_at: 0,
            protocol: 0,
            covered: 0,
            end: 0,
            has_last: false,
        }
    }

    const fn is_whole(&self) -> bool {
        self.has_last && self.head != NO_BLOCK && self.covered == self.end
    }
}

/// The fragments of one worker.
#[derive(Debug)]
pub struct Defrag {
    limits: DefragLimits,
    policy: Policy,
    table: Table<Datagram>,
    arena: Arena,
    counts: DefragCounts,
    /// The fragment that was taken in last overlaps another.
    overlapped: bool,
    /// Its data reach beyond what a packet's data can.
    too_large: bool,
}

impl Defrag {
    /// Takes all memory that `limits` allow. Overlaps are settled by `policy`.
    #[must_use]
    pub fn new(limits: DefragLimits, policy: Policy) -> Self {
        Self {
            limits,
            policy,
            table: Table::new(limits.datagrams_max),
            arena: Arena::new(limits.bytes_max),
            counts: DefragCounts::default(),
            overlapped: false,
            too_large: false,
        }
    }

    /// What it has done.
    #[must_use]
    pub const fn counts(&self) -> &DefragCounts {
        &self.counts
    }

    /// What was unusual about the fragment that was taken in last, with this `outcome`, by the events of its
    /// IP version. An overlap need not differ.
    #[must_use]
    pub fn events(&self, outcome: Outcome, v4: bool) -> EventSet {
        let [overlap, too_large, ignored] = if v4 {
            [Event::Ipv4FragOverlap, Event::Ipv4FragPktTooLarge, Event::Ipv4FragIgnored]
        } else {
            [Event::Ipv6FragOverlap, Event::Ipv6FragPktTooLarge, Event::Ipv6FragIgnored]
        };
        let lost = match outcome {
            Outcome::GivenUp(GivenUp::TooLarge) => self.too_large.then_some(too_large),
            Outcome::GivenUp(GivenUp::NoMemory | GivenUp::HeadTooLong) => Some(ignored),
            _ => None,
        };
        self.overlapped.then_some(overlap).into_iter().chain(lost).collect()
    }

    /// Datagrams of which not all fragments are there.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.table.len()
    }

    /// Takes in a fragment of the datagram of `key`, whose keyed hash is `hash`, at packet time `now_ns`. A
    /// datagram that is then whole is written to `whole`, of at least [`WHOLE_BYTES_MAX`] bytes.
    pub fn insert(
        &mut self,
        key: &DatagramKey,
        hash: u64,
        piece: &Piece<'_>,
        now_ns: u64,
        whole: &mut [u8],
    ) -> Outcome {
        self.give_up_silent(now_ns);
        (self.overlapped, self.too_large) = (false, false);
        let slot = match self.table.find(hash, |datagram| datagram.key == *key) {
            Some(slot) => slot,
            None => self.start(key, hash, now_ns),
        };
        match self.take(slot, piece, now_ns) {
            Ok(false) => Outcome::Waiting,
            Ok(true) => {
                self.counts.whole += 1;
                let bytes = self.assemble(slot, whole);
                self.release(slot);
                Outcome::Whole(bytes)
            }
            Err(reason) => {
                self.counts.given_up[reason as usize] += 1;
                // A fragment that cannot be leaves its datagram alone: else anyone could end it.
                let lost = matches!(reason, GivenUp::NoMemory | GivenUp::HeadTooLong);
                if lost || self.table.get(slot).is_some_and(|datagram| datagram.end == 0) {
                    self.release(slot);
                }
                Outcome::GivenUp(reason)
            }
        }
    }

    /// Gives up the datagrams that have been silent too long. The least recently used come first.
    fn give_up_silent(&mut self, now_ns: u64) {
        while let Some(slot) = self.table.oldest() {
            let silent = self.table.get(slot).map_or(0, |d| now_ns.saturating_sub(d.last_ns));
            if silent <= self.limits.timeout_ns {
                return;
            }
            self.counts.timed_out += 1;
            self.release(slot);
        }
    }

    fn start(&mut self, key: &DatagramKey, hash: u64, now_ns: u64) -> u32 {
        if self.table.is_full() {
            self.evict(NONE);
        }
        self.table.insert(hash, Datagram::new(*key, now_ns))
    }

    /// Gives up the longest silent datagram but `spared`; whether there was one.
    fn evict(&mut self, spared: u32) -> bool {
        let Some(slot) = self.table.oldest().filter(|slot| *slot != spared) else { return false };
        self.counts.evicted += 1;
        self.release(slot);
        true
    }

    fn release(&mut self, slot: u32) {
        if let Some(datagram) = self.table.remove(slot) {
            for block in datagram.blocks.into_iter().chain([datagram.head]) {
                self.arena.give_back(block);
            }
        }
    }

    /// A block for the datagram of `slot`, at the cost of others if need be.
    fn block(&mut self, slot: u32) -> Result<u32, GivenUp> {
        loop {
            if let Some(block) = self.arena.take() {
                return Ok(block);
            }
            if !self.evict(slot) {
                return Err(GivenUp::NoMemory);
            }
        }
    }

    /// Puts the fragment into its datagram; whether that is whole now.
    fn take(&mut self, slot: u32, piece: &Piece<'_>, now_ns: u64) -> Result<bool, GivenUp> {
        let start = usize::from(piece.offset);
        let end = start + piece.data.len();
        if piece.more && (piece.data.is_empty() || !piece.data.len().is_multiple_of(8)) {
            return Err(GivenUp::InvalidLength);
        }
        // The peer's event is about the data alone.
        self.too_large = end > DATAGRAM_BYTES_MAX;
        if end + piece.head.len() > DATAGRAM_BYTES_MAX {
            return Err(GivenUp::TooLarge);
        }
        self.table.touch(slot);
        if start == 0 {
            self.keep_head(slot, piece)?;
        }
        let mut covered = 0;
        let new = Extent::new(start, end);
        let mut at = start;
        let (mut differs, mut filled) = (false, true);
        while at < end {
            let (index, within) = (at / BLOCK_BYTES, at % BLOCK_BYTES);
            let block = self.data_block(slot, index)?;
            let upto = (within + (end - at)).min(BLOCK_BYTES);
            let bytes = &piece.data[at - start..at - start + (upto - within)];
            let written = self.arena.write(block, within, bytes, new, self.policy);
            covered += written.filled;
            differs |= written.differs;
            filled &= written.filled as usize == bytes.len();
            at += upto - within;
        }
        self.counts.overlaps += u64::from(differs);
        self.overlapped = !filled;
        let Some(datagram) = self.table.get_mut(slot) else { return Ok(false) };
        datagram.last_ns = datagram.last_ns.max(now_ns);
        datagram.covered += covered;
        datagram.end = datagram.end.max(end as u32);
        datagram.has_last |= !piece.more;
        Ok(datagram.is_whole())
    }

    fn data_block(&mut self, slot: u32, index: usize) -> Result<u32, GivenUp> {
        let there = self.table.get(slot).map_or(NO_BLOCK, |datagram| datagram.blocks[index]);
        if there != NO_BLOCK {
            return Ok(there);
        }
        let block = self.block(slot)?;
        if let Some(datagram) = self.table.get_mut(slot) {
            datagram.blocks[index] = block;
        }
        Ok(block)
    }

    /// Keeps the head of the first fragment: the first one that came, whatever the policy.
    fn keep_head(&mut self, slot: u32, piece: &Piece<'_>) -> Result<(), GivenUp> {
        if piece.head.len() > HEAD_BYTES_MAX {
            return Err(GivenUp::HeadTooLong);
        }
        if self.table.get(slot).is_some_and(|datagram| datagram.head != NO_BLOCK) {
            return Ok(());
        }
        let block = self.block(slot)?;
        self.arena.fill(block, piece.head);
        if let Some(datagram) = self.table.get_mut(slot) {
            datagram.head = block;
            datagram.head_bytes = piece.head.len() as u16;
            datagram.next_header_at = piece.next_header_at as u16;
            datagram.protocol = piece.protocol;
        }
        Ok(())
    }

    /// Writes the whole packet; its bytes, none where `whole` is too short.
    fn assemble(&self, slot: u32, whole: &mut [u8]) -> usize {
        let Some(datagram) = self.table.get(slot) else { return 0 };
        let (head_bytes, end) = (usize::from(datagram.head_bytes), datagram.end as usize);
        let Some(whole) = whole.get_mut(..head_bytes + end) else { return 0 };
        let (head, data) = whole.split_at_mut(head_bytes);
        head.copy_from_slice(&self.arena.data(datagram.head)[..head_bytes]);
        for (chunk, block) in data.chunks_mut(BLOCK_BYTES).zip(datagram.blocks) {
            chunk.copy_from_slice(&self.arena.data(block)[..chunk.len()]);
        }
        mend_head(head, end, datagram);
        head_bytes + end
    }
}

/// Makes the head of a first fragment that of the whole.
fn mend_head(head: &mut [u8], data_bytes: usize, datagram: &Datagram) {
    let total = head.len() + data_bytes;
    if datagram.key.source.is_ipv4() {
        let total = total as u16;
        // RFC 791 section 3.1: total length at 2, flags and fragment offset at 6.
        if let Some(length) = head.get_mut(2..4) {
            length.copy_from_slice(&total.to_be_bytes());
        }
        if let Some(flags) = head.get_mut(6..8) {
            flags.fill(0);
        }
    } else {
        // RFC 8200 section 4.5: the payload length is that of the whole, and the header before the fragment
        // header names what follows it.
        let payload = total.saturating_sub(40) as u16;
        if let Some(length) = head.get_mut(4..6) {
            length.copy_from_slice(&payload.to_be_bytes());
        }
        if let Some(next) = head.get_mut(usize::from(datagram.next_header_at)) {
            *next = datagram.protocol;
        }
    }
}

#[cfg(test)]
mod tests;
