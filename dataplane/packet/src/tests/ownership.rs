//! The owner hash: symmetric, together what belongs together, and even.

use contract::FlowKey;
use proptest::prelude::*;
use testkit::{Packet, Traffic};

use super::decoded;
use crate::{Decoded, OwnerHash, decode};
use contract::LinkType;

const KEY: [u8; 16] = *b"0123456789abcdef";

fn owner(packet: &Packet) -> u16 {
    OwnerHash::new(KEY).owner(&decoded(packet).unwrap(), 1_000)
}

/// The same packet from the other end.
fn reversed(mut decoded: Decoded) -> Decoded {
    let tuple = &mut decoded.tuple;
    std::mem::swap(&mut tuple.source, &mut tuple.destination);
    if !matches!(tuple.protocol, 1 | 58) {
        std::mem::swap(&mut tuple.source_port, &mut tuple.destination_port);
    }
    decoded
}

proptest! {
    #[test]
    fn both_directions_have_one_owner(seed: u64, key: [u8; 16], workers in 0_u16..200) {
        let hash = OwnerHash::new(key);
        for frame in Traffic::new(seed).payload_max(8).ipv6_rate(0.5).frames(20) {
            let packet = decode(LinkType::ETHERNET, &frame.bytes).unwrap();
            let owner = hash.owner(&packet, workers);
            prop_assert_eq!(owner, hash.owner(&reversed(packet), workers));
            prop_assert!(owner < workers.max(1));
        }
    }

    #[test]
    fn fragments_of_a_datagram_have_one_owner(id: u16, offset in 1_u16..8_000, swap: bool) {
        let (a, b) = if swap { ("10.0.0.2", "10.0.0.1") } else { ("10.0.0.1", "10.0.0.2") };
        let first = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").id(id.into());
        let first = first.fragment(0, true).udp(1, 2);
        let later = Packet::ethernet().ip(a, b).id(id.into()).fragment(offset * 8, false);
        prop_assert_eq!(owner(&first), owner(&later.protocol(17)));
    }
}

#[test]
fn an_error_goes_to_the_flow_that_it_quotes() {
    for port in 1..200 {
        let sent = Packet::raw().ip("10.0.0.1", "10.0.0.2").tcp(port, 80);
        let error = Packet::raw().ip("10.7.7.7", "10.0.0.1").unreachable(1, &sent);
        assert_eq!(owner(&error), owner(&sent));
    }
}

#[test]
fn vlan_tags_tell_flows_apart_unless_they_are_not_to() {
    let packet = |vlan| Packet::ethernet().vlan(vlan).ip("10.0.0.1", "10.0.0.2").udp(1, 2);
    let [seven, eight] = [7, 8].map(|vlan| decoded(&packet(vlan)).unwrap());
    let by_vlan = OwnerHash::new(KEY);
    assert_eq!(by_vlan.flow_key(&seven), seven.flow_key());
    assert_ne!(by_vlan.flow_key(&seven), by_vlan.flow_key(&eight));
    assert_ne!(by_vlan.owner(&seven, 60_000), by_vlan.owner(&eight, 60_000));
    let without = by_vlan.by_vlan(false);
    assert_eq!(without.flow_key(&seven), without.flow_key(&eight));
    assert_eq!(without.flow_key(&seven).0.vlan, [0; 2]);
    assert_eq!(without.owner(&seven, 60_000), without.owner(&eight, 60_000));
}

#[test]
fn flows_spread_evenly_and_by_key() {
    let mut counts = [0; 8];
    let mut moved = 0;
    for port in 0..8_000 {
        let packet = decoded(&Packet::raw().ip("10.0.0.1", "10.0.0.2").udp(port, 53)).unwrap();
        let owner = OwnerHash::new(KEY).owner(&packet, 8);
        counts[usize::from(owner)] += 1;
        moved += usize::from(OwnerHash::new([0; 16]).owner(&packet, 8) != owner);
    }
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    assert!(moved > 6_000, "{moved}");
}

#[test]
fn tags_and_protocols_make_other_flows() {
    let hash = OwnerHash::new(KEY);
    let tuple = decoded(&Packet::raw().ip("::1", "::2").udp(1, 2)).unwrap().tuple;
    let key = FlowKey::of(&tuple, [0, 0], 0).0;
    let tagged = FlowKey::of(&tuple, [1, 0], 0).0;
    let stacked = FlowKey::of(&tuple, [0, 1], 0).0;
    let tcp = FlowKey { protocol: 6, ..key };
    let hashes = [key, tagged, stacked, tcp].map(|key| hash.flow_hash(&key));
    for (index, value) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(value));
    }
}
