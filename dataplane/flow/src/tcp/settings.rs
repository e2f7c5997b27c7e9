//! Settings of sessions, by the peer's names (Suricata manual, "Stream-engine").

use crate::stream::OverlapPolicy;

/// What holds for every session of a worker. The defaults are the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// `stream.midstream`: picks up connections whose handshake was not seen.
    pub midstream: bool,
    /// `stream.async-oneside`: follows connections of which only one direction is seen.
    pub async_oneside: bool,
    /// `stream.max-syn-queued`: different SYNs beside the first one, while no SYN/ACK has come. One more raises
    /// `3whs_syn_flood`. The values of the latest [`ALTERNATIVES_MAX`](super::ALTERNATIVES_MAX) are kept.
    pub syn_queued_max: u8,
    /// `stream.max-synack-queued`: different SYN/ACKs beside the first one. One more raises `3whs_synack_flood`.
    /// At most [`ALTERNATIVES_MAX`](super::ALTERNATIVES_MAX) are kept.
    pub synack_queued_max: u8,
    /// `stream.liberal-timestamps`: a timestamp may be one less than the one before it.
    pub liberal_timestamps: bool,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            midstream: false,
            async_oneside: false,
            syn_queued_max: 10,
            synack_queued_max: 5,
            liberal_timestamps: true,
        }
    }
}

/// How the host that receives a segment treats what the RFCs leave open (`host-os-policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// BSD, and those that do as it does here: IRIX, HP-UX 10, Mac OS.
    #[default]
    Bsd,
    /// Windows before 2003.
    Windows,
    /// Windows 2003.
    Windows2003,
    /// Windows Vista and later.
    Vista,
    /// Linux 2.4 and later.
    Linux,
    /// Linux before 2.4.
    OldLinux,
    /// Solaris.
    Solaris,
    /// HP-UX 11.
    HpUx11,
}

impl From<OverlapPolicy> for Host {
    /// The peer has one setting for how a host settles overlaps and for what is told here.
    fn from(policy: OverlapPolicy) -> Self {
        use OverlapPolicy as Policy;
        match policy {
            Policy::Windows => Self::Windows,
            Policy::Windows2k3 => Self::Windows2003,
            Policy::Vista => Self::Vista,
            Policy::Linux => Self::Linux,
            Policy::OldLinux => Self::OldLinux,
            Policy::Solaris | Policy::OldSolaris => Self::Solaris,
            Policy::Hpux11 => Self::HpUx11,
            Policy::First
            | Policy::Last
            | Policy::Bsd
            | Policy::BsdRight
            | Policy::Hpux10
            | Policy::Irix
            | Policy::Macos => Self::Bsd,
        }
    }
}

/// Which sequence number a RST needs to be obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResetRule {
    /// Exactly the next one (RFC 9293 section 3.10.7.4, which goes on to a challenge ACK otherwise).
    Exact,
    /// The next one or any after it.
    NextOrAfter,
    /// Any in the window.
    InWindow,
}

/// What a host does with timestamps where a handshake had the value 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZeroStart {
    /// It goes on without timestamps.
    TurnsOff,
    /// The next segment in order sets the value.
    TakesNext,
    /// 0 is a value like another.
    Counts,
}

impl Host {
    pub(super) const fn reset_rule(self) -> ResetRule {
        match self {
            Self::HpUx11 => ResetRule::NextOrAfter,
            Self::Linux | Self::OldLinux | Self::Solaris => ResetRule::InWindow,
            Self::Bsd | Self::Windows | Self::Windows2003 | Self::Vista => ResetRule::Exact,
        }
    }

    pub(super) const fn zero_start(self) -> ZeroStart {
        match self {
            Self::Linux | Self::Windows2003 => ZeroStart::TurnsOff,
            Self::OldLinux | Self::Windows | Self::Vista => ZeroStart::TakesNext,
            Self::Bsd | Self::Solaris | Self::HpUx11 => ZeroStart::Counts,
        }
    }

    /// A later timestamp of 0 is taken as one.
    pub(super) const fn takes_zero(self) -> bool {
        matches!(
            self,
            Self::OldLinux | Self::Windows | Self::Windows2003 | Self::Vista | Self::Solaris
        )
    }

    /// A RST is not obeyed after an ACK of something that the server never sent.
    pub(super) const fn ignores_reset_after_evasion(self) -> bool {
        matches!(self, Self::Linux | Self::OldLinux | Self::Solaris)
    }

    /// Timestamps of segments out of order are not looked at.
    pub(super) const fn stamps_in_order_only(self) -> bool {
        matches!(self, Self::HpUx11)
    }

    /// A segment without timestamps ends their use.
    pub(super) const fn missing_stamp_turns_off(self) -> bool {
        matches!(self, Self::Solaris)
    }
}
