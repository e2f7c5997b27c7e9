//! Which of two segments' bytes a receiver keeps (Novak and Sturges, "Target-Based TCP Stream Reassembly", 2007).
//!
//! Receivers of the same name differ by version, and the paper's table is older than most of those in use; the
//! rules here are those that Suricata 7.0.10 was seen to follow.

use std::fmt;
use std::str::FromStr;

use super::extents::Extent;

/// How a receiver settles overlaps of data that it has not acknowledged yet.
///
/// The names are those of the peer's `host-os-policy` (Suricata manual, "Suricata.yaml", host-os-policy), and
/// two of our own for the plain rules. Where a byte was brought by several segments, a new one must win over
/// each of them. (The peer overlooks a stored segment that reaches farther than one behind it which ends before
/// the new one: then the new one wins there whatever the policy.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum OverlapPolicy {
    /// The bytes that came first.
    First,
    /// The bytes that came last.
    Last,
    /// Those that came first, unless the new segment starts before the stored one. The peer's default.
    #[default]
    Bsd,
    /// As [`OverlapPolicy::Bsd`].
    BsdRight,
    /// As [`OverlapPolicy::Bsd`], and new bytes win where it starts with the stored one and is longer.
    Linux,
    /// As [`OverlapPolicy::Bsd`], and new bytes win where it starts with the stored one and is not shorter.
    OldLinux,
    /// Those of the segment that ends last; of two that end together, the new one unless it starts later.
    Solaris,
    /// As [`OverlapPolicy::Solaris`].
    OldSolaris,
    /// As [`OverlapPolicy::Bsd`].
    Hpux10,
    /// As [`OverlapPolicy::Solaris`].
    Hpux11,
    /// As [`OverlapPolicy::Bsd`].
    Irix,
    /// As [`OverlapPolicy::Bsd`].
    Macos,
    /// The bytes that came first.
    Vista,
    /// As [`OverlapPolicy::Bsd`].
    Windows,
    /// As [`OverlapPolicy::Bsd`].
    Windows2k3,
}

impl OverlapPolicy {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::First,
        Self::Last,
        Self::Bsd,
        Self::BsdRight,
        Self::Linux,
        Self::OldLinux,
        Self::Solaris,
        Self::OldSolaris,
        Self::Hpux10,
        Self::Hpux11,
        Self::Irix,
        Self::Macos,
        Self::Vista,
        Self::Windows,
        Self::Windows2k3,
    ];

    /// The name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Bsd => "bsd",
            Self::BsdRight => "bsd-right",
            Self::Linux => "linux",
            Self::OldLinux => "old-linux",
            Self::Solaris => "solaris",
            Self::OldSolaris => "old-solaris",
            Self::Hpux10 => "hpux10",
            Self::Hpux11 => "hpux11",
            Self::Irix => "irix",
            Self::Macos => "macos",
            Self::Vista => "vista",
            Self::Windows => "windows",
            Self::Windows2k3 => "windows2k3",
        }
    }

    /// Whether a segment that comes `new` replaces the bytes of an `old` one.
    pub(super) const fn replaces(self, new: Extent, old: Extent) -> bool {
        let earlier = new.start < old.start;
        let together = new.start == old.start;
        match self {
            Self::First | Self::Vista => false,
            Self::Last => true,
            Self::Bsd
            | Self::BsdRight
            | Self::Hpux10
            | Self::Irix
            | Self::Macos
            | Self::Windows
            | Self::Windows2k3 => earlier,
            Self::Linux => earlier || (together && new.end > old.end),
            Self::OldLinux => earlier || (together && new.end >= old.end),
            Self::Solaris | Self::OldSolaris | Self::Hpux11 => {
                new.end > old.end || (new.end == old.end && new.start <= old.start)
            }
        }
    }
}

/// A name that is no [`OverlapPolicy`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPolicy(String);

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = OverlapPolicy::ALL.map(OverlapPolicy::name).join(", ");
        write!(f, "no overlap policy is called {:?}; there are {names}", self.0)
    }
}

impl std::error::Error for UnknownPolicy {}

impl FromStr for OverlapPolicy {
    type Err = UnknownPolicy;

    /// By [`OverlapPolicy::name`], in lower or upper case.
    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        let found = Self::ALL.into_iter().find(|policy| policy.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownPolicy(name.to_owned()))
    }
}
