//! How far a TCP connection has come, as far as its flags tell (RFC 9293 section 3.3.2).
//!
//! Sequence numbers are not looked at: what this decides is how long the flow is kept, and which flow makes
//! room for another, not what is inspected.

use flow::{Direction, FlowCore, FlowStage};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Ends of a connection that were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TcpStage {
    /// A FIN has come, by [`Direction::index`].
    finished: [bool; 2],
}

impl TcpStage {
    /// Whether a segment with `flags` opens a connection anew that was closed before.
    #[inline]
    pub(crate) const fn opens_anew(flags: u8, core: &FlowCore) -> bool {
        matches!(core.stage(), FlowStage::Closed) && flags & (SYN | ACK | RST | FIN) == SYN
    }

    /// Takes note of a segment, which `core` has counted. A connection is established by an
    /// acknowledgement without SYN after both sides have sent something: by the third segment of a
    /// handshake, or in the middle of one that was not seen from its start. It is closed by a reset, or when
    /// both sides have finished.
    #[inline]
    pub(crate) fn see(&mut self, direction: Direction, flags: u8, core: &mut FlowCore) {
        if matches!(core.stage(), FlowStage::Closed | FlowStage::Bypassed) {
            return;
        }
        if flags & FIN != 0 {
            self.finished[direction.index()] = true;
        }
        if flags & RST != 0 || self.finished == [true; 2] {
            core.set_stage(FlowStage::Closed);
        } else if flags & (SYN | ACK) == ACK && core.is_answered() {
            core.set_stage(FlowStage::Established);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use contract::FlowKey;
    use flow::Direction::{ToClient, ToServer};
    use flow::FlowStage::{Bypassed, Closed, Established, New};
    use flow::{Direction, FlowCore, FlowStage};

    use super::{ACK, FIN, RST, SYN, TcpStage};

    const SYN_ACK: u8 = SYN | ACK;
    const FIN_ACK: u8 = FIN | ACK;
    const RST_ACK: u8 = RST | ACK;

    /// A segment, and the stage after it.
    type Segment = (Direction, u8, FlowStage);

    const CASES: [(&str, &[Segment]); 7] = [
        (
            "a connection from its handshake to its end",
            &[
                (ToServer, SYN, New),
                (ToClient, SYN_ACK, New),
                (ToServer, ACK, Established),
                (ToClient, ACK, Established),
                (ToServer, FIN_ACK, Established),
                (ToClient, ACK, Established),
                (ToClient, FIN_ACK, Closed),
                (ToServer, ACK, Closed),
            ],
        ),
        (
            "a half-open one",
            &[(ToServer, SYN, New), (ToClient, SYN_ACK, New), (ToServer, SYN, New)],
        ),
        ("a port that is closed", &[(ToServer, SYN, New), (ToClient, RST_ACK, Closed)]),
        (
            "one that is reset",
            &[
                (ToServer, SYN, New),
                (ToClient, SYN_ACK, New),
                (ToServer, ACK, Established),
                (ToServer, RST, Closed),
                (ToClient, ACK, Closed),
            ],
        ),
        ("one side alone", &[(ToServer, ACK, New), (ToServer, ACK, New), (ToServer, FIN_ACK, New)]),
        ("from its middle on", &[(ToServer, ACK, New), (ToClient, ACK, Established)]),
        ("one that is bypassed", &[(ToServer, ACK, Bypassed), (ToClient, RST, Bypassed)]),
    ];

    fn flow() -> FlowCore {
        let end = (IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
        FlowCore::new(
            FlowKey { low: end, high: end, protocol: 6, vlan: [0; 2], depth: 0 },
            1,
            true,
            0,
        )
    }

    #[test]
    fn flags_tell_the_stage() {
        for (name, segments) in CASES {
            let (mut core, mut tcp) = (flow(), TcpStage::default());
            if segments[0].2 == Bypassed {
                core.set_stage(Bypassed);
            }
            for (index, (direction, flags, stage)) in segments.iter().enumerate() {
                core.count(*direction, 60, 0);
                tcp.see(*direction, *flags, &mut core);
                assert_eq!(core.stage(), *stage, "{name}, segment {index}");
            }
        }
    }

    #[test]
    fn only_a_syn_opens_a_closed_connection_anew() {
        let mut core = flow();
        assert!(!TcpStage::opens_anew(SYN, &core));
        core.set_stage(Closed);
        for (flags, anew) in [(SYN, true), (SYN_ACK, false), (SYN | RST, false), (ACK, false)] {
            assert_eq!(TcpStage::opens_anew(flags, &core), anew, "{flags}");
        }
    }
}
