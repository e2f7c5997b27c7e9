//! Inspection programs: the tests of a rule's bytes, in rule order.
//!
//! A content or regular expression is tried again at its next place when a later test fails, if the next
//! test, or the next content or expression, is relative; everything else is tried once. Where an
//! absolute content is missing, nothing before it is tried again. Steps are evaluated iteratively over
//! frames in the worker's scratch, so that no rule can exhaust the stack.

mod base64;
mod bytes;
mod content;
mod lowered;
pub(crate) mod pcre;
mod workspace;

use rules::hir::{Content, FastPattern, PayloadTest, PlaceVariables};

use self::base64::Base64Step;
use self::bytes::{BytesStep, Moved};
use self::content::ContentStep;
pub(crate) use self::content::Window;
use self::lowered::Lowered;
use self::pcre::{PcreStep, RegexCompiler};
pub(crate) use self::workspace::Workspace;
use self::workspace::{Frame, Work};
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
    /// Where the match ended; `None` where the step does not move the position.
    end: Option<usize>,
}

/// What became of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Match,
    /// Another place of a test before may do.
    Miss,
    /// No other place of any test can help.
    Never,
}

/// One test of a program.
#[derive(Debug)]
enum Test {
    Content(Box<ContentStep>),
    Pcre(PcreStep),
    Bytes(BytesStep),
    Base64(Box<Base64Step>),
}

/// A test and how it joins the others.
#[derive(Debug)]
struct Step {
    test: Test,
    /// A test that counts from this one's match may ask for its next place.
    retry: bool,
    /// If it fails, the rule does.
    last_word: bool,
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
            let rest = tests.get(index + 1..).unwrap_or_default();
            let counted_from = is_counted_from(test, rest);
            let retry = counted_from && !is_negated(test);
            let compiled = match test {
                PayloadTest::Content(content) => Test::Content(Box::new(ContentStep::new(content))),
                PayloadTest::Pcre(pcre) => {
                    let end_used = rest.iter().any(PayloadTest::is_relative);
                    Test::Pcre(regexes.compile(pcre, retry, end_used)?)
                }
                PayloadTest::Base64(decode) => {
                    let data = Self::compile(&decode.data, regexes)?;
                    Test::Base64(Box::new(Base64Step::new(decode, data)))
                }
                other => match BytesStep::new(other) {
                    Some(step) => Test::Bytes(step),
                    None => continue,
                },
            };
            let last_word = has_last_word(test, counted_from);
            steps.push(Step { test: compiled, retry, last_word });
        }
        Ok(Self { steps: steps.into_boxed_slice() })
    }

    /// Number of steps, those of decoded data included.
    pub(crate) fn len(&self) -> usize {
        let decoded = |step: &Step| match &step.test {
            Test::Base64(decode) => decode.data.as_ref().map_or(0, Self::len),
            _ => 0,
        };
        self.steps.len() + self.steps.iter().map(decoded).sum::<usize>()
    }

    /// Whether `payload` passes every test.
    pub(crate) fn matches(&self, payload: &[u8], space: &mut Workspace) -> bool {
        space.frames.clear();
        space.work = Work::new();
        let verdict = self.run(payload, 0, false, space);
        space.limit_hits += u32::from(space.work.is_exhausted());
        verdict == Verdict::Match
    }

    /// Runs the program on `buffer`, which is what was `decoded` or the payload, behind `position`.
    fn run(
        &self,
        buffer: &[u8],
        mut position: usize,
        decoded: bool,
        space: &mut Workspace,
    ) -> Verdict {
        let floor = space.frames.len();
        let (mut index, mut resume) = (0, None);
        while let Some(step) = self.steps.get(index) {
            if resume.is_none() {
                space.work.step();
            }
            let found = match &step.test {
                Test::Base64(_) if space.work.is_exhausted() => Err(Verdict::Never),
                Test::Base64(decode) => match decode_and_run(decode, buffer, position, space) {
                    Verdict::Match => Ok(Place { next: position, end: None }),
                    verdict => Err(verdict),
                },
                _ => {
                    step.find(buffer, position, resume.take(), decoded, space).ok_or(Verdict::Miss)
                }
            };
            if space.work.is_exhausted() {
                return Verdict::Never;
            }
            match found {
                Ok(place) => {
                    if step.retry {
                        space.frames.push(Frame { step: index, position, next: place.next });
                    }
                    position = place.end.unwrap_or(position);
                    index += 1;
                }
                Err(verdict) if step.last_word || verdict == Verdict::Never => {
                    space.frames.truncate(floor);
                    return Verdict::Never;
                }
                Err(verdict) => {
                    if space.frames.len() <= floor {
                        return verdict;
                    }
                    let Some(frame) = space.frames.pop() else { return verdict };
                    (index, position, resume) = (frame.step, frame.position, Some(frame.next));
                }
            }
        }
        space.frames.truncate(floor);
        Verdict::Match
    }
}

