//! Which literal of a rule goes into the prefilter.

use std::collections::HashMap;

use rules::hir::{Content, FastPattern, PayloadTest, Rule};

use crate::prefilter::{Pattern, PatternUse, Shape, fold, window_at};
use crate::program::Window;

/// Points for each bit by which a window or a literal is rarer.
const BIT: i32 = 4;
/// Bits beyond which a longer literal gains nothing.
const LITERAL_BITS_MAX: i32 = 80;

/// How often windows occur in the literals of all rules. What many rules look for is common in traffic
/// too (`HTTP`, `Host`), and makes long lists to verify.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    windows: HashMap<u32, u32>,
}

impl Statistics {
    /// Counts the windows of every literal that has to be there.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut windows = HashMap::new();
        for content in rules.flat_map(positive_contents) {
            let width = Shape::of(content.bytes.len()).width();
            for at in 0..content.bytes.len() {
                if let Some(window) = window_at(&content.bytes, at, width) {
                    *windows.entry(window).or_default() += 1;
                }
            }
        }
        Self { windows }
    }

    /// How common a folded window is; higher is worse.
    fn commonness(&self, window: u32) -> i32 {
        let rarity: i32 = window.to_le_bytes().iter().map(|byte| byte_bits(*byte)).sum();
        let count = self.windows.get(&window).copied().unwrap_or(0);
        (count + 1).ilog2().cast_signed() * BIT - rarity * BIT
    }

    /// The pattern of `rule`, and where it has to lie; `None` without a literal that has to be there.
    pub(super) fn choose(&self, rule: &Rule) -> Option<(Pattern, PatternUse)> {
        positive_contents(rule)
            .map(|content| {
                let (bytes, place) = part(content);
                let pattern = Pattern::new(bytes, content.nocase, |window| self.commonness(window));
                let chosen = content.fast_pattern != FastPattern::Auto;
                ((chosen, self.strength(&pattern, bytes)), (pattern, place))
            })
            .max_by_key(|(strength, _)| *strength)
            .map(|(_, chosen)| chosen)
    }

    /// How well a literal keeps foreign packets out: the rarity of what is scanned for, and to a
    /// lesser part of the whole, which is verified.
    fn strength(&self, pattern: &Pattern, bytes: &[u8]) -> i32 {
        let literal: i32 = bytes.iter().map(|byte| byte_bits(byte | 0x20)).sum();
        literal.min(LITERAL_BITS_MAX) - 2 * pattern.commonness(|window| self.commonness(window))
    }
}

fn positive_contents(rule: &Rule) -> impl Iterator<Item = &Content> {
    rule.payload.iter().filter_map(|test| match test {
        PayloadTest::Content(content) if !content.negated && !content.bytes.is_empty() => {
            Some(content)
        }
        _ => None,
    })
}

/// The bytes of `content` that serve as pattern, and where they have to lie.
fn part(content: &Content) -> (&[u8], PatternUse) {
    let (earliest, latest) = Window::new(content).bounds();
    let whole = (content.bytes.as_slice(), PatternUse { earliest, latest });
    let FastPattern::Chop { offset, length } = content.fast_pattern else { return whole };
    let (from, to) = (usize::from(offset), usize::from(offset) + usize::from(length));
    match content.bytes.get(from..to) {
        Some(bytes) if !bytes.is_empty() => {
            let behind = u32::try_from(content.bytes.len() - to).unwrap_or(0);
            let latest = if latest == u32::MAX { latest } else { latest.saturating_sub(behind) };
            (bytes, PatternUse { earliest: earliest.saturating_add(offset.into()), latest })
        }
        _ => whole,
    }
}

/// Bits of information in a folded byte, judged by what is common in traffic; 0 for the padding of a
/// short window.
fn byte_bits(byte: u8) -> i32 {
    match byte {
        0 => 0,
        b' ' => 3,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 4,
        b'0'..=b'9' | b'*' | b'-' | b'.' | b'/' | b':' | b'=' | b'a'..=b'z' => 5,
        0x21..=0x7f => 6,
        _ => 8,
    }
}

const _: () = assert!(fold(0) == 0x2020_2020, "a folded byte is never the padding of a window");
