//! The tests of a payload, evaluated one after the other by recursion.

use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use rules::hir::{Base64, Content, FastPattern, PayloadTest, Pcre, Variable};

use super::numbers::{self, After, Values};
use crate::program::INSPECTION_STEPS_MAX;
use crate::program::pcre::translate;

/// Whether `bytes`, the payload or another buffer, pass `tests`.
pub(super) fn tests_match(tests: &[PayloadTest], bytes: &[u8]) -> bool {
    let mut run = Run { steps: 0, values: Values::default() };
    run.rest_matches(tests, bytes, 0) == Verdict::Match
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Match,
    /// Another place of the test before may do.
    Miss,
    /// No other place of any test can help.
    Never,
}

/// What one rule has read, and how many tests were evaluated.
struct Run {
    steps: u32,
    values: Values,
}

impl Run {
    fn rest_matches(&mut self, tests: &[PayloadTest], buffer: &[u8], position: usize) -> Verdict {
        let Some((test, rest)) = tests.split_first() else { return Verdict::Match };
        self.steps += 1;
        if self.steps >= INSPECTION_STEPS_MAX {
            return Verdict::Never;
        }
        match test {
            PayloadTest::Content(content) => {
                let places = content_places(content, buffer, position, &self.values);
                let only = content.fast_pattern == FastPattern::Only;
                let places = places.into_iter().map(|end| if only { position } else { end });
                self.search(
                    test,
                    content.negated,
                    &places.collect::<Vec<_>>(),
                    rest,
                    buffer,
                    position,
                )
            }
            // Nothing to search, behind the end of what was decoded.
            PayloadTest::Pcre(pcre) if pcre.relative && position > buffer.len() => Verdict::Miss,
            PayloadTest::Pcre(pcre) => {
                let places = pcre_places(pcre, buffer, position);
                self.search(test, pcre.negated, &places, rest, buffer, position)
            }
            PayloadTest::Base64(decode) => match self.decoded(decode, buffer, position) {
                Verdict::Match => self.rest_matches(rest, buffer, position),
                verdict => verdict,
            },
            other => match numbers::evaluate(other, buffer, position, &mut self.values) {
                After::Fails => Verdict::Miss,
                After::At(position) => self.rest_matches(rest, buffer, position),
            },
        }
    }

    /// Tries the rest at each of `places`, where `test` was found.
    fn search(
        &mut self,
        test: &PayloadTest,
        negated: bool,
        places: &[usize],
        rest: &[PayloadTest],
        buffer: &[u8],
        position: usize,
    ) -> Verdict {
        let again = asks_again(rest);
        let miss = match test {
            PayloadTest::Content(content) => {
                let placed = content.has_offset() || content.has_depth();
                let fatal = !content.is_relative() && !(negated && (placed || again));
                if fatal { Verdict::Never } else { Verdict::Miss }
            }
            _ => Verdict::Miss,
        };
        if negated {
            return if places.is_empty() {
                self.rest_matches(rest, buffer, position)
            } else {
                miss
            };
        }
        for end in places {
            match self.rest_matches(rest, buffer, *end) {
                Verdict::Miss if again => {}
                verdict => return verdict,
            }
        }
        miss
    }

    fn decoded(&mut self, decode: &Base64, buffer: &[u8], position: usize) -> Verdict {
        let start = decode.offset as usize + if decode.relative { position } else { 0 };
        let longest = decode.bytes.map_or(usize::from(u16::MAX), |bytes| bytes as usize);
        let decoded = base64(buffer.iter().skip(start).take(longest));
        if decode.data.is_empty() || decoded.is_empty() {
            return Verdict::Miss;
        }
        self.rest_matches(&decode.data, &decoded, position)
    }
}

/// Whether the test before `rest` is to be tried again: for the next search or the next test.
fn asks_again(rest: &[PayloadTest]) -> bool {
    for (index, test) in rest.iter().enumerate() {
        match test {
            PayloadTest::Content(_) | PayloadTest::Pcre(_) => return test.is_relative(),
            PayloadTest::Base64(_) => {}
            other if index == 0 && other.is_relative() => return true,
            _ => {}
        }
    }
    false
}

