//! Defragmentation against a naive model, and its limits.

use std::net::{IpAddr, Ipv4Addr};

use contract::{Event, EventSet};
use proptest::prelude::*;

use super::{
    DATAGRAM_BYTES_MAX, DatagramKey, Defrag, DefragLimits, GivenUp, Outcome, Piece, Policy,
    WHOLE_BYTES_MAX,
};

const HEAD: [u8; 20] = [0x45; 20];
const POLICIES: [Policy; 7] = [
    Policy::First,
    Policy::Last,
    Policy::Bsd,
    Policy::BsdRight,
    Policy::Linux,
    Policy::Windows,
    Policy::Solaris,
];

fn key(id: u32) -> DatagramKey {
    let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let (source, destination) = (address(1), address(2));
    DatagramKey { source, destination, id, protocol: 17, vlan: [0; 2], depth: 0 }
}

fn piece(data: &[u8], offset: u16, more: bool) -> Piece<'_> {
    Piece { head: &HEAD, next_header_at: 0, protocol: 17, data, offset, more }
}

fn insert(defrag: &mut Defrag, id: u32, piece: &Piece<'_>, now_ns: u64) -> Option<Vec<u8>> {
    let mut whole = vec![0; WHOLE_BYTES_MAX];
    match defrag.insert(&key(id), u64::from(id) * 7, piece, now_ns, &mut whole) {
        Outcome::Whole(bytes) => Some(whole[HEAD.len()..bytes].to_vec()),
        Outcome::Waiting | Outcome::GivenUp(_) => None,
    }
}

/// One fragment of the model: place and bytes.
type Sent = (usize, Vec<u8>, bool);

/// Byte by byte: who owns it, by the words of [`Policy`].
fn model(policy: Policy, sent: &[Sent]) -> Option<Vec<u8>> {
    let end = sent.iter().map(|(start, data, _)| start + data.len()).max()?;
    let mut bytes: Vec<Option<(u8, usize, usize)>> = vec![None; end];
    for (start, data, _) in sent {
        let finish = start + data.len();
        for (at, byte) in (*start..).zip(data) {
            let replaces = bytes[at].is_none_or(|(_, old_start, old_end)| match policy {
                Policy::First => false,
                Policy::Last => true,
                Policy::Bsd => *start < old_start,
                Policy::BsdRight => old_start <= *start,
                Policy::Linux => *start <= old_start,
                Policy::Windows => *start < old_start && finish > old_end,
                Policy::Solaris => *start < old_start && finish >= old_end,
            });
            if replaces {
                bytes[at] = Some((*byte, *start, finish));
            }
        }
    }
    let has_last = sent.iter().any(|(.., more)| !more);
    let has_first = sent.iter().any(|(start, ..)| *start == 0);
    (has_first && has_last).then(|| bytes.into_iter().map(|b| b.map(|b| b.0)).collect()).flatten()
}

