//! Link layers, one behind another, until IP: each is named by what the one before it says.
//!
//! What is followed is what the peer follows. Layers that carry a whole frame of their own without IP
//! around them (MPLS pseudo-wires, NSH, FabricPath, provider backbones) belong to the same packet, as in
//! the peer; tunnels over IP are packets of their own, see [`crate::tunnel`].

mod mpls;
mod nsh;
mod ppp;

use contract::LinkType;

use crate::DecodeError;
use crate::read::{array, u16_at};

/// VLAN tags that are skipped at most, as in the peer; a frame with more is malformed.
pub const VLAN_TAGS_MAX: usize = 3;
/// Link layers that are followed at most, as in the peer (`decoder.max-layers`); a frame with more is
/// malformed.
pub const LINK_LAYERS_MAX: usize = 16;

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
const LINKTYPE_PPP: u16 = 9;
const LINKTYPE_CHDLC: u16 = 104;
const LINKTYPE_SLL: u16 = 113;
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;

/// EtherTypes (IEEE registry) that lead to IP.
pub(crate) mod ethertype {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const VLAN: u16 = 0x8100;
    /// Transparent Ethernet bridging: a whole frame follows.
    pub(crate) const BRIDGE: u16 = 0x6558;
    pub(crate) const PPP: u16 = 0x880b;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
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

/// A place in a frame, and what has been met on the way there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) family: Family,
    pub(crate) network_offset: usize,
    pub(crate) vlan: [u16; 2],
}

/// The walk over the layers.
struct Walk<'a> {
    frame: &'a [u8],
    offset: usize,
    vlan: [u16; 2],
    tags: usize,
}

/// Follows the link layers of a captured frame.
#[inline]
pub(crate) fn parse(link: LinkType, frame: &[u8]) -> Result<Link, DecodeError> {
    let (layer, offset) = match link {
        LinkType::ETHERNET => {
            let kind = u16_at(frame, ETHERNET_BYTES - 2).ok_or(DecodeError::LinkCut)?;
            (Layer::Type(kind), ETHERNET_BYTES)
        }
        LinkType::RAW => (Layer::Ip(by_version(frame)?), 0),
        LinkType::NULL => (Layer::Ip(by_address_family(frame)?), NULL_BYTES),
        LinkType(LINKTYPE_PPP) => (Layer::Ppp, 0),
        LinkType(LINKTYPE_CHDLC) => (type_before(frame, CHDLC_BYTES)?, CHDLC_BYTES),
        LinkType(LINKTYPE_SLL) => (type_before(frame, SLL_BYTES)?, SLL_BYTES),
        LinkType(LINKTYPE_IPV4) => (Layer::Ip(Family::V4), 0),
        LinkType(LINKTYPE_IPV6) => (Layer::Ip(Family::V6), 0),
        LinkType(number) if RAW_OLD.contains(&number) => (Layer::Ip(by_version(frame)?), 0),
        LinkType(_) => return Err(DecodeError::UnknownLink),
    };
    follow(layer, frame, offset, [0; 2])
}

/// Follows the link layers from `layer` at `offset` of `frame`; `vlan` are the tags of a carrier that
/// hands its own on (ERSPAN).
#[inline]
pub(crate) fn follow(
    mut layer: Layer,
    frame: &[u8],
    offset: usize,
    vlan: [u16; 2],
) -> Result<Link, DecodeError> {
    let tags = vlan.iter().filter(|tag| **tag != 0).count();
    let mut walk = Walk { frame, offset, vlan, tags };
    for _ in 0..LINK_LAYERS_MAX {
        layer = match layer {
            Layer::Ip(family) => {
                return Ok(Link { family, network_offset: walk.offset, vlan: walk.vlan });
            }
            Layer::Type(kind) => walk.by_type(kind)?,
            Layer::Ethernet => walk.skip_to_type(ETHERNET_BYTES)?,
            Layer::Tag => walk.tag()?,
            Layer::Ppp => ppp::bare(frame, &mut walk.offset)?,
        };
    }
    Err(DecodeError::TooManyLayers)
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
            ethertype::BRIDGE => Ok(Layer::Ethernet),
            ethertype::MPLS | ethertype::MPLS_MULTICAST => {
                mpls::parse(self.frame, &mut self.offset)
            }
            ethertype::PPPOE_SESSION => ppp::over_ethernet(self.frame, &mut self.offset),
            ethertype::BACKBONE => self.skip_to_type(BACKBONE_TAG_BYTES),
            ethertype::VNTAG => self.skip_to_type(VNTAG_BYTES),
            ethertype::NSH => nsh::parse(self.frame, &mut self.offset),
            ethertype::FABRICPATH => {
                self.offset += FABRICPATH_TAG_BYTES;
                Ok(Layer::Ethernet)
            }
            _ => Err(DecodeError::NotIp),
        }
    }

    /// Skips a header of `bytes` whose last two are an EtherType.
    fn skip_to_type(&mut self, bytes: usize) -> Result<Layer, DecodeError> {
        let layer = type_before(self.frame, self.offset + bytes)?;
        self.offset += bytes;
        Ok(layer)
    }

    fn tag(&mut self) -> Result<Layer, DecodeError> {
        if self.tags == VLAN_TAGS_MAX {
            return Err(DecodeError::TooManyTags);
        }
        let control = u16_at(self.frame, self.offset).ok_or(DecodeError::LinkCut)?;
        if let Some(id) = self.vlan.get_mut(self.tags) {
            // The low 12 bits are the identifier; priority and DEI are no part of it.
            *id = control & 0x0fff;
        }
        self.tags += 1;
        self.skip_to_type(TAG_BYTES)
    }
}

/// The EtherType that ends at `end`.
fn type_before(frame: &[u8], end: usize) -> Result<Layer, DecodeError> {
    u16_at(frame, end - 2).map(Layer::Type).ok_or(DecodeError::LinkCut)
}

fn by_version(frame: &[u8]) -> Result<Family, DecodeError> {
    match frame.first().ok_or(DecodeError::IpCut)? >> 4 {
        4 => Ok(Family::V4),
        6 => Ok(Family::V6),
        _ => Err(DecodeError::IpVersion),
    }
}

/// The 4-byte address family of BSD loopback is in the byte order of the machine that captured, and
/// `AF_INET6` has another number on each system (`LINKTYPE_NULL` in the tcpdump registry).
fn by_address_family(frame: &[u8]) -> Result<Family, DecodeError> {
    let family = *array::<4>(frame, 0).ok_or(DecodeError::LinkCut)?;
    let value = u32::from_le_bytes(family);
    let value = if value > u32::from(u16::MAX) { value.swap_bytes() } else { value };
    match value {
        2 => Ok(Family::V4),
        10 | 24 | 28 | 30 => Ok(Family::V6),
        _ => Err(DecodeError::NotIp),
    }
}
