//! Tests of the fields of a packet's headers.

use super::{NumberTest, Protocol};

impl Protocol {
    /// Whether a rule of this protocol can be about packets of IP protocol `number` (IANA registry).
    #[must_use]
    pub const fn covers(self, number: u8) -> bool {
        match self {
            Self::Ip | Self::PktHdr | Self::Ipv4 | Self::Ipv6 => true,
            Self::Tcp | Self::TcpPkt | Self::TcpStream => number == 6,
            Self::Udp => number == 17,
            Self::Icmp => matches!(number, 1 | 58),
            Self::Icmpv4 => number == 1,
            Self::Icmpv6 => number == 58,
            Self::Sctp => number == 132,
        }
    }

    /// Whether the rule is about IP, whatever it carries.
    #[must_use]
    pub const fn is_ip(self) -> bool {
        matches!(self, Self::Ip | Self::PktHdr | Self::Ipv4 | Self::Ipv6)
    }

    /// The IP version that the word names.
    #[must_use]
    pub const fn version(self) -> Option<IpVersion> {
        match self {
            Self::Ipv4 => Some(IpVersion::V4),
            Self::Ipv6 => Some(IpVersion::V6),
            _ => None,
        }
    }
}

/// A number that stands in a packet's headers. A packet without it passes no test of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `id`: identification of an IPv4 packet.
    IpId,
    /// `tos`: type of service of an IPv4 packet, all eight bits.
    Tos,
    /// `fragoffset`: for IPv4 in units of 8 bytes; for IPv6, where there is a fragment header, in bytes.
    FragmentOffset,
    /// `tcp.seq`.
    TcpSequence,
    /// `tcp.ack`, whether or not the ACK flag is set.
    TcpAcknowledgement,
    /// `tcp.window`, unscaled.
    TcpWindow,
    /// `tcp.mss`, where the option is there.
    TcpMss,
    /// `icmp_id`, of messages that have one.
    IcmpId,
    /// `icmp_seq`, of messages that have one.
    IcmpSequence,
    /// `icmpv6.mtu`, of Packet Too Big.
    Icmpv6Mtu,
}

impl Field {
    /// Every field, in the order of its index.
    pub const ALL: [Self; 10] = [
        Self::IpId,
        Self::Tos,
        Self::FragmentOffset,
        Self::TcpSequence,
        Self::TcpAcknowledgement,
        Self::TcpWindow,
        Self::TcpMss,
        Self::IcmpId,
        Self::IcmpSequence,
        Self::Icmpv6Mtu,
    ];

    /// Largest value that the field can have.
    #[must_use]
    pub const fn maximum(self) -> u32 {
        match self {
            Self::Tos => u8::MAX as u32,
            Self::TcpSequence | Self::TcpAcknowledgement | Self::Icmpv6Mtu => u32::MAX,
            _ => u16::MAX as u32,
        }
    }
}

/// A test of a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldTest {
    /// The field.
    pub field: Field,
    /// What it has to be.
    pub number: NumberTest,
}

/// A set of IP protocol numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpProtocols([u64; 4]);

impl IpProtocols {
    /// Every number.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// The numbers that `accepts` names.
    #[must_use]
    pub fn of(accepts: impl Fn(u8) -> bool) -> Self {
        let mut set = [0; 4];
        for number in (0..=u8::MAX).filter(|number| accepts(*number)) {
            if let Some(word) = set.get_mut(usize::from(number >> 6)) {
                *word |= 1 << (number & 63);
            }
        }
        Self(set)
    }

    /// Whether `number` is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(&self, number: u8) -> bool {
        self.0[(number >> 6) as usize] >> (number & 63) & 1 != 0
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(|number| self.contains(number) && other.contains(number))
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

/// What `ipopts` looks for among the options of an IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpOptionTest {
    /// Any option.
    Any,
    /// The option of this type (IANA registry of IP option numbers).
    Type(u8),
}

/// A test of the fragment bits of an IPv4 header (RFC 791 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentBitsTest {
    /// How they are compared.
    pub mode: FragmentBitsMode,
    /// Reserved 4, do not fragment 2, more fragments 1.
    pub bits: u8,
}

/// How fragment bits are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentBitsMode {
    /// Exactly these.
    Exact,
    /// These and at least one other (`+`).
    AndOthers,
    /// At least one of these (`*`).
    Any,
    /// Not all of these (`!`).
    NotAll,
}

impl FragmentBitsTest {
    /// Whether `bits` of a header pass.
    #[inline]
    #[must_use]
    pub const fn accepts(self, bits: u8) -> bool {
        let named = bits & self.bits;
        match self.mode {
            FragmentBitsMode::Exact => bits == self.bits,
            FragmentBitsMode::AndOthers => named == self.bits && bits != self.bits,
            FragmentBitsMode::Any => named != 0,
            FragmentBitsMode::NotAll => named != self.bits,
        }
    }
}

/// An IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A header with a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksummed {
    /// The IPv4 header itself.
    Ipv4,
    /// TCP in this version of IP.
    Tcp(IpVersion),
    /// UDP in this version of IP.
    Udp(IpVersion),
    /// ICMP (IPv4).
    Icmpv4,
    /// ICMPv6.
    Icmpv6,
}

/// A test of a checksum. A packet without the header passes neither way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumTest {
    /// Which checksum.
    pub of: Checksummed,
    /// It has to be right, else wrong.
    pub valid: bool,
}

#[cfg(test)]
mod tests {
    use super::{Field, IpProtocols};

    #[test]
    fn fields_stand_at_their_index() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index);
        }
    }

    #[test]
    fn sets_of_protocols() {
        let some = IpProtocols::of(|number| number == 0 || number > 250);
        let found: Vec<u8> = (0..=u8::MAX).filter(|number| some.contains(*number)).collect();
        assert_eq!(found, [0, 251, 252, 253, 254, 255]);
        assert_eq!(some.and(IpProtocols::ALL), some);
        assert!(some.and(IpProtocols::of(|number| number == 6)).is_empty());
    }
}
