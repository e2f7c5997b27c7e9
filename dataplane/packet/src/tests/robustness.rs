//! No input panics, and no offset leaves its frame.

use contract::LinkType;
use proptest::prelude::*;
use testkit::{Packet, Traffic};

use super::assert_inside;
use crate::{decode, decode_inner};

const LINKS: [u16; 11] = [0, 1, 9, 12, 14, 101, 104, 113, 228, 229, 147];

fn decode_all(frame: &[u8]) {
    for link in LINKS {
        let Ok(mut decoded) = decode(LinkType(link), frame) else { continue };
        assert_inside(&decoded, frame);
        while let Some(Ok(inner)) = decode_inner(&decoded, frame) {
            assert_inside(&inner, frame);
            assert!(inner.network_offset > decoded.network_offset);
            assert!(inner.network_end <= decoded.network_end);
            decoded = inner;
        }
    }
}

/// Packets that reach every branch, as starting points for mutation.
fn seeds() -> Vec<Vec<u8>> {
    let sent = Packet::raw().ip("2001:db8::1", "2001:db8::2").udp(5, 6).payload(&[7; 40]);
    let six = Packet::ethernet().ip("2001:db8::1", "2001:db8::2");
    let mut seeds: Vec<_> =
        Traffic::new(3).payload_max(64).frames(60).into_iter().map(|frame| frame.bytes).collect();
    seeds.extend([
        six.clone().extension(0, &[1, 4, 0, 0, 0, 0]).fragment(8, true).protocol(6).build(),
        six.clone().extension(51, &[0; 22]).tcp(1, 2).tcp_options(&[1; 12]).build(),
        six.unreachable(0, &sent).build(),
        Packet::ethernet().vlan(1).vlan(2).ip("10.0.0.1", "10.0.0.2").ip_options(&[7; 9]).build(),
        Packet::raw().ip("10.0.0.1", "10.0.0.2").fragment(64, false).protocol(17).build(),
    ]);
    seeds
}

#[test]
fn every_prefix_of_a_packet() {
    for seed in seeds() {
        for length in 0..=seed.len() {
            decode_all(&seed[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn arbitrary_bytes(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_all(&frame);
    }

    #[test]
    fn mutated_packets(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut frame = seed;
        for (at, value) in changes {
            // Headers are where the branches are.
            let reach = frame.len().min(120);
            frame[at.index(reach)] = value;
        }
        decode_all(&frame);
        decode_all(&frame[..cut.index(frame.len() + 1)]);
    }
}
