//! Options of an IPv4 header (RFC 791 section 3.1), as a set.

/// Option types that the set knows (IANA registry of IP option numbers), in the order of their bits.
const TYPES: [u8; 12] = [
    0,   // end of options list
    1,   // no operation
    7,   // record route
    25,  // quick start (RFC 4782)
    68,  // timestamp
    130, // security (RFC 1108)
    131, // loose source route
    133, // extended security (RFC 1108)
    134, // commercial security (FIPS 188)
    136, // stream identifier
    137, // strict source route
    148, // router alert (RFC 2113)
];

/// A set of IPv4 options. Types that it does not know are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpOptions(u16);

impl IpOptions {
    /// No option.
    pub const EMPTY: Self = Self(0);

    /// Adds the option of type `kind`; whether it is one that the set knows and that was not there.
    #[inline]
    pub fn insert(&mut self, kind: u8) -> bool {
        let bit = bit(kind);
        let new = self.0 & bit != bit;
        self.0 |= bit;
        new
    }

    /// Whether the option of type `kind` is there.
    #[inline]
    #[must_use]
    pub fn contains(self, kind: u8) -> bool {
        self.0 & bit(kind) != 0
    }

    /// Whether no option is there.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The bit of option type `kind`; 0 where the set does not know it.
fn bit(kind: u8) -> u16 {
    TYPES.iter().position(|known| *known == kind).map_or(0, |place| 1 << place)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::IpOptions;

    #[test]
    fn known_types_are_kept_once() {
        let mut options = IpOptions::EMPTY;
        assert!(options.is_empty());
        assert!(options.insert(7) && options.insert(148) && options.insert(0));
        assert!(!options.insert(7) && !options.insert(99));
        let found: Vec<u8> = (0..=u8::MAX).filter(|kind| options.contains(*kind)).collect();
        assert_eq!(found, [0, 7, 148]);
        assert!(!options.is_empty());
    }
}
