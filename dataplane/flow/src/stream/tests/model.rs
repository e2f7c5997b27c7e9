//! The naive model: a map from offsets to the byte and to all segments that brought it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{OverlapPolicy, PIECES_MAX, Stream, StreamSettings};
use crate::stream::ArenaSettings;

/// By the words of [`OverlapPolicy`].
fn wins(policy: OverlapPolicy, new: (i64, i64), old: (i64, i64)) -> bool {
    use OverlapPolicy as P;
    let starts_earlier = new.0 < old.0;
    match policy {
        P::First | P::Vista => false,
        P::Last => true,
        P::Linux => starts_earlier || (new.0 == old.0 && new.1 > old.1),
        P::OldLinux => starts_earlier || (new.0 == old.0 && new.1 >= old.1),
        P::Solaris | P::OldSolaris | P::Hpux11 => {
            if new.1 == old.1 {
                new.0 <= old.0
            } else {
                new.1 > old.1
            }
        }
        _ => starts_earlier,
    }
}

#[derive(Debug, Default)]
struct Model {
    policy: OverlapPolicy,
    bytes: BTreeMap<u64, (u8, Vec<(i64, i64)>)>,
    acked: u64,
    settled: u64,
    depth: u64,
    raw: u64,
    app: u64,
    finished: bool,
    app_gap: bool,
}

/// What [`Model::insert`] says of a segment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    new: u32,
    duplicate: u32,
    /// Behind the depth, or not wanted.
    refused: u32,
    differs: bool,
}

impl Model {
    /// The first offset that a reader needs; none if there is no such reader.
    fn start(&self) -> Option<u64> {
        let raw = (self.raw < self.depth).then_some(self.raw);
        let app = (self.app < self.depth).then_some(self.app);
        raw.into_iter().chain(app).min()
    }

    fn insert(&mut self, offset: i64, bytes: &[u8]) -> Told {
        let mut told = Told::default();
        let end = offset + bytes.len() as i64;
        if u64::try_from(end).is_ok_and(|end| end > self.depth) {
            let stored = self.bytes.keys().next_back().map_or(0, |last| last + 1);
            self.depth = self.depth.min(stored.max(u64::try_from(offset).unwrap_or(0)));
        }
        let segment = (offset, end.min(i64::try_from(self.depth).unwrap_or(i64::MAX)));
        let needed = self.start();
        for (at, byte) in (offset..).zip(bytes) {
            match (u64::try_from(at), needed) {
                (_, None) => told.refused += 1,
                (Ok(at), _) if at >= self.depth => told.refused += 1,
                (Ok(at), Some(needed)) => self.insert_byte(at, *byte, segment, needed, &mut told),
                (Err(_), _) => told.duplicate += 1,
            }
        }
        told
    }

    fn insert_byte(
        &mut self,
        at: u64,
        byte: u8,
        segment: (i64, i64),
        needed: u64,
        told: &mut Told,
    ) {
        match self.bytes.get_mut(&at) {
            Some((is, brought_by)) => {
                told.duplicate += 1;
                told.differs |= at >= needed && *is != byte;
                if at >= self.acked {
                    if brought_by.iter().all(|old| wins(self.policy, segment, *old)) {
                        *is = byte;
                    }
                    brought_by.push(segment);
                }
            }
            None if at < self.settled.max(needed) => told.duplicate += 1,
            None => {
                told.new += 1;
                self.bytes.insert(at, (byte, vec![segment]));
            }
        }
    }

    fn skip_gaps(&mut self) -> Vec<(u64, u64)> {
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        let Some(start) = self.start() else { return gaps };
        for at in self.settled.max(start)..self.acked.min(self.depth) {
            if self.bytes.contains_key(&at) {
                continue;
            }
            match gaps.last_mut() {
                Some((offset, bytes)) if *offset + *bytes == at => *bytes += 1,
                _ => gaps.push((at, 1)),
            }
            self.settled = at + 1;
        }
        gaps
    }

    fn contiguous(&self, from: u64, limit: u64) -> Vec<u8> {
        (from..limit).map_while(|at| self.bytes.get(&at).map(|byte| byte.0)).collect()
    }

    fn behind_gap(&self, mut at: u64) -> u64 {
        while at < self.settled && !self.bytes.contains_key(&at) {
            at += 1;
        }
        at
    }

    fn read_raw(&mut self, min: u64, last: bool) -> Vec<(bool, u64, Vec<u8>)> {
        let mut all = Vec::new();
        while last || self.acked.min(self.depth).saturating_sub(self.raw) >= min {
            let pieces = self.raw_pieces();
            let count = pieces.len();
            all.extend(pieces);
            if count < PIECES_MAX {
                break;
            }
        }
        all
    }

    /// What raw detection gets at once. Its cursor goes to the end of what follows it and is acknowledged, or,
    /// where there is a gap, to the first byte behind it; at the end, behind all.
    fn raw_pieces(&mut self) -> Vec<(bool, u64, Vec<u8>)> {
        let limit = self.acked.min(self.depth);
        let mut pieces: Vec<(bool, u64, Vec<u8>)> = Vec::new();
        let (mut next, mut at) = (self.raw, self.raw);
        while pieces.len() < PIECES_MAX && next < limit {
            let Some((&start, _)) = self.bytes.range(at..self.depth).next() else { break };
            let follows = start == at && !pieces.iter().any(|(gap, ..)| *gap);
            let piece = self.contiguous(start, if follows { limit } else { self.depth });
            if piece.is_empty() {
                break;
            }
            if follows || self.finished {
                next = start + piece.len() as u64;
            } else if !pieces.iter().any(|(gap, ..)| *gap) {
                next = start;
            }
            at = start + self.contiguous(start, u64::MAX).len() as u64;
            pieces.push((!follows, start, piece));
        }
        self.raw = if pieces.is_empty() { next.max(limit) } else { next };
        if self.bytes.range(self.raw..).next().is_none() {
            self.raw = self.raw.max(self.settled.min(self.depth));
        }
        pieces
    }

