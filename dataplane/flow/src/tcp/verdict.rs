//! What a segment did to its session.

use contract::EventSet;

use super::TcpState;

/// The answer of [`Session::packet`](super::Session::packet).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What was noticed: `stream.*`, without `stream.reassembly_*`.
    pub events: EventSet,
    /// The segment belongs to the stream: its payload goes into the window.
    pub valid: bool,
    /// It does not belong to the stream. One that is neither valid nor refused has nothing for the window: a SYN, a
    /// keep-alive, a repeat. The payload of both is looked at as that of a packet, not as stream data.
    pub refused: bool,
    /// Halves whose numbering starts with this segment, by [`Direction::index`](crate::Direction::index): the
    /// sequence number of their first byte. It may come more than once, while the handshake goes on.
    pub begin: [Option<u32>; 2],
    /// Sequence number of the payload's first byte, where there is payload to take. What a valid RST carries is none,
    /// and is not looked at otherwise either.
    pub data: Option<u32>,
    /// The segment's FIN is taken: the half's data ends before this sequence number. Known before it is acknowledged.
    pub fin: Option<u32>,
    /// The opposite half is acknowledged up to here (exclusive).
    pub acked: Option<u32>,
    /// Halves that ended with this segment, by index: their FIN was acknowledged, or the connection was reset
    /// or closed. What they hold has to be looked at now.
    pub ended: [bool; 2],
    /// The connection was reset by this segment.
    pub reset: bool,
    /// The segment is the server's, though it opened the flow (a SYN/ACK without its SYN): the flow's sides are
    /// to be exchanged. This session has done so, the segment's half is the one to the client.
    pub reversed: bool,
    /// `flow:established` holds for the segment: the connection was established before it, or it is the handshake's
    /// last ACK, in order, with payload.
    pub established: bool,
    /// State after the segment.
    pub state: TcpState,
}
