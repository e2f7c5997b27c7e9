//! The table against a map that never evicts, and at its limits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use contract::{FiveTuple, FlowKey};
use proptest::prelude::*;

use super::{FlowTable, Placed, WAYS};
use crate::core::{Direction, Timeouts};

fn key(host: u32, protocol: u8) -> (FlowKey, bool) {
    let tuple = FiveTuple {
        source: IpAddr::V4(Ipv4Addr::from(0x0A00_0000 | host)),
        destination: IpAddr::V4(Ipv4Addr::new(10, 255, 0, 1)),
        source_port: 1_000,
        destination_port: 80,
        protocol,
    };
    FlowKey::of(&tuple, [0, 0], 0)
}

/// Any spreading will do here; the sensor's hash is keyed.
fn hash(key: &FlowKey) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    /// Against a map that never evicts: with room enough the two agree on every packet.
    #[test]
    fn agrees_with_a_map(packets in proptest::collection::vec((0_u32..40, any::<bool>(), 0_u64..400), 1..400)) {
        let mut table = FlowTable::<u32>::new(4_096, 0, Timeouts::default());
        let mut map: HashMap<FlowKey, (u64, u64)> = HashMap::new();
        let (mut now, mut ids) = (0, 1);
        for (host, tcp, step_s) in packets {
            now += step_s * 1_000_000_000;
            let (key, from_low) = key(host, if tcp { 6 } else { 17 });
            let idle = Timeouts::default().of(key.protocol);
            let looked = table.look_up(&key, hash(&key), from_low, now);
            let entry = map.entry(key).or_insert((0, u64::MAX));
            let expected = if entry.1 != u64::MAX && now - entry.1 <= idle {
                Placed::Found
            } else {
                *entry = (ids, now);
                ids += 1;
                Placed::Created
            };
            prop_assert_eq!(looked.placed, expected);
            prop_assert_eq!(looked.core.id, entry.0);
            entry.1 = now;
            looked.core.count(Direction::ToServer, 60, now);
            *looked.state += 1;
            prop_assert_eq!(u64::from(*looked.state), looked.core.packets[0]);
        }
        prop_assert_eq!(table.len(), map.len());
    }
}

#[test]
fn a_full_bucket_gives_up_the_longest_silent() {
    let mut table = FlowTable::<()>::new(1, 0, Timeouts::default());
    for host in 0..WAYS as u32 {
        let (key, low) = key(host, 17);
        let looked = table.look_up(&key, hash(&key), low, u64::from(host));
        assert_eq!(looked.placed, Placed::Created);
        assert_eq!(looked.core.id, u64::from(host) + 1);
    }
    let (first, low) = key(0, 17);
    table.look_up(&first, hash(&first), low, 50).core.count(Direction::ToServer, 1, 50);
    let (new, low) = key(99, 17);
    assert_eq!(table.look_up(&new, hash(&new), low, 60).placed, Placed::Evicted);
    assert_eq!(table.look_up(&first, hash(&first), low, 61).placed, Placed::Found);
    let (second, low) = key(1, 17);
    assert_eq!(table.look_up(&second, hash(&second), low, 62).placed, Placed::Evicted);
    assert_eq!(table.len(), WAYS);
    table.clear();
    assert!(table.is_empty());
}

#[test]
fn the_opener_decides_the_direction() {
    let mut table = FlowTable::<()>::new(8, 0, Timeouts::default());
    let (key, from_low) = key(5, 6);
    let core = *table.look_up(&key, hash(&key), from_low, 0).core;
    assert_eq!(core.direction(from_low), Direction::ToServer);
    assert_eq!(core.direction(!from_low), Direction::ToClient);
}
