//! Inspection programs: the contents and regular expressions of a rule, in rule order.
//!
//! A test that the next one is relative to is tried again at its next place when a later test fails;
//! everything else is tried once. Steps are evaluated iteratively over frames in the worker's scratch,
//! so that no rule can exhaust the stack.

mod content;
pub(crate) mod pcre;

use std::sync::Arc;

use rules::hir::{Content, FastPattern, PayloadTest};

use self::content::ContentStep;
pub(crate) use self::content::Window;
use self::pcre::{PcreCache, PcreStep, Regex, RegexCompiler};
use crate::error::PcreError;

/// Evaluations of steps for one rule on one payload; the one that reaches the limit fails, and with it
/// the rule. The peer's `inspection-recursion-limit`.
pub const INSPECTION_STEPS_MAX: u32 = 3_000;

/// Work for one rule on one payload, in bytes searched (for a simulated regular expression: times its
/// states). Beyond it the rule does not match, and `match_limit_hits` counts it: a pattern that is tried
/// again at thousands of places cannot stall a worker. Ordinary packets meet [`INSPECTION_STEPS_MAX`]
/// first; at worst this takes some 50 ms.
pub const INSPECTION_WORK_MAX: usize = 1 << 23;

/// A place where a step matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Where the next search of the same step begins.
    next: usize,
    /// Where the match ended; `None` where the step does not move the position (negations).
    end: Option<usize>,
}

/// A step that may be tried again.
#[derive(Clone, Copy, Debug)]
struct Frame {
    step: usize,
    position: usize,
    next: usize,
}

/// Memory for running programs.
#[derive(Debug)]
pub(crate) struct Workspace {
    frames: Vec<Frame>,
    lowered: Lowered,
    pcre: PcreCache,
    work: Work,
    /// Searches given up since [`Workspace::start`].
    pub(crate) limit_hits: u32,
}

impl Workspace {
    /// Memory for programs of at most `steps_max` steps and for the expressions `simulated`.
    pub(crate) fn new(steps_max: usize, simulated: &[Arc<Regex>]) -> Self {
        Self {
            frames: Vec::with_capacity(steps_max),
            lowered: Lowered::default(),
            pcre: PcreCache::new(simulated),
            work: Work::default(),
            limit_hits: 0,
        }
    }

    /// Begins a packet.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.lowered.length = None;
        self.limit_hits = 0;
    }
}

/// What is left of [`INSPECTION_WORK_MAX`].
#[derive(Debug, Default)]
struct Work {
    left: usize,
    exhausted: bool,
}

impl Work {
    #[inline]
    fn spend(&mut self, work: usize) {
        match self.left.checked_sub(work) {
            Some(left) => self.left = left,
            None => (self.left, self.exhausted) = (0, true),
        }
    }
}

/// Largest payload: what the length field of an IP packet can say.
const PAYLOAD_BYTES_MAX: usize = u16::MAX as usize;

/// The payload in lower case, made when the first caseless content asks.
#[derive(Debug)]
struct Lowered {
    bytes: Box<[u8]>,
    length: Option<usize>,
}

impl Default for Lowered {
    fn default() -> Self {
        Self { bytes: vec![0; PAYLOAD_BYTES_MAX].into_boxed_slice(), length: None }
    }
}

impl Lowered {
    /// `payload` in lower case; cut at [`PAYLOAD_BYTES_MAX`].
    fn of(&mut self, payload: &[u8]) -> &[u8] {
        let length = payload.len().min(PAYLOAD_BYTES_MAX);
        if self.length.is_none() {
            for (to, from) in self.bytes.iter_mut().zip(payload) {
                *to = from.to_ascii_lowercase();
            }
            self.length = Some(length);
        }
        self.bytes.get(..length).unwrap_or_default()
    }
}

/// One test of a program.
#[derive(Debug)]
enum Test {
    Content(Box<ContentStep>),
    Pcre(PcreStep),
}

/// A test and how it joins the others.
#[derive(Debug)]
struct Step {
    test: Test,
    relative: bool,
    /// The next test is relative to this one's match.
    retry: bool,
}

/// The program of one rule.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Box<[Step]>,
}

impl Program {
    /// Compiles `tests`.
    pub(crate) fn compile(
        tests: &[PayloadTest],
        regexes: &mut RegexCompiler<'_>,
    ) -> Result<Self, PcreError> {
        let mut steps = Vec::with_capacity(tests.len());
        for (index, test) in tests.iter().enumerate() {
            let retry = tests.get(index + 1).is_some_and(is_relative) && !is_negated(test);
            let compiled = match test {
                PayloadTest::Content(content) => Test::Content(Box::new(ContentStep::new(content))),
                PayloadTest::Pcre(pcre) => {
                    let end_used = tests.iter().skip(index + 1).any(is_relative);
                    Test::Pcre(regexes.compile(pcre, retry, end_used)?)
                }
            };
            steps.push(Step { test: compiled, relative: is_relative(test), retry });
        }
        Ok(Self { steps: steps.into_boxed_slice() })
    }

    /// Number of steps.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether `payload` passes every test.
    pub(crate) fn matches(&self, payload: &[u8], space: &mut Workspace) -> bool {
        space.frames.clear();
        space.work = Work { left: INSPECTION_WORK_MAX, exhausted: false };
        let (mut index, mut position, mut resume) = (0, 0, None);
        let mut evaluations = 0;
        while let Some(step) = self.steps.get(index) {
            if resume.is_none() {
                evaluations += 1;
                if evaluations >= INSPECTION_STEPS_MAX {
                    space.limit_hits += 1;
                    return false;
                }
                // What came before an absolute test has no more influence.
                if !step.relative {
                    space.frames.clear();
                }
            }
            let found = step.find(payload, position, resume.take(), space);
            if space.work.exhausted {
                space.limit_hits += 1;
                return false;
            }
            if let Some(place) = found {
                if step.retry {
                    space.frames.push(Frame { step: index, position, next: place.next });
                }
                position = place.end.unwrap_or(position);
                index += 1;
            } else if let Some(frame) = space.frames.pop() {
                (index, position, resume) = (frame.step, frame.position, Some(frame.next));
            } else {
                return false;
            }
        }
        true
    }
}

impl Step {
    #[inline]
    fn find(
        &self,
        payload: &[u8],
        position: usize,
        resume: Option<usize>,
        space: &mut Workspace,
    ) -> Option<Place> {
        match &self.test {
            Test::Content(content) => {
                let folded = if content.nocase() { space.lowered.of(payload) } else { payload };
                content.find(folded, position, resume, &mut space.work)
            }
            Test::Pcre(pcre) => {
                pcre.find(payload, position, resume, &mut space.pcre, &mut space.work)
            }
        }
    }
}

/// Whether the place of `test` depends on the match before it.
pub(crate) const fn is_relative(test: &PayloadTest) -> bool {
    match test {
        PayloadTest::Content(content) => content.is_relative(),
        PayloadTest::Pcre(pcre) => pcre.relative,
    }
}

/// Whether `test` must not match.
pub(crate) const fn is_negated(test: &PayloadTest) -> bool {
    match test {
        PayloadTest::Content(content) => content.negated,
        PayloadTest::Pcre(pcre) => pcre.negated,
    }
}

/// Whether a match of `test` is what the next relative test counts from: a content that only serves
/// the prefilter (`fast_pattern:only`) has to be there, but is not a place.
pub(crate) const fn moves_position(content: &Content) -> bool {
    !matches!(content.fast_pattern, FastPattern::Only)
}