/// Decodes what `step` names and runs its program on that.
fn decode_and_run(
    step: &Base64Step,
    buffer: &[u8],
    position: usize,
    space: &mut Workspace,
) -> Verdict {
    let Some(data) = &step.data else { return Verdict::Miss };
    let encoded = step.encoded(buffer, position);
    space.work.spend(encoded.len());
    // Taken out so that the program can borrow the rest.
    let mut decoded = std::mem::take(&mut space.decoded);
    space.decoded_lowered.clear();
    let verdict = match base64::decode(encoded, &mut decoded) {
        0 => Verdict::Miss,
        // As in the peer, the position stays where it was in the payload.
        length => data.run(decoded.get(..length).unwrap_or_default(), position, true, space),
    };
    space.decoded = decoded;
    verdict
}

impl Step {
    #[inline]
    fn find(
        &self,
        buffer: &[u8],
        position: usize,
        resume: Option<usize>,
        decoded: bool,
        space: &mut Workspace,
    ) -> Option<Place> {
        let Workspace { lowered, decoded_lowered, pcre: cache, variables, work, .. } = space;
        match &self.test {
            Test::Content(content) => {
                let lowered: &mut Lowered = if decoded { decoded_lowered } else { lowered };
                let folded = if content.nocase() { lowered.of(buffer) } else { buffer };
                content.find(folded, position, resume, variables, work)
            }
            Test::Pcre(pcre) => pcre.find(buffer, position, resume, cache, work),
            Test::Bytes(bytes) => match bytes.evaluate(buffer, position, variables, work)? {
                Moved::Stays => Some(Place { next: position, end: None }),
                Moved::To(end) => Some(Place { next: end, end: Some(end) }),
            },
            // `Program::run` sees to it.
            Test::Base64(_) => None,
        }
    }
}

/// Whether `test` searches, and is tried again for one of `rest`: as in the peer for the next search, if
/// that is relative, or for the next test, if that is relative and no `base64_decode`.
fn is_counted_from(test: &PayloadTest, rest: &[PayloadTest]) -> bool {
    let next = rest.first().filter(|test| !matches!(test, PayloadTest::Base64(_)));
    let next_search = rest.iter().find(|test| test.is_search());
    test.is_search() && next.into_iter().chain(next_search).any(PayloadTest::is_relative)
}

/// Whether the rule fails if `test` does, wherever the tests before it matched: as in the peer an absolute
/// content, or one that must not be anywhere; and whatever says the same each time.
fn has_last_word(test: &PayloadTest, counted_from: bool) -> bool {
    match test {
        PayloadTest::Content(content) if content.negated => {
            let placed = content.has_offset() || content.has_depth() || counted_from;
            !content.is_relative() && (!placed || content.variables == PlaceVariables::default())
        }
        PayloadTest::Content(content) => !content.is_relative(),
        PayloadTest::Pcre(pcre) => !pcre.relative,
        other => BytesStep::new(other).is_some_and(|step| step.is_constant()),
    }
}

/// Whether `test` must not match, and so is no place.
const fn is_negated(test: &PayloadTest) -> bool {
    match test {
        PayloadTest::Content(content) => content.negated,
        PayloadTest::Pcre(pcre) => pcre.negated,
        _ => false,
    }
}

/// Whether a match of `test` is what the next relative test counts from: a content that only serves
/// the prefilter (`fast_pattern:only`) has to be there, but is not a place.
pub(crate) const fn moves_position(content: &Content) -> bool {
    !matches!(content.fast_pattern, FastPattern::Only)
}
