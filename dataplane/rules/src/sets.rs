//! Membership of HIR's address and port sets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use crate::hir::{AddressSet, PortSet};

impl AddressSet {
    /// Every address of both families.
    #[must_use]
    pub fn any() -> Self {
        Self {
            v4: vec![Ipv4Addr::UNSPECIFIED..=Ipv4Addr::BROADCAST],
            v6: vec![Ipv6Addr::UNSPECIFIED..=Ipv6Addr::from_bits(u128::MAX)],
        }
    }

    /// Whether every address of both families is in the set.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::any()
    }

    /// Whether no address is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether `address` is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => contains(&self.v4, v4),
            IpAddr::V6(v6) => contains(&self.v6, v6),
        }
    }
}

impl PortSet {
    /// Every port.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![0..=u16::MAX])
    }

    /// Whether every port is in the set.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.0.as_slice(), [all] if *all == (0..=u16::MAX))
    }

    /// Whether no port is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `port` is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        contains(&self.0, port)
    }
}

/// Binary search in sorted, disjoint ranges.
fn contains<T: Copy + Ord>(ranges: &[RangeInclusive<T>], value: T) -> bool {
    let at = ranges.partition_point(|range| *range.end() < value);
    ranges.get(at).is_some_and(|range| *range.start() <= value)
}
