//! States of a connection, and what they mean for its flow.

/// State of a connection as the peer tracks it: one state for both ends.
///
/// The names are those of RFC 9293 section 3.3.2. Where the two ends are in different states it is the
/// server's: a FIN of the client makes [`TcpState::CloseWait`], one of the server
/// [`TcpState::FinWait1`]. The order is the peer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TcpState {
    /// No session: nothing was seen that starts one.
    #[default]
    None,
    /// The client has sent a SYN.
    SynSent,
    /// The server has answered it.
    SynRecv,
    /// Both have agreed.
    Established,
    /// The server has sent a FIN.
    FinWait1,
    /// The server's FIN has been acknowledged.
    FinWait2,
    /// Both FINs were sent, the server's first.
    TimeWait,
    /// Both FINs were sent, the client's first.
    LastAck,
    /// The client has sent a FIN.
    CloseWait,
    /// Both have sent FINs at the same time.
    Closing,
    /// The connection is over.
    Closed,
}

/// How far a flow has come: which of its timeouts holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// No connection, or one whose handshake goes on.
    #[default]
    New,
    /// A connection with at least one open direction.
    Established,
    /// Both directions are closed, or the connection was reset.
    Closed,
}

impl TcpState {
    /// From the first FIN on, until the connection is over.
    #[inline]
    pub(super) fn is_after_fin(self) -> bool {
        self > Self::Established && self < Self::Closed
    }

    /// The flow's stage.
    #[inline]
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::None | Self::SynSent | Self::SynRecv => Stage::New,
            Self::Established
            | Self::FinWait1
            | Self::FinWait2
            | Self::Closing
            | Self::CloseWait => Stage::Established,
            Self::LastAck | Self::TimeWait | Self::Closed => Stage::Closed,
        }
    }

    /// The peer's name, as in its `tcp.state` of flow records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::Established => "established",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::LastAck => "last_ack",
            Self::CloseWait => "close_wait",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}
