//! Limits: of segments, windows and memory, and of the work that a hostile peer can cause.

use proptest::prelude::*;

use super::{OverlapPolicy, Stream, StreamSettings};
use crate::stream::{
    Arena, ArenaSettings, Chunk, Half, PIECES_MAX, SEGMENTS_MAX, WINDOW_BYTES_MAX,
    WINDOW_BYTES_MIN, WINDOW_CLASSES,
};

const TINY: i64 = 10_000;
const MSS: usize = 1_460;

#[test]
fn tiny_segments_with_holes_between_them_are_bounded() {
    let mut stream = Stream::roomy(OverlapPolicy::Last, 0);
    let (mut stored, mut refused) = (0, 0);
    for n in 0..TINY {
        let inserted = stream.insert(2 * n, b"x");
        stored += inserted.new as usize;
        refused += inserted.too_many_pieces;
    }
    assert_eq!((stored, refused), (SEGMENTS_MAX, TINY as u32 - SEGMENTS_MAX as u32));
    stream.acknowledge(2 * TINY);
    assert_eq!(stream.skip_gaps().len(), SEGMENTS_MAX, "one behind each");
    let mut read: Vec<u64> = stream.read_raw(2_560, false).iter().map(|piece| piece.1).collect();
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), SEGMENTS_MAX);
    // The first piece behind a gap is shown again with what joins it, never more.
    assert!(stream.end().iter().all(|&byte| byte == b'x'));
}

#[test]
fn tiny_segments_without_holes_are_taken_in_any_order() {
    let expected: Vec<u8> = (0..TINY).map(|n| n as u8).collect();
    for step in [1, TINY - 1] {
        let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
        let mut at = 0;
        for _ in 0..TINY {
            assert_eq!(stream.insert(at, &[at as u8]).new, 1);
            at = (at + step) % TINY;
        }
        // Backwards but for the first byte, or forwards.
        assert_eq!(stream.end(), expected);
    }
}

/// Many at the limit of segments: they are merged, and each byte is still one that was sent for its place.
#[test]
fn more_segments_than_the_limit_replace_less_but_lose_nothing() {
    let settings = StreamSettings { segments_max: 2, policy: OverlapPolicy::Bsd, ..ROOMY };
    let mut stream = Stream::new(&ArenaSettings::of_bytes(4 << 20), settings, 0);
    for (offset, bytes) in [(4, "AAAA"), (8, "BBBB"), (12, "CCCC"), (11, "DDDD")] {
        let _ = stream.insert(offset, bytes.as_bytes());
    }
    // B and C are one, so that D does not start before the segment that brought C.
    assert_eq!(stream.insert(0, b"EEEE").new, 4);
    assert_eq!(stream.insert(30, b"FFFF").too_many_pieces, 4);
    assert_eq!(stream.end(), b"EEEEAAAABBBBCCCC");
}

const ROOMY: StreamSettings = StreamSettings {
    depth: 0,
    chunk_to_server: 2_560,
    chunk_to_client: 2_560,
    window_max: WINDOW_BYTES_MAX as u32,
    segments_max: SEGMENTS_MAX as u16,
    policy: OverlapPolicy::Bsd,
};

#[test]
fn a_window_that_is_never_acknowledged_ends_at_its_limit() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, u32::MAX / 2);
    let (mut stored, mut refused) = (0, 0);
    for n in 0..2 * WINDOW_BYTES_MAX / MSS {
        let inserted = stream.insert((n * MSS) as i64, &[n as u8; MSS]);
        stored += inserted.new as usize;
        refused += inserted.beyond_window as usize;
    }
    assert_eq!(stored, WINDOW_BYTES_MAX);
    assert_eq!(stored + refused, 2 * WINDOW_BYTES_MAX / MSS * MSS);
    let limit = WINDOW_BYTES_MAX as i64;
    stream.acknowledge(2 * limit);
    assert_eq!(stream.skip_gaps(), [(limit as u64, limit as u64)]);
    assert_eq!(stream.after_packet().len(), WINDOW_BYTES_MAX);
    assert_eq!(stream.insert(2 * limit, b"and on").new, 6, "the gap does not hold the window");
    assert_eq!(stream.end(), b"and on");
}

