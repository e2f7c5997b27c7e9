//! Which worker owns a packet (design: Ownership).

use core::hash::Hasher;
use core::net::IpAddr;

use contract::FlowKey;
use siphasher::sip::SipHasher13;

use crate::{Decoded, Fragment};

/// A keyed hash of flow keys: the same for both directions of a conversation, and unpredictable without
/// the key, so that nobody outside can aim all traffic at one worker or one bucket.
#[derive(Clone, Copy, Debug)]
pub struct OwnerHash {
    hasher: SipHasher13,
    /// VLAN tags tell flows apart.
    by_vlan: bool,
}

/// Bytes of the longest input: two addresses, two ports, two VLAN tags, protocol and tunnel depth.
const INPUT_MAX: usize = 16 + 16 + 4 + 4 + 2;

/// The bytes to hash. The two kinds of input (flows, fragments) of the two address families have four
/// different lengths, which SipHash takes in: none is mistaken for another.
struct Input {
    bytes: [u8; INPUT_MAX],
    length: usize,
}

impl Input {
    fn new() -> Self {
        Self { bytes: [0; INPUT_MAX], length: 0 }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }

    #[inline]
    fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.put(&v4.octets()),
            IpAddr::V6(v6) => self.put(&v6.octets()),
        }
    }
}

impl OwnerHash {
    /// A hash with `key`, which should be random and stay the same for the life of the workers.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { hasher: SipHasher13::new_with_key(&key), by_vlan: true }
    }

    /// The same, with flows told apart by their VLAN tags or not: these are in the way where the directions
    /// of a flow have different ones (Suricata's `vlan.use-for-tracking`). By default they count.
    #[must_use]
    pub const fn by_vlan(self, by_vlan: bool) -> Self {
        Self { by_vlan, ..self }
    }

    /// The VLAN tags by which `packet` is told apart from others; none where they do not count.
    #[inline]
    #[must_use]
    pub const fn vlan(&self, packet: &Decoded) -> [u16; 2] {
        if self.by_vlan { packet.vlan } else { [0; 2] }
    }

    /// The key of the flow that `packet` belongs to, as [`Decoded::flow_key`] has it.
    #[inline]
    #[must_use]
    pub fn flow_key(&self, packet: &Decoded) -> (FlowKey, bool) {
        FlowKey::of(packet.flow_tuple(), self.vlan(packet), packet.depth)
    }

    /// The hash of a flow key. [`OwnerHash::owner`] uses its high bits; a table of one worker's flows
    /// must use the low ones.
    #[inline]
    #[must_use]
    pub fn flow_hash(&self, key: &FlowKey) -> u64 {
        let mut input = Input::new();
        input.address(key.low.0);
        input.address(key.high.0);
        let ([a, b], [c, d]) = (key.low.1.to_le_bytes(), key.high.1.to_le_bytes());
        let ([e, f], [g, h]) = (key.vlan[0].to_le_bytes(), key.vlan[1].to_le_bytes());
        input.put(&[a, b, c, d, e, f, g, h, key.protocol, key.depth]);
        self.hash(&input)
    }

    /// The owner of `packet` among `workers`, from 0; 0 if there is none.
    ///
    /// Flows go by their key, ICMP errors by that of the packet they quote, fragments by addresses,
    /// protocol and identification, since only the first one has ports.
    #[inline]
    #[must_use]
    pub fn owner(&self, packet: &Decoded, workers: u16) -> u16 {
        if workers <= 1 {
            return 0;
        }
        let hash = match &packet.fragment {
            Some(fragment) => self.fragment_hash(packet, fragment),
            None => self.flow_hash(&self.flow_key(packet).0),
        };
        // The high half of the product: uniform without a division (Lemire 2019).
        ((u128::from(hash) * u128::from(workers)) >> 64) as u16
    }

    /// The hash of the datagram that `fragment` of `packet` is a part of.
    #[inline]
    #[must_use]
    pub fn fragment_hash(&self, packet: &Decoded, fragment: &Fragment) -> u64 {
        let (a, b) = (packet.tuple.source, packet.tuple.destination);
        let mut input = Input::new();
        input.address(a.min(b));
        input.address(a.max(b));
        // IPv6 fragments but the first may name any protocol (RFC 8200 section 4.5); here it is 44.
        input.put(&[packet.tuple.protocol]);
        input.put(&fragment.id.to_le_bytes());
        self.hash(&input)
    }

    #[inline]
    fn hash(&self, input: &Input) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(input.bytes.get(..input.length).unwrap_or(&input.bytes));
        hasher.finish()
    }
}
