//! Link layers, one behind another, until IP: each is named by what the one before it says.
//!
//! What is followed is what the peer follows. Layers that carry a whole frame of their own without IP
//! around them (MPLS pseudo-wires, NSH, FabricPath, provider backbones) belong to the same packet, as in
//! the peer; tunnels over IP are packets of their own, see [`crate::tunnel`].

mod mpls;
mod nsh;
mod ppp;

use contract::{Event, LinkType};

use crate::DecodeError;
use crate::notes::Notes;
use crate::read::{array, u16_at};

/// VLAN tags that are skipped at most, as in the peer; a frame with more is malformed.
pub const VLAN_TAGS_MAX: usize = 3;

/// Bytes of an Ethernet header (IEEE 802.3): two addresses and the EtherType.
const ETHERNET_BYTES: usize = 14;
/// Bytes of a VLAN tag (IEEE 802.1Q), counted from its control information to the next EtherType.
const TAG_BYTES: usize = 4;
/// Bytes of a Linux "cooked" header (`LINKTYPE_LINUX_SLL`); the EtherType is its last two.
const SLL_BYTES: usize = 16;
/// Bytes of a Cisco HDLC header (`LINKTYPE_C_HDLC`); the EtherType is its last two.
const CHDLC_BYTES: usize = 4;
/// Bytes of a BSD loopback header.
const NULL_BYTES: usize = 4;
/// Bytes of a backbone service tag (IEEE 802.1ah): flags and service, the customer's addresses, the
/// EtherType.
const BACKBONE_TAG_BYTES: usize = 18;
/// Bytes of a VN-tag (IEEE 802.1Qbh): the tag and the EtherType.
const VNTAG_BYTES: usize = 6;
/// Bytes of FabricPath's tag, after which a whole Ethernet frame follows (Cisco DCE).
const FABRICPATH_TAG_BYTES: usize = 2;

/// `LINKTYPE_` numbers of bare IP beside [`LinkType::RAW`]: the two `DLT_RAW` of BSDs found in files.
const RAW_OLD: [u16; 2] = [12, 14];
/// Bytes of the shortest IP header, which the peer wants of bare IP before it looks at the version.
const IP_BYTES_MIN: usize = 20;
const LINKTYPE_PPP: u16 = 9;
const LINKTYPE_CHDLC: u16 = 104;
const LINKTYPE_SLL: u16 = 113;
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;

/// EtherTypes (IEEE registry) that lead to IP.
pub(crate) mod ethertype {
    pub(crate) const IPV4: u16 = 0x0800;
    /// No IP, but no unknown type either.
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const VLAN: u16 = 0x8100;
    /// Transparent Ethernet bridging: a whole frame follows.
    pub(crate) const BRIDGE: u16 = 0x6558;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
    pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const PROVIDER_VLAN: u16 = 0x88a8;
    pub(crate) const BACKBONE: u16 = 0x88e7;
    pub(crate) const FABRICPATH: u16 = 0x8903;
    pub(crate) const VNTAG: u16 = 0x8926;
    pub(crate) const NSH: u16 = 0x894f;
    /// The number that many switches used for stacked tags before 802.1ad.
    pub(crate) const OLD_STACKED_VLAN: u16 = 0x9100;
}

/// IP version that the link layer announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// The number in the first half-byte of the header.
    pub(crate) const fn version(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }
}

/// A layer, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// An Ethernet header.
    Ethernet,
    /// What the EtherType says.
    Type(u16),
    /// A VLAN tag's control information.
    Tag,
    /// PPP, from its address field on.
    Ppp,
    /// IP.
    Ip(Family),
}

/// Where the link layers end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) family: Family,
    pub(crate) network_offset: usize,
}

/// The walk over the layers.
struct Walk<'a> {
    frame: &'a [u8],
    offset: usize,
    notes: &'a mut Notes,
    /// What is wrong where the next layer's type is none that is known.
    unknown: Option<Event>,
}

/// Follows the link layers of a captured frame.
#[inline]
pub(crate) fn parse(link: LinkType, frame: &[u8], notes: &mut Notes) -> Result<Link, DecodeError> {
    let (layer, offset) = match link {
        LinkType::ETHERNET => (Layer::Ethernet, 0),
        LinkType::RAW => (Layer::Ip(by_version(frame, notes)?), 0),
        LinkType::NULL => (Layer::Ip(by_address_family(frame, notes)?), NULL_BYTES),
        LinkType(LINKTYPE_PPP) => (Layer::Ppp, 0),
        LinkType(LINKTYPE_CHDLC) => {
            (type_at_end(frame, CHDLC_BYTES, Event::ChdlcPktTooSmall, notes)?, CHDLC_BYTES)
        }
        LinkType(LINKTYPE_SLL) => {
            (type_at_end(frame, SLL_BYTES, Event::SllPktTooSmall, notes)?, SLL_BYTES)
        }
        LinkType(LINKTYPE_IPV4) => (Layer::Ip(Family::V4), 0),
        LinkType(LINKTYPE_IPV6) => (Layer::Ip(Family::V6), 0),
        LinkType(number) if RAW_OLD.contains(&number) => (Layer::Ip(by_version(frame, notes)?), 0),
        LinkType(_) => return Err(DecodeError::UnknownLink),
    };
    follow(layer, frame, offset, notes)
}