#[test]
fn jumps_of_sequence_numbers_are_refused_or_become_gaps() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 99);
    assert_eq!(stream.insert(0, b"start").new, 5);
    for far in [i64::from(i32::MAX), 1 << 30, WINDOW_BYTES_MAX as i64] {
        assert_eq!(stream.insert(far, b"far").beyond_window, 3, "{far}");
    }
    assert_eq!(stream.insert(-(1 << 30), b"long ago").duplicate, 8);
    // Someone acknowledges what never came, again and again: offsets outgrow the sequence numbers.
    let mut at = 0;
    for _ in 0..5 {
        at += 1 << 30;
        stream.acknowledge(at);
        let _ = stream.after_packet();
        assert_eq!(stream.insert(at, b"on").new, 2, "{at}");
    }
    stream.acknowledge(at + 2);
    stream.skip_gaps();
    assert_eq!(stream.read_raw(0, true), [(false, at as u64, b"on".to_vec())]);
    stream.half.raw_off();
    assert_eq!(stream.read_app(), [(true, at as u64, b"on".to_vec())]);
}

#[test]
fn a_gap_longer_than_the_block_is_passed_without_a_slide() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let _ = stream.insert(0, b"before");
    stream.acknowledge(1 << 22);
    assert_eq!(stream.skip_gaps(), [(6, (1 << 22) - 6)]);
    assert_eq!(stream.read_app(), [(false, 0, b"before".to_vec())]);
    assert_eq!(stream.read_raw(2_560, false), [(false, 0, b"before".to_vec())]);
    assert_eq!(stream.insert(1 << 22, b"behind").new, 6);
    stream.acknowledge((1 << 22) + 6);
    assert_eq!(stream.read_app(), [(true, 1 << 22, b"behind".to_vec())]);
    assert_eq!(stream.end(), b"behind");
}

#[test]
fn exhausted_memory_costs_data_and_comes_back() {
    let mut memory = ArenaSettings { window_bytes: [0; WINDOW_CLASSES], list_bytes: [1 << 16; 3] };
    memory.window_bytes[0] = 3 * WINDOW_BYTES_MIN;
    memory.window_bytes[1] = 2 * WINDOW_BYTES_MIN;
    memory.window_bytes[4] = WINDOW_BYTES_MIN << 4;
    let mut arena = Arena::new(&memory, &ROOMY);
    assert_eq!(arena.bytes_taken(), (3 + 2 + 16) * WINDOW_BYTES_MIN + 3 * (1 << 16));
    let mut halves: Vec<Half> = (0..6).map(|_| Half::default()).collect();
    let mut stored = Vec::new();
    for half in &mut halves {
        half.begin(0, OverlapPolicy::Bsd, &ROOMY);
        stored.push(half.insert(&mut arena, 0, b"data").new);
    }
    assert_eq!(stored, [4, 4, 4, 4, 0, 0], "three of the class and one of the next");
    assert_eq!(arena.counts().exhausted, 2);
    let grown = halves[0].insert(&mut arena, 4, &[0; 3_000]);
    assert_eq!((grown.new, grown.no_memory), (WINDOW_BYTES_MIN as u32 - 4, 956), "what fits");
    halves[0].acknowledge(3_004);
    assert_eq!(halves[0].skip_gap(&arena).map(|gap| gap.bytes), Some(956));
    for half in &mut halves {
        half.release(&mut arena);
    }
    assert_eq!(arena.bytes_used(), 0);
}

#[test]
fn lists_that_cannot_grow_cost_data() {
    let mut memory = ArenaSettings::of_bytes(4 << 20);
    memory.list_bytes = [2 * 16 * 16, 0, 0];
    let mut stream = Stream::new(&memory, ROOMY, 0);
    let stored: u32 = (0..20).map(|n| stream.insert(2 * n, b"x").new).sum();
    assert_eq!(stored, 16);
    assert_eq!(stream.insert(100, b"x").no_memory, 1);
    assert_eq!(stream.insert(1, b"y").new, 1, "what touches another needs no entry");
    assert_eq!(stream.end().len(), 17);
}

/// A reader that leaves a little each time, at a full window: what moves is bounded by what is read.
#[test]
fn bytes_move_a_few_times_at_most() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    stream.half.raw_off();
    let mut next = 0;
    for _ in 0..WINDOW_BYTES_MAX / MSS {
        next += i64::from(stream.insert(next, &[1; MSS]).new);
    }
    let before = stream.arena.counts().moved_bytes;
    let mut read = 0;
    for _ in 0..5_000 {
        stream.acknowledge(next);
        stream.half.app_done(100);
        read += 100;
        stream.half.slide(&mut stream.arena);
        next += i64::from(stream.insert(next, &[1; MSS]).new);
    }
    let moved = stream.arena.counts().moved_bytes - before;
    assert!(moved <= 8 * read + WINDOW_BYTES_MAX as u64, "{moved} bytes for {read} that were read");
    assert!(next as u64 > read, "the window goes on");
}

