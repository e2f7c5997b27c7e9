//! What decoding meets on its way: known also where it finds no packet.

use contract::{Event, EventSet};
use core::net::IpAddr;

use crate::DecodeError;
use crate::link::VLAN_TAGS_MAX;

/// Layers of one frame that are decoded at most, as in the peer (`decoder.max-layers`): link layers, IP and
/// GRE headers, and each tunnel. A frame with more is malformed (`decoder.too_many_layers`).
pub const LAYERS_MAX: u8 = 16;

/// The notes of one packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) events: EventSet,
    /// VLAN identifiers, the two outer ones.
    pub(crate) vlan: [u16; 2],
    /// VLAN tags.
    pub(crate) tags: usize,
    /// Layers, those of the carriers included.
    pub(crate) layers: u8,
    /// Addresses of an IP header that could be read although the packet cannot be decoded.
    pub(crate) addresses: Option<(IpAddr, IpAddr)>,
}

impl Notes {
    /// Notes of a packet that is carried: `layers` of its carriers, and the tags that these hand on.
    pub(crate) fn inside(layers: u8, vlan: [u16; 2]) -> Self {
        let tags = vlan.iter().filter(|tag| **tag != 0).count();
        Self { vlan, tags, layers, ..Self::default() }
    }

    /// Begins a layer.
    #[inline]
    pub(crate) fn layer(&mut self) -> Result<(), DecodeError> {
        self.layers += 1;
        if self.layers < LAYERS_MAX {
            return Ok(());
        }
        Err(self.fail(Event::TooManyLayers, DecodeError::TooManyLayers))
    }

    /// Takes down why there is no packet.
    #[cold]
    pub(crate) fn fail(&mut self, event: Event, error: DecodeError) -> DecodeError {
        self.events.insert(event);
        error
    }

    /// Begins a VLAN tag; the place of its identifier, if that is one of the two that are kept.
    pub(crate) fn tag(&mut self) -> Result<Option<&mut u16>, DecodeError> {
        if self.tags == VLAN_TAGS_MAX {
            return Err(self.fail(Event::VlanTooManyLayers, DecodeError::TooManyTags));
        }
        self.tags += 1;
        Ok(self.vlan.get_mut(self.tags - 1))
    }
}
