//! Link layers: Ethernet with VLAN tags, bare IP, BSD loopback.

use contract::LinkType;

use crate::DecodeError;
use crate::read::{array, u16_at};

/// VLAN tags that are skipped at most, as in the peer; a frame with more is malformed.
pub const VLAN_TAGS_MAX: usize = 3;

/// Bytes of an Ethernet header (IEEE 802.3): two addresses and the EtherType.
const ETHERNET_BYTES: usize = 14;
/// Bytes of a VLAN tag (IEEE 802.1Q), counted from its control information to the next EtherType.
const TAG_BYTES: usize = 4;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number that many switches used for stacked tags before 802.1ad.
const TPIDS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// `LINKTYPE_` numbers of bare IP beside [`LinkType::RAW`]: the two `DLT_RAW` of BSDs found in files.
const RAW_OLD: [u16; 2] = [12, 14];
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;

/// IP version that the link layer announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// A decoded link header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) family: Family,
    pub(crate) network_offset: usize,
    pub(crate) vlan: [u16; 2],
}

#[inline]
pub(crate) fn parse(link: LinkType, frame: &[u8]) -> Result<Link, DecodeError> {
    let (family, network_offset) = match link {
        LinkType::ETHERNET => return ethernet(frame),
        LinkType::RAW => (by_version(frame)?, 0),
        LinkType::NULL => (by_address_family(frame)?, 4),
        LinkType(LINKTYPE_IPV4) => (Family::V4, 0),
        LinkType(LINKTYPE_IPV6) => (Family::V6, 0),
        LinkType(number) if RAW_OLD.contains(&number) => (by_version(frame)?, 0),
        LinkType(_) => return Err(DecodeError::UnknownLink),
    };
    Ok(Link { family, network_offset, vlan: [0; 2] })
}

#[inline]
fn ethernet(frame: &[u8]) -> Result<Link, DecodeError> {
    let mut ethertype = u16_at(frame, ETHERNET_BYTES - 2).ok_or(DecodeError::LinkCut)?;
    let mut offset = ETHERNET_BYTES;
    let mut vlan = [0; 2];
    let mut tags = 0;
    loop {
        let family = match ethertype {
            ETHERTYPE_IPV4 => Family::V4,
            ETHERTYPE_IPV6 => Family::V6,
            tpid if TPIDS.contains(&tpid) => {
                if tags == VLAN_TAGS_MAX {
                    return Err(DecodeError::TooManyTags);
                }
                let [a, b, c, d] = array(frame, offset).ok_or(DecodeError::LinkCut)?;
                if let Some(id) = vlan.get_mut(tags) {
                    // The low 12 bits are the identifier; priority and DEI are no part of it.
                    *id = u16::from_be_bytes([*a, *b]) & 0x0fff;
                }
                ethertype = u16::from_be_bytes([*c, *d]);
                tags += 1;
                offset += TAG_BYTES;
                continue;
            }
            _ => return Err(DecodeError::NotIp),
        };
        return Ok(Link { family, network_offset: offset, vlan });
    }
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
