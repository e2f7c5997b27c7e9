//! What every flow has, whatever its protocol.

use contract::{FiveTuple, FlowKey, FlowStage};

use crate::timeouts::TCP;

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

    /// The other way.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// Identity, sides, stage, times and sizes of a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowCore {
    /// Direction-free key.
    pub key: FlowKey,
    /// Unique within a boot.
    pub id: u64,
    /// The side that opened the flow is `key.low`.
    pub opened_by_low: bool,
    /// How far it has come.
    stage: FlowStage,
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
            stage: FlowStage::New,
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

    /// The sides turn out to be the other way round.
    pub const fn exchange_sides(&mut self) {
        self.opened_by_low = !self.opened_by_low;
        self.packets = [self.packets[1], self.packets[0]];
        self.bytes = [self.bytes[1], self.bytes[0]];
    }

    /// The five-tuple of packets that run in `direction`.
    #[must_use]
    pub const fn tuple(&self, direction: Direction) -> FiveTuple {
        let from_low = matches!(direction, Direction::ToServer) == self.opened_by_low;
        let FlowKey { low, high, protocol, .. } = self.key;
        let (from, to) = if from_low { (low, high) } else { (high, low) };
        FiveTuple {
            source: from.0,
            destination: to.0,
            source_port: from.1,
            destination_port: to.1,
            protocol,
        }
    }

    /// How far it has come.
    #[inline]
    #[must_use]
    pub const fn stage(&self) -> FlowStage {
        self.stage
    }

    /// Sets how far it has come: TCP by its handshake and its end, any flow that is bypassed.
    #[inline]
    pub const fn set_stage(&mut self, stage: FlowStage) {
        self.stage = stage;
    }

    /// Whether both sides have sent packets.
    #[inline]
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.packets[0] != 0 && self.packets[1] != 0
    }

    /// Counts one packet. Time does not run backwards: an older packet leaves `last_ns`. All but TCP, of
    /// which this does not know enough, is established as soon as both sides have sent packets.
    #[inline]
    pub fn count(&mut self, direction: Direction, wire_bytes: u32, now_ns: u64) {
        self.packets[direction.index()] += 1;
        self.bytes[direction.index()] += u64::from(wire_bytes);
        self.last_ns = self.last_ns.max(now_ns);
        if matches!(self.stage, FlowStage::New) && self.is_answered() && self.key.protocol != TCP {
            self.stage = FlowStage::Established;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use contract::{FlowKey, FlowStage};

    use super::Direction::{ToClient, ToServer};
    use super::FlowCore;

    fn flow(protocol: u8) -> FlowCore {
        let end = (IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
        let key = FlowKey { low: end, high: end, protocol, vlan: [0; 2], depth: 0 };
        FlowCore::new(key, 1, true, 100)
    }

    #[test]
    fn an_answer_establishes_all_but_tcp() {
        for (protocol, answered) in [
            (1, FlowStage::Established),
            (6, FlowStage::New),
            (17, FlowStage::Established),
            (132, FlowStage::Established),
        ] {
            let mut flow = flow(protocol);
            for _ in 0..2 {
                flow.count(ToServer, 60, 200);
                assert_eq!((flow.stage(), flow.is_answered()), (FlowStage::New, false));
            }
            flow.count(ToClient, 60, 150);
            assert_eq!((flow.stage(), flow.is_answered()), (answered, true), "{protocol}");
            assert_eq!((flow.packets, flow.bytes, flow.last_ns), ([2, 1], [120, 60], 200));
        }
    }

    #[test]
    fn no_packet_takes_a_later_stage_back() {
        for stage in [FlowStage::Closed, FlowStage::Bypassed] {
            let mut flow = flow(17);
            flow.set_stage(stage);
            flow.count(ToServer, 60, 200);
            flow.count(ToClient, 60, 200);
            assert_eq!(flow.stage(), stage);
        }
    }
}
