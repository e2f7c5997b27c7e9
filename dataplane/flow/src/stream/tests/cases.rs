//! Chunks, gaps, depths and ends, one by one.

use super::{Half, OverlapPolicy, Stream, StreamSettings};
use crate::stream::{ArenaSettings, Inserted};

const A: &[u8] = &[b'a'; 1_280];
const B: &[u8] = &[b'b'; 1_280];

#[test]
fn a_chunk_waits_for_its_acknowledgement_and_its_size() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, u32::MAX - 1_000);
    let _ = stream.insert(0, A);
    assert_eq!(stream.read_raw(0, true), [], "nothing is acknowledged");
    stream.acknowledge(1_280);
    assert_eq!(stream.read_raw(2_560, false), [], "too little for a chunk");
    assert_eq!(stream.half.app_bytes(&stream.arena).map(|chunk| chunk.bytes), Some(A));
    let _ = stream.insert(1_280, B);
    stream.acknowledge(2_559);
    assert_eq!(stream.read_raw(2_560, false), []);
    stream.acknowledge(2_560);
    assert_eq!(stream.read_raw(2_560, false), [(false, 0, [A, B].concat())]);
    assert_eq!(stream.read_raw(0, true), [], "no chunk comes twice");
    assert_eq!(stream.read_app(), [(false, 0, [A, B].concat())], "the other cursor is its own");
    stream.half.slide(&mut stream.arena);
    assert_eq!(stream.arena.bytes_used(), 0, "what all have read holds no memory");
}

#[test]
fn a_gap_counts_for_the_size_of_a_chunk_and_ends_its_pieces() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let _ = stream.insert(0, b"before");
    let _ = stream.insert(2_000, A);
    stream.acknowledge(3_280);
    let raw = stream.read_raw(2_560, false);
    assert_eq!(raw, [(false, 0, b"before".to_vec()), (true, 2_000, A.to_vec())]);
    assert_eq!(stream.read_app(), [(false, 0, b"before".to_vec())]);
    assert_eq!(stream.skip_gaps(), [(6, 1_994)]);
    assert_eq!(stream.read_raw(2_560, true), [(false, 2_000, A.to_vec())], "and again");
    assert_eq!(stream.read_app(), [(true, 2_000, A.to_vec())]);
    let late = stream.insert(6, b"too late");
    assert_eq!(late, Inserted { duplicate: 8, ..Inserted::default() });
}

#[test]
fn acknowledged_bytes_stay() {
    let mut stream = Stream::roomy(OverlapPolicy::Last, 0);
    let _ = stream.insert(0, b"AAAABBBB");
    stream.acknowledge(6);
    let again = stream.insert(2, b"CCCCCCCC");
    assert_eq!(again, Inserted { new: 2, duplicate: 6, differs: true, ..Inserted::default() });
    assert_eq!(stream.end(), b"AAAABBCCCC");
}

#[test]
fn a_segment_that_starts_before_the_first_byte_starts_earlier() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let _ = stream.insert(0, b"AAAA");
    let early = stream.insert(-1, b"xBBBBCC");
    assert_eq!(early, Inserted { new: 2, duplicate: 5, differs: true, ..Inserted::default() });
    assert_eq!(stream.end(), b"BBBBCC");
}

/// The peer looks at the segments before a new one only until one does not overlap it, so that here C wins, for
/// every policy. A receiver that keeps what came first has A's bytes.
#[test]
fn a_segment_under_another_one_hides_nothing() {
    let mut stream = Stream::roomy(OverlapPolicy::First, 0);
    for (offset, bytes) in [(0, "AAAAAAAA"), (1, "BB"), (3, "CCCCCC")] {
        let _ = stream.insert(offset, bytes.as_bytes());
    }
    assert_eq!(stream.end(), b"AAAAAAAAC");
}