/// Follows the link layers from `layer` at `offset` of `frame`. Ends, since each counts in `notes`.
#[inline]
pub(crate) fn follow(
    mut layer: Layer,
    frame: &[u8],
    offset: usize,
    notes: &mut Notes,
) -> Result<Link, DecodeError> {
    let mut walk = Walk { frame, offset, notes, unknown: None };
    loop {
        layer = match layer {
            Layer::Ip(family) => return Ok(Link { family, network_offset: walk.offset }),
            Layer::Type(kind) => walk.by_type(kind)?,
            Layer::Ethernet => walk.skip(ETHERNET_BYTES, Event::EthernetPktTooSmall, None)?,
            Layer::Tag => walk.tag()?,
            Layer::Ppp => ppp::bare(frame, &mut walk.offset, walk.notes)?,
        };
    }
}

impl Walk<'_> {
    /// The layer that an EtherType announces, with the offset moved to where it starts.
    #[inline]
    fn by_type(&mut self, kind: u16) -> Result<Layer, DecodeError> {
        match kind {
            ethertype::IPV4 => Ok(Layer::Ip(Family::V4)),
            ethertype::IPV6 => Ok(Layer::Ip(Family::V6)),
            ethertype::VLAN | ethertype::PROVIDER_VLAN | ethertype::OLD_STACKED_VLAN => {
                Ok(Layer::Tag)
            }
            ethertype::MPLS | ethertype::MPLS_MULTICAST => {
                mpls::parse(self.frame, &mut self.offset, self.notes)
            }
            ethertype::PPPOE_SESSION => {
                ppp::over_ethernet(self.frame, &mut self.offset, self.notes)
            }
            ethertype::PPPOE_DISCOVERY => Err(ppp::discovery(self.frame, self.offset, self.notes)),
            ethertype::BACKBONE => {
                self.skip(BACKBONE_TAG_BYTES, Event::Ieee8021ahHeaderTooSmall, None)
            }
            ethertype::VNTAG => {
                let unknown = Some(Event::VntagUnknownType);
                self.skip(VNTAG_BYTES, Event::VntagHeaderTooSmall, unknown)
            }
            ethertype::NSH => nsh::parse(self.frame, &mut self.offset, self.notes),
            ethertype::FABRICPATH => {
                if self.offset + FABRICPATH_TAG_BYTES + ETHERNET_BYTES > self.frame.len() {
                    return Err(self.notes.fail(Event::DcePktTooSmall, DecodeError::LinkCut));
                }
                self.offset += FABRICPATH_TAG_BYTES;
                Ok(Layer::Ethernet)
            }
            ethertype::ARP => Err(DecodeError::NotIp),
            _ => {
                self.unknown.into_iter().for_each(|event| self.notes.events.insert(event));
                Err(DecodeError::NotIp)
            }
        }
    }

    /// Skips a header of `bytes` whose last two are an EtherType; `unknown` is raised where that is not
    /// known.
    #[inline]
    fn skip(
        &mut self,
        bytes: usize,
        too_small: Event,
        unknown: Option<Event>,
    ) -> Result<Layer, DecodeError> {
        let layer = type_at_end(self.frame, self.offset + bytes, too_small, self.notes)?;
        self.notes.layer()?;
        self.offset += bytes;
        self.unknown = unknown;
        Ok(layer)
    }

    fn tag(&mut self) -> Result<Layer, DecodeError> {
        let Some([high, low, ..]) = array::<TAG_BYTES>(self.frame, self.offset) else {
            return Err(self.notes.fail(Event::VlanHeaderTooSmall, DecodeError::LinkCut));
        };
        // The low 12 bits are the identifier; priority and DEI are no part of it.
        let identifier = u16::from_be_bytes([*high, *low]) & 0x0fff;
        if let Some(place) = self.notes.tag()? {
            *place = identifier;
        }
        self.skip(TAG_BYTES, Event::VlanHeaderTooSmall, Some(Event::VlanUnknownType))
    }
}

/// The EtherType that ends at `end`.
#[inline]
fn type_at_end(
    frame: &[u8],
    end: usize,
    too_small: Event,
    notes: &mut Notes,
) -> Result<Layer, DecodeError> {
    match u16_at(frame, end - 2) {
        Some(kind) => Ok(Layer::Type(kind)),
        None => Err(notes.fail(too_small, DecodeError::LinkCut)),
    }
}

fn by_version(frame: &[u8], notes: &mut Notes) -> Result<Family, DecodeError> {
    if frame.len() < IP_BYTES_MIN {
        return Err(notes.fail(Event::Ipv4PktTooSmall, DecodeError::IpCut));
    }
    match frame.first().map(|first| first >> 4) {
        Some(4) => Ok(Family::V4),
        Some(6) => Ok(Family::V6),
        _ => Err(notes.fail(Event::IprawInvalidIpVersion, DecodeError::IpVersion)),
    }
}

/// The 4-byte address family of BSD loopback is in the byte order of the machine that captured, and
/// `AF_INET6` has another number on each system (`LINKTYPE_NULL` in the tcpdump registry). The peer takes
/// the byte order of its own machine only.
fn by_address_family(frame: &[u8], notes: &mut Notes) -> Result<Family, DecodeError> {
    let Some(family) = array::<NULL_BYTES>(frame, 0) else {
        return Err(notes.fail(Event::LtnullPktTooSmall, DecodeError::LinkCut));
    };
    let value = u32::from_le_bytes(*family);
    let value = if value > u32::from(u16::MAX) { value.swap_bytes() } else { value };
    match value {
        2 => Ok(Family::V4),
        10 | 23 | 24 | 26 | 28 | 30 => Ok(Family::V6),
        _ => Err(notes.fail(Event::LtnullUnsupportedType, DecodeError::NotIp)),
    }
}