    /// Reads at most `max` bytes of what there is.
    fn read_app(&mut self, max: usize) -> Option<(bool, u64, Vec<u8>)> {
        let at = self.behind_gap(self.app);
        self.app_gap |= at > self.app;
        self.app = at;
        let bytes = self.contiguous(at, self.acked.min(self.depth));
        let (gap, done) = (self.app_gap, bytes.len().min(max));
        self.app += done as u64;
        self.app_gap &= done == 0;
        (!bytes.is_empty()).then_some((gap, at, bytes))
    }

    fn finish(&mut self) {
        self.finished = true;
        let end = self.bytes.keys().next_back().map_or(0, |last| last + 1);
        self.acked = self.acked.max(end);
        self.settled = self.acked;
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Offset from what is acknowledged, length, and what tells the bytes from those of other segments.
    Insert(i64, usize, u8),
    /// Bytes more that are acknowledged.
    Acknowledge(i64),
    SkipGaps,
    Raw(u32, bool),
    App(usize),
    Slide,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (-24_i64..48, 0_usize..24, 0_u8..4).prop_map(|(at, len, of)| Step::Insert(at, len, of)),
        3 => (-4_i64..40).prop_map(Step::Acknowledge),
        2 => Just(Step::SkipGaps),
        2 => (0_u32..60, prop::bool::weighted(0.2)).prop_map(|(min, last)| Step::Raw(min, last)),
        2 => (0_usize..40).prop_map(Step::App),
        2 => Just(Step::Slide),
    ];
    prop::collection::vec(step, 1..60)
}

/// Bytes that agree with those of other segments `of` the same, and not with others.
fn payload(offset: i64, len: usize, of: u8) -> Vec<u8> {
    (offset..).take(len).map(|at| (at as u8 & 0x3f) | of << 6).collect()
}

fn check(policy: OverlapPolicy, base_seq: u32, depth: u32, steps: &[Step]) {
    let settings = StreamSettings { depth, policy, ..StreamSettings::default() };
    let mut stream = Stream::new(&ArenaSettings::of_bytes(1 << 20), settings, base_seq);
    let depth = if depth == 0 { u64::MAX } else { u64::from(depth) };
    let mut model = Model { policy, depth, ..Model::default() };
    for step in steps {
        match *step {
            Step::Insert(at, len, of) => {
                let offset = model.acked as i64 + at;
                let bytes = payload(offset, len, of);
                let got = stream.insert(offset, &bytes);
                let told = Told {
                    new: got.new,
                    duplicate: got.duplicate,
                    refused: got.beyond_depth + got.unwanted,
                    differs: got.differs,
                };
                assert_eq!(told, model.insert(offset, &bytes), "{step:?} at {offset}");
            }
            Step::Acknowledge(more) => {
                stream.acknowledge(model.acked as i64 + more);
                model.acked = model.acked.saturating_add_signed(more.max(0));
            }
            Step::SkipGaps => assert_eq!(stream.skip_gaps(), model.skip_gaps()),
            Step::Raw(min, last) => {
                assert_eq!(
                    stream.read_raw(min, last),
                    model.read_raw(min.into(), last),
                    "{step:?}"
                );
            }
            Step::App(max) => {
                let chunk = stream.half.app_bytes(&stream.arena);
                let got = chunk.map(|c| (c.after_gap, c.stream_offset, c.bytes.to_vec()));
                let done = got.as_ref().map_or(0, |(.., bytes)| bytes.len().min(max));
                stream.half.app_done(done);
                assert_eq!(got, model.read_app(max), "{step:?}");
            }
            Step::Slide => {
                stream.half.slide(&mut stream.arena);
                // The slide passes the application layer over a gap that is given up.
                let at = model.behind_gap(model.app);
                model.app_gap |= at > model.app;
                model.app = at;
            }
        }
    }
    stream.half.finish(&stream.arena);
    model.finish();
    assert_eq!(stream.read_raw(0, true), model.read_raw(0, true), "at the end");
    for (gap, at, bytes) in stream.read_app() {
        assert_eq!(Some((gap, at, bytes)), model.read_app(usize::MAX), "at the end");
    }
    assert_eq!(model.read_app(usize::MAX), None);
    stream.half.slide(&mut stream.arena);
    assert_eq!(stream.arena.bytes_used(), 0, "all is read, but memory is held");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes in whatever order, the readers get the model's bytes, gaps and places.
    #[test]
    fn readers_get_what_the_model_has(
        policy in prop::sample::select(&OverlapPolicy::ALL),
        base_seq in prop_oneof![any::<u32>(), (0_u32..200).prop_map(|n| n.wrapping_sub(100))],
        depth in prop_oneof![2 => Just(0), 1 => 1_u32..200],
        steps in steps(),
    ) {
        check(policy, base_seq, depth, &steps);
    }
}