/// Four segments of 1,000 bytes, and depths around the start of the last: what is read of them.
#[test]
fn a_segment_that_reaches_behind_the_depth_is_not_read() {
    let orders = [[0, 1, 2, 3], [0, 1, 3, 2]];
    for ((depth, order), read) in [
        ((3_500, orders[0]), 3_000),
        ((3_500, orders[1]), 3_000),
        ((3_000, orders[0]), 3_000),
        ((4_000, orders[0]), 4_000),
        ((0, orders[0]), 4_000),
    ] {
        let settings = StreamSettings { depth, ..StreamSettings::default() };
        let mut stream = Stream::new(&ArenaSettings::of_bytes(4 << 20), settings, 0);
        let refused: u32 = order
            .map(|n| stream.insert(n * 1_000, &[n as u8; 1_000]).beyond_depth)
            .into_iter()
            .sum();
        assert_eq!(refused, 4_000 - read);
        stream.acknowledge(4_000);
        assert_eq!(stream.skip_gaps(), [], "what is not wanted is no gap");
        assert_eq!(stream.end().len(), read as usize, "depth {depth}");
    }
}

#[test]
fn the_acknowledgement_of_a_fin_is_none_of_a_byte() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, u32::MAX - 2);
    let _ = stream.insert(0, b"the end");
    stream.half.fin(stream.seq(7));
    stream.acknowledge(8);
    assert_eq!(stream.skip_gaps(), []);
    stream.acknowledge(8);
    assert_eq!(stream.skip_gaps(), [], "and none when it comes again");
    assert_eq!(stream.end(), b"the end");
}

#[test]
fn the_end_hands_out_what_is_not_acknowledged_and_what_lies_behind_holes() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let _ = stream.insert(0, b"one");
    let _ = stream.insert(10, b"two");
    stream.acknowledge(2);
    assert_eq!(stream.skip_gaps(), [], "what is not acknowledged can still come");
    stream.half.finish(&stream.arena);
    let expected = [(false, 0, b"one".to_vec()), (true, 10, b"two".to_vec())];
    assert_eq!(stream.read_raw(0, true), expected);
    assert_eq!(stream.read_app(), expected);
    let after = stream.insert(13, b"three");
    assert_eq!(after, Inserted { unwanted: 5, ..Inserted::default() });
}

#[test]
fn readers_without_interest_hold_nothing() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let _ = stream.insert(0, A);
    stream.acknowledge(1_280);
    stream.half.app_off();
    assert_eq!(stream.read_app(), []);
    assert_eq!(stream.read_raw(0, true), [(false, 0, A.to_vec())]);
    stream.half.slide(&mut stream.arena);
    assert_eq!(stream.arena.bytes_used(), 0);
    let _ = stream.insert(1_280, B);
    stream.half.raw_off();
    assert_eq!(stream.insert(2_560, B), Inserted { unwanted: 1_280, ..Inserted::default() });
    stream.acknowledge(5_000);
    assert_eq!(stream.skip_gaps(), [], "nobody misses anything");
    stream.half.slide(&mut stream.arena);
    assert_eq!(stream.arena.bytes_used(), 0);
}

#[test]
fn a_half_begins_until_data_comes_and_is_small_without() {
    assert!(size_of::<[Half; 2]>() <= 160, "{} bytes", size_of::<[Half; 2]>());
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 5);
    let mut half = Half::default();
    assert!(!half.has_begun());
    let inserted = half.insert(&mut stream.arena, 5, b"early");
    assert_eq!(inserted, Inserted { unwanted: 5, ..Inserted::default() });
    half.begin(900, OverlapPolicy::Bsd, &stream.settings);
    half.begin(5, OverlapPolicy::Bsd, &stream.settings);
    assert_eq!(half.insert(&mut stream.arena, 5, b"12345").new, 5, "another SYN has come");
    half.begin(6, OverlapPolicy::Last, &stream.settings);
    assert_eq!(half.insert(&mut stream.arena, 10, b"67").new, 2, "too late for another");
    assert_eq!(half.insert(&mut stream.arena, 4, b"x1").duplicate, 2, "a keep-alive");
    half.release(&mut stream.arena);
    assert_eq!(stream.arena.bytes_used(), 0);
}