/// Decodes what is of the alphabet or `=`; see `program::base64` for what the peer makes of odd ends.
fn base64<'a>(encoded: impl Iterator<Item = &'a u8>) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |byte: u8| ALPHABET.iter().position(|digit| *digit == byte);
    let encoded: Vec<u8> = encoded.copied().collect();
    let is_digit = |byte: &u8| *byte == b'=' || value(*byte).is_some();
    let digits: Vec<u8> = encoded.iter().copied().take_while(is_digit).collect();
    let mut decoded = Vec::new();
    for group in digits.chunks(4) {
        let mut bits: Vec<bool> = Vec::new();
        for digit in group {
            let value = value(*digit).unwrap_or(0);
            bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
        }
        let wanted = match group.len() {
            4 => 3 - group.iter().filter(|digit| **digit == b'=').count().min(3),
            1 => usize::from(digits.len() < encoded.len()),
            more => more - 1,
        };
        bits.resize(24, false);
        let bytes =
            bits.chunks(8).map(|byte| byte.iter().fold(0, |v, bit| v << 1 | u8::from(*bit)));
        decoded.extend(bytes.take(wanted));
    }
    decoded
}

/// The ends of all occurrences of `content` (for a negated one: of those that count).
fn content_places(
    content: &Content,
    payload: &[u8],
    position: usize,
    values: &Values,
) -> Vec<usize> {
    let length = payload.len() as i128;
    let (start, end) = content_window(content, position as i128, length, values);
    let literal = content.bytes.len() as i128;
    let mut ends = Vec::new();
    let mut at = start;
    while at + literal <= end {
        let there = payload.iter().skip(at as usize).take(content.bytes.len());
        let equal = there
            .zip(&content.bytes)
            .all(|(a, b)| if content.nocase { a.eq_ignore_ascii_case(b) } else { a == b });
        if equal {
            let found_end = at + literal;
            if content.negated && content.endswith {
                // The peer looks at the first occurrence alone, and counts the start twice.
                let counts = end == length && found_end + start == length;
                return if counts { vec![found_end as usize] } else { Vec::new() };
            }
            if !content.endswith || found_end == length {
                ends.push(found_end as usize);
            }
        }
        at += 1;
    }
    ends
}

fn content_window(
    content: &Content,
    position: i128,
    length: i128,
    values: &Values,
) -> (i128, i128) {
    let names = content.variables;
    let unsigned = |name: Option<Variable>, literal: Option<u32>| {
        name.map(|name| values.get(name) as u32).or(literal).map(i128::from)
    };
    let signed = |name: Option<Variable>, literal: Option<i32>| {
        name.map(|name| values.get(name) as i32).or(literal).map(i128::from)
    };
    let offset = unsigned(names.offset, content.offset).unwrap_or(0);
    if !content.is_relative() {
        let end = match names.depth {
            Some(name) => Some((offset + i128::from(values.get(name) as u32)) % (1 << 32)),
            None => content.depth.map(|depth| offset + i128::from(depth)),
        };
        return (offset, end.unwrap_or(length).min(length));
    }
    let from = position + signed(names.distance, content.distance).unwrap_or(0);
    // Ends are 32 bits in the peer; a negative one is the whole payload. Behind a variable `distance`, the
    // window's start counts twice.
    let more = if names.distance.is_some() { from.max(0) } else { 0 };
    let end = signed(names.within, content.within).map(|within| (from + more + within) as i32);
    let end = end.map_or(length, |end| if end < 0 { length } else { length.min(end.into()) });
    (from.max(offset).max(0), end)
}

/// The ends of the successive matches of `pcre`.
fn pcre_places(pcre: &Pcre, payload: &[u8], position: usize) -> Vec<usize> {
    let base = if pcre.relative { position } else { 0 };
    let subject = payload.get(base..).unwrap_or_default();
    let Some(vm) = simple_regex(pcre) else { return Vec::new() };
    let mut cache = vm.create_cache();
    let mut ends = Vec::new();
    let mut from = 0;
    while from <= subject.len() {
        let anchored = if pcre.anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(subject).span(from..subject.len()).anchored(anchored);
        let mut slots = [None; 2];
        vm.search_slots(&mut cache, &input, &mut slots);
        let [Some(start), Some(end)] = slots else { break };
        ends.push(base + end.get());
        from = start.get() + 1;
    }
    ends
}

fn simple_regex(pcre: &Pcre) -> Option<PikeVM> {
    PikeVM::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(&translate(pcre).ok()?.pattern)
        .ok()
}
