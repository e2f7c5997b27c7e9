//! How long a flow may be silent: by protocol, by stage, and shorter in an emergency.

use contract::FlowStage;

/// TCP's number in the IANA registry of IP protocols.
pub(crate) const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;

const NS_PER_S: u64 = 1_000_000_000;

/// Silence after which a flow has ended, by its stage, in nanoseconds of packet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTimeouts {
    /// [`FlowStage::New`].
    pub new_ns: u64,
    /// [`FlowStage::Established`].
    pub established_ns: u64,
    /// [`FlowStage::Closed`].
    pub closed_ns: u64,
    /// [`FlowStage::Bypassed`].
    pub bypassed_ns: u64,
}

impl StageTimeouts {
    const fn seconds(new: u64, established: u64, closed: u64, bypassed: u64) -> Self {
        Self {
            new_ns: new * NS_PER_S,
            established_ns: established * NS_PER_S,
            closed_ns: closed * NS_PER_S,
            bypassed_ns: bypassed * NS_PER_S,
        }
    }

    #[inline]
    const fn of(&self, stage: FlowStage) -> u64 {
        match stage {
            FlowStage::New => self.new_ns,
            FlowStage::Established => self.established_ns,
            FlowStage::Closed => self.closed_ns,
            FlowStage::Bypassed => self.bypassed_ns,
        }
    }
}

/// The time-outs of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolTimeouts {
    /// While there is room.
    pub normal: StageTimeouts,
    /// While the table is nearly full. Not longer than the normal ones.
    pub emergency: StageTimeouts,
}

/// All time-outs. The defaults are those of the peer's `flow-timeouts` (Suricata 7.0.10,
/// `suricata.yaml`, which explains them, too).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP.
    pub tcp: ProtocolTimeouts,
    /// UDP.
    pub udp: ProtocolTimeouts,
    /// ICMP. `ICMPv6` goes by `default`, as in the peer.
    pub icmp: ProtocolTimeouts,
    /// All other protocols.
    pub default: ProtocolTimeouts,
}

impl Default for Timeouts {
    fn default() -> Self {
        let connectionless = ProtocolTimeouts {
            normal: StageTimeouts::seconds(30, 300, 0, 100),
            emergency: StageTimeouts::seconds(10, 100, 0, 50),
        };
        Self {
            tcp: ProtocolTimeouts {
                normal: StageTimeouts::seconds(60, 600, 60, 100),
                emergency: StageTimeouts::seconds(5, 100, 10, 50),
            },
            udp: connectionless,
            icmp: connectionless,
            default: connectionless,
        }
    }
}

impl Timeouts {
    /// The silence that ends a flow of an IP protocol in `stage`, ns.
    #[inline]
    #[must_use]
    pub const fn of(&self, protocol: u8, stage: FlowStage, emergency: bool) -> u64 {
        let timeouts = match protocol {
            TCP => &self.tcp,
            UDP => &self.udp,
            ICMP => &self.icmp,
            _ => &self.default,
        };
        if emergency { timeouts.emergency.of(stage) } else { timeouts.normal.of(stage) }
    }
}

#[cfg(test)]
mod tests {
    use contract::FlowStage;

    use super::{NS_PER_S, Timeouts};

    /// Protocol, then seconds by stage, normal and in an emergency: the values of the peer's
    /// `suricata.yaml`.
    const PEERS: [(u8, [u64; 4], [u64; 4]); 5] = [
        (6, [60, 600, 60, 100], [5, 100, 10, 50]),
        (17, [30, 300, 0, 100], [10, 100, 0, 50]),
        (1, [30, 300, 0, 100], [10, 100, 0, 50]),
        (58, [30, 300, 0, 100], [10, 100, 0, 50]),
        (132, [30, 300, 0, 100], [10, 100, 0, 50]),
    ];

    #[test]
    fn the_defaults_are_the_peers() {
        let timeouts = Timeouts::default();
        for (protocol, normal, emergency) in PEERS {
            for (index, stage) in FlowStage::ALL.iter().enumerate() {
                let of = |emergency| timeouts.of(protocol, *stage, emergency) / NS_PER_S;
                assert_eq!((of(false), of(true)), (normal[index], emergency[index]), "{protocol}");
            }
        }
    }

    #[test]
    fn each_protocol_has_its_own() {
        let mut timeouts = Timeouts::default();
        for (protocol, ns) in [(6, 1), (17, 2), (1, 3), (58, 4), (47, 4)] {
            timeouts.tcp.normal.new_ns = 1;
            timeouts.udp.normal.new_ns = 2;
            timeouts.icmp.normal.new_ns = 3;
            timeouts.default.normal.new_ns = 4;
            assert_eq!(timeouts.of(protocol, FlowStage::New, false), ns, "{protocol}");
        }
    }
}
