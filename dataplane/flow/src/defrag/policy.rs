//! Which of two fragments' bytes a receiver keeps (Novak, "Target-Based Fragmentation Reassembly", 2005).

/// How a receiver settles overlaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The bytes that came first.
    First,
    /// The bytes that came last.
    Last,
    /// Those that came first, unless the new fragment starts before the old one.
    Bsd,
    /// Those that came last, unless the old fragment starts after the new one.
    BsdRight,
    /// Those that came first, unless the new fragment starts where the old one does, or before.
    Linux,
    /// Those that came first, unless the new fragment starts before the old one and ends behind it.
    #[default]
    Windows,
    /// Those that came first, unless the new fragment starts before the old one and does not end before it.
    Solaris,
}

/// Place of a fragment in the whole, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u16,
    pub(super) end: u16,
}

impl Extent {
    /// No fragment.
    pub(super) const NONE: Self = Self { start: 0, end: 0 };

    pub(super) const fn new(start: usize, end: usize) -> Self {
        // Ends are at most DATAGRAM_BYTES_MAX.
        Self { start: start as u16, end: end as u16 }
    }
}

impl Policy {
    /// Whether a fragment that comes `new` replaces the bytes of an `old` one.
    pub(super) const fn replaces(self, new: Extent, old: Extent) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => new.start < old.start,
            Self::BsdRight => new.start >= old.start,
            Self::Linux => new.start <= old.start,
            Self::Windows => new.start < old.start && new.end > old.end,
            Self::Solaris => new.start < old.start && new.end >= old.end,
        }
    }
}