fn fragments() -> impl Strategy<Value = Vec<Sent>> {
    let one = (0_usize..24, 1_usize..12, any::<u8>(), prop::bool::weighted(0.2));
    prop::collection::vec(one, 1..24).prop_map(|all| {
        let end = all.iter().map(|(start, units, ..)| start + units).max().unwrap_or(0);
        let sent = |(start, units, byte, last): (usize, usize, u8, bool)| {
            // Only what ends the datagram may say that it is the last: the rest is tested by itself.
            let is_last = last && start + units == end;
            let data = (0..units * 8).map(|n| byte.wrapping_add(n as u8)).collect();
            (start * 8, data, !is_last)
        };
        all.into_iter().map(sent).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes, the packet is the model's, at the fragment at which the model has it.
    #[test]
    fn overlaps_are_settled_as_the_policy_says(
        sent in fragments(),
        policy in prop::sample::select(&POLICIES),
    ) {
        let mut defrag = Defrag::new(DefragLimits::default(), policy);
        for count in 1..=sent.len() {
            let (start, data, more) = &sent[count - 1];
            let got = insert(&mut defrag, 1, &piece(data, *start as u16, *more), 1);
            let expected = model(policy, &sent[..count]);
            prop_assert_eq!(&got, &expected, "after {} fragments", count);
            if got.is_some() {
                prop_assert_eq!(defrag.waiting(), 0);
                break;
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_comes_back(
        all in prop::collection::vec((0_u32..64, 0_u16..4_000, 0_usize..3_000, any::<bool>()), 1..300),
    ) {
        let limits = DefragLimits { datagrams_max: 16, bytes_max: 100_000, timeout_ns: 50 };
        let mut defrag = Defrag::new(limits, Policy::Windows);
        let blocks = defrag.arena.free();
        for (now_ns, (id, units, bytes, more)) in (0..).zip(all) {
            let _ = insert(&mut defrag, id, &piece(&vec![7; bytes], units * 8, more), now_ns);
            prop_assert!(defrag.waiting() <= limits.datagrams_max);
        }
        // A silence that is long enough ends everything that waits; one fragment remains.
        let _ = insert(&mut defrag, 99, &piece(&[1; 8], 0, true), 10_000);
        prop_assert_eq!(defrag.waiting(), 1);
        prop_assert_eq!(defrag.arena.free(), blocks - 2);
    }
}

#[test]
fn the_head_is_that_of_a_whole_packet() {
    let mut defrag = Defrag::new(DefragLimits::default(), Policy::Windows);
    let mut head = HEAD;
    head[6..8].copy_from_slice(&[0x20, 0]);
    let first = Piece { head: &head, ..piece(&[1; 16], 0, true) };
    let mut whole = vec![0; WHOLE_BYTES_MAX];
    assert_eq!(defrag.insert(&key(1), 1, &first, 1, &mut whole), Outcome::Waiting);
    let last = defrag.insert(&key(1), 1, &piece(&[2; 5], 16, false), 2, &mut whole);
    assert_eq!(last, Outcome::Whole(20 + 21));
    let packet = &whole[..41];
    assert_eq!((&packet[2..4], &packet[6..8]), (&[0, 41][..], &[0, 0][..]));
    assert_eq!(packet[20..], [[1; 16].as_slice(), &[2; 5]].concat());
}

#[test]
fn what_cannot_be_is_given_up() {
    let mut defrag = Defrag::new(DefragLimits::default(), Policy::Windows);
    let mut given_up = |data: &[u8], offset, more| {
        let piece = piece(data, offset, more);
        matches!(defrag.insert(&key(1), 1, &piece, 1, &mut []), Outcome::GivenUp(_))
    };
    assert!(given_up(&[1; 12], 0, true), "not a multiple of 8");
    assert!(given_up(&[], 8, true), "no data");
    assert!(given_up(&[1; 100], 65_528, false), "beyond the longest packet");
    assert!(!given_up(&[1; 12], 8, false), "the last one may be of any length");
    let counts = defrag.counts();
    assert_eq!(counts.given_up[GivenUp::InvalidLength as usize], 2);
    assert_eq!(counts.given_up[GivenUp::TooLarge as usize], 1);
}

#[test]
fn silence_and_want_of_room_end_a_datagram() {
    let limits = DefragLimits { datagrams_max: 2, timeout_ns: 100, ..DefragLimits::default() };
    let mut defrag = Defrag::new(limits, Policy::Windows);
    for id in 1..=3 {
        assert_eq!(insert(&mut defrag, id, &piece(&[id as u8; 8], 0, true), u64::from(id)), None);
    }
    assert_eq!(defrag.counts().evicted, 1, "the first made room for the third");
    assert_eq!(
        insert(&mut defrag, 2, &piece(&[9; 1], 8, false), 50),
        Some([[2; 8].as_slice(), &[9]].concat())
    );
    assert_eq!(insert(&mut defrag, 3, &piece(&[9; 1], 8, false), 104), None, "silent for too long");
    assert_eq!((defrag.counts().timed_out, defrag.counts().whole), (1, 1));
}

#[test]
fn the_longest_packet_fits_and_one_that_needs_more_memory_does_not() {
    let longest = DATAGRAM_BYTES_MAX - HEAD.len();
    let data: Vec<u8> = (0..longest).map(|n| n as u8).collect();
    let send = |defrag: &mut Defrag| {
        let mut whole = None;
        for (n, chunk) in data.chunks(1_480).enumerate() {
            let offset = (n * 1_480) as u16;
            let more = usize::from(offset) + chunk.len() < longest;
            whole = insert(defrag, 5, &piece(chunk, offset, more), 1);
        }
        whole
    };
    let mut defrag = Defrag::new(DefragLimits::default(), Policy::First);
    assert_eq!(send(&mut defrag).as_deref(), Some(&data[..]));
    let small = DefragLimits { bytes_max: 16_384, ..DefragLimits::default() };
    let mut defrag = Defrag::new(small, Policy::First);
    assert_eq!(send(&mut defrag), None);
    assert!(defrag.counts().given_up[GivenUp::NoMemory as usize] > 0);
}

/// A fragment's data, its place, and whether more follow.
type Part<'a> = (&'a [u8], u16, bool);

/// What was unusual about the last of `sent`.
fn events(limits: DefragLimits, sent: &[Part<'_>], v4: bool) -> EventSet {
    let mut defrag = Defrag::new(limits, Policy::Windows);
    let mut whole = vec![0; WHOLE_BYTES_MAX];
    let mut last = EventSet::EMPTY;
    for (data, offset, more) in sent {
        let outcome = defrag.insert(&key(1), 1, &piece(data, *offset, *more), 1, &mut whole);
        last = defrag.events(outcome, v4);
    }
    last
}

#[test]
fn what_is_unusual_about_a_fragment_is_an_event() {
    let limits = DefragLimits::default();
    let one: Part<'_> = (&[1; 16], 16, true);
    let cases: &[(&[Part<'_>], Option<Event>)] = &[
        (&[one], None),
        (&[one, (&[2; 8], 32, true)], None),
        (&[one, (&[2; 8], 24, true)], Some(Event::Ipv4FragOverlap)),
        (&[one, one], Some(Event::Ipv4FragOverlap)),
        (&[one, (&[2; 16], 8, true)], Some(Event::Ipv4FragOverlap)),
        (&[one, one, (&[2; 8], 32, true)], None),
        (&[one, (&[1; 100], 65_528, false)], Some(Event::Ipv4FragPktTooLarge)),
        (&[one, (&[1; 7], 65_528, false)], None),
        (&[one, (&[1; 12], 40, true)], None),
    ];
    for (sent, expected) in cases {
        let got = events(limits, sent, true);
        assert_eq!(got, expected.iter().copied().collect(), "{sent:?}");
    }
    let v6 = events(limits, &[one, one], false);
    assert_eq!(v6, EventSet::from_iter([Event::Ipv6FragOverlap]));
    let none = DefragLimits { bytes_max: 0, ..limits };
    let large = events(none, &[(&[1; 8_000], 0, true)], true);
    assert_eq!(large, EventSet::from_iter([Event::Ipv4FragIgnored]));
}
