//! What every flow has, whatever its protocol.

use contract::FlowKey;

/// Which way a packet of a flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the side that opened the flow.
    ToServer,
    /// To the side that opened the flow.
    ToClient,
}

impl Direction {
    /// 0 for [`Direction::ToServer`], 1 for [`Direction::ToClient`].
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::ToServer => 0,
            Self::ToClient => 1,
        }
    }
}

/// Idle times after which a flow has ended, in nanoseconds of packet time.
///
/// The defaults are the peer's for established flows: 600 s for TCP, 300 s for all else (Suricata
/// manual, "Flow Timeouts").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP.
    pub tcp_ns: u64,
    /// All other protocols.
    pub other_ns: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { tcp_ns: 600 * NS_PER_S, other_ns: 300 * NS_PER_S }
    }
}

const NS_PER_S: u64 = 1_000_000_000;
/// TCP's number in the IANA registry of IP protocols.
const TCP: u8 = 6;

impl Timeouts {
    /// The idle time for an IP protocol.
    #[inline]
    #[must_use]
    pub const fn of(&self, protocol: u8) -> u64 {
        if protocol == TCP { self.tcp_ns } else { self.other_ns }
    }
}

/// Identity, sides, times and sizes of a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowCore {
    /// Direction-free key.
    pub key: FlowKey,
    /// Unique within a boot.
    pub id: u64,
    /// The side that opened the flow is `key.low`.
    pub opened_by_low: bool,
    /// Packet time of the first packet, nanoseconds.
    pub first_ns: u64,
    /// Packet time of the latest packet, nanoseconds.
    pub last_ns: u64,
    /// Packets, by [`Direction::index`].
    pub packets: [u64; 2],
    /// Bytes on the wire, by [`Direction::index`].
    pub bytes: [u64; 2],
}

impl FlowCore {
    /// A flow that `key.low` opened or not, at packet time `now_ns`.
    #[must_use]
    pub const fn new(key: FlowKey, id: u64, opened_by_low: bool, now_ns: u64) -> Self {
        Self {
            key,
            id,
            opened_by_low,
            first_ns: now_ns,
            last_ns: now_ns,
            packets: [0; 2],
            bytes: [0; 2],
        }
    }

    /// The direction of a packet that runs from `key.low` or not.
    #[inline]
    #[must_use]
    pub const fn direction(&self, from_low: bool) -> Direction {
        if from_low == self.opened_by_low { Direction::ToServer } else { Direction::ToClient }
    }

    /// Counts one packet. Time does not run backwards: an older packet leaves `last_ns`.
    #[inline]
    pub fn count(&mut self, direction: Direction, wire_bytes: u32, now_ns: u64) {
        self.packets[direction.index()] += 1;
        self.bytes[direction.index()] += u64::from(wire_bytes);
        self.last_ns = self.last_ns.max(now_ns);
    }
}