#[test]
fn a_stream_that_is_read_moves_little_and_holds_little() {
    let mut stream = Stream::roomy(OverlapPolicy::Bsd, 0);
    let (mut at, mut read, mut used_max) = (0, 0, 0);
    while at < 4_000_000 {
        assert_eq!(stream.insert(at, &[2; MSS]).new as usize, MSS);
        at += MSS as i64;
        stream.acknowledge(at);
        read += stream.after_packet().len();
        used_max = used_max.max(stream.arena.bytes_used());
    }
    assert_eq!(read + stream.end().len(), at as usize);
    assert!(used_max <= 5_000, "{used_max} bytes for chunks of 2,560");
    let counts = stream.arena.counts();
    assert!(counts.moved_bytes <= at as u64, "{counts:?}");
}

#[derive(Clone, Debug)]
struct Sent {
    stream: usize,
    offset: i64,
    len: usize,
    /// 0 to 7: a bit of the model tells whether it was sent for a place.
    byte: u8,
    acknowledged: i64,
}

fn sent() -> impl Strategy<Value = Sent> {
    (0_usize..4, -3_000_i64..9_000, 0_usize..3_000, 0_u8..8, -1_000_i64..2_500).prop_map(
        |(stream, offset, len, byte, acknowledged)| Sent {
            stream,
            offset,
            len,
            byte,
            acknowledged,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// At every limit at once: bytes are read once, in order, and are ones that were sent for their place.
    #[test]
    fn at_all_limits_what_is_read_was_sent(
        policy in prop::sample::select(&OverlapPolicy::ALL),
        window_max in 1_u32..20_000,
        segments_max in 1_u16..20,
        kib in 8_usize..2_000,
        packets in prop::collection::vec(sent(), 1..80),
    ) {
        let settings = StreamSettings { window_max, segments_max, policy, depth: 30_000, ..ROOMY };
        let mut arena = Arena::new(&ArenaSettings::of_bytes(kib << 10), &settings);
        let mut halves: [Half; 4] = Default::default();
        let mut model = vec![[0_u8; 4]; 300_000];
        let mut acked = [0_i64; 4];
        for half in &mut halves {
            half.begin(u32::MAX - 5_000, policy, &settings);
        }
        for Sent { stream, offset, len, byte, acknowledged } in packets {
            let (half, seq) = (&mut halves[stream], |at: i64| (u32::MAX - 5_000).wrapping_add(at as u32));
            let offset = acked[stream] + offset;
            for at in (offset.max(0)..).take_while(|at| *at < offset + len as i64) {
                model[at as usize][stream] |= 1 << byte;
            }
            let inserted = half.insert(&mut arena, seq(offset), &vec![byte; len]);
            let sum = inserted.new + inserted.duplicate + inserted.beyond_depth + inserted.beyond_window
                + inserted.no_memory + inserted.too_many_pieces + inserted.unwanted;
            prop_assert_eq!(sum as usize, len);
            acked[stream] += acknowledged.max(0);
            half.acknowledge(seq(acked[stream]));
            while half.skip_gap(&arena).is_some() {}
            let mut pieces = [Chunk::NONE; PIECES_MAX];
            let due = half.raw_due() >= 500;
            let count = if due { half.raw_pieces(&arena, &mut pieces) } else { 0 };
            for chunk in &pieces[..count] {
                for (at, byte) in (chunk.stream_offset..).zip(chunk.bytes) {
                    prop_assert_ne!(model[at as usize][stream] & 1 << *byte, 0, "not sent for {}", at);
                }
                let end = chunk.stream_offset + chunk.bytes.len() as u64;
                prop_assert!(chunk.after_gap || end <= acked[stream] as u64);
            }
            if due {
                half.raw_done(&arena);
            }
            if let Some(chunk) = half.app_bytes(&arena) {
                half.app_done(chunk.bytes.len() / 2 + 1);
            }
            half.slide(&mut arena);
        }
        for half in &mut halves {
            half.finish(&arena);
            half.release(&mut arena);
        }
        prop_assert_eq!(arena.bytes_used(), 0);
    }
}
