//! Compiled automata and their search.

use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use crate::error::PcreError;
use crate::program::workspace::Work;

/// Bytes of the NFA of one expression; beyond it the rule is refused.
pub(crate) const NFA_BYTES_MAX: usize = 1 << 20;

/// Limits for automata.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of the DFA of one expression (and as many while it is built); beyond it the NFA is
    /// simulated.
    pub(crate) dfa_bytes_max: usize,
    /// Bytes of all automata of a set; once passed, further expressions are simulated.
    pub(crate) total_bytes_max: usize,
}

/// What makes two compiled expressions the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pattern: String,
    pub(crate) anchored: bool,
    pub(crate) needs_start: bool,
    /// Bytes that a DFA may have; 0 for none.
    pub(crate) dfa_bytes_max: usize,
}

/// Where an expression matched. `start` is the match's only where the expression was compiled with
/// `needs_start`; else it is a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Regex {
    engine: Engine,
    anchored: Anchored,
    bytes: usize,
}

#[derive(Debug)]
enum Engine {
    Dense { forward: Box<dense::DFA<Vec<u32>>>, reverse: Option<Box<dense::DFA<Vec<u32>>>> },
    Simulated(Box<PikeVM>),
}

/// A worker's memory for expressions that are simulated.
#[derive(Debug, Default)]
pub(crate) struct PcreCache(Option<pikevm::Cache>);

impl PcreCache {
    /// Memory that is large enough for each of `regexes`.
    pub(crate) fn new(regexes: &[Arc<Regex>]) -> Self {
        let mut cache: Option<pikevm::Cache> = None;
        for regex in regexes {
            if let Engine::Simulated(vm) = &regex.engine {
                let cache = cache.get_or_insert_with(|| vm.create_cache());
                cache.reset(vm);
                // The first searches size what `reset` leaves to them: above all the stack of states,
                // which is bounded by their number, but not known beforehand.
                let every_byte: [u8; 256] = core::array::from_fn(|byte| byte as u8);
                vm.search_slots(cache, &Input::new(&every_byte), &mut [None; 2]);
            }
        }
        Self(cache)
    }
}

impl Regex {
    /// Compiles `key`.
    pub(crate) fn compile(key: &Key) -> Result<Self, PcreError> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(&key.pattern, &config)
            .map_err(|error| PcreError::Syntax(error.to_string()))?;
        let prefilter = if key.anchored {
            None
        } else {
            Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &hir).filter(Prefilter::is_fast)
        };
        let nfa = |reverse: bool, captures| {
            thompson::Compiler::new()
                .configure(
                    thompson::Config::new()
                        .utf8(false)
                        .reverse(reverse)
                        .which_captures(captures)
                        .nfa_size_limit(Some(NFA_BYTES_MAX)),
                )
                .build_from_hir(&hir)
                .map_err(|_| PcreError::TooLarge { bytes_max: NFA_BYTES_MAX })
        };
        let anchored = if key.anchored { Anchored::Yes } else { Anchored::No };
        if key.dfa_bytes_max > 0 {
            let forward = nfa(false, WhichCaptures::None)?;
            let reverse =
                if key.needs_start { Some(nfa(true, WhichCaptures::None)?) } else { None };
            if let Some(engine) = dense(key, &forward, reverse.as_ref(), prefilter.clone()) {
                let bytes = engine.bytes();
                return Ok(Self { engine, anchored, bytes });
            }
        }
        let vm = PikeVM::builder()
            .configure(pikevm::Config::new().prefilter(prefilter))
            .build_from_nfa(nfa(false, WhichCaptures::Implicit)?)
            .map_err(|error| PcreError::Syntax(error.to_string()))?;
        let engine = Engine::Simulated(Box::new(vm));
        let bytes = engine.bytes();
        Ok(Self { engine, anchored, bytes })
    }

    /// Bytes of the automata.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether searching needs [`PcreCache`].
    pub(crate) const fn is_simulated(&self) -> bool {
        matches!(self.engine, Engine::Simulated(_))
    }

    /// The first match in `subject` that begins at `from` or later.
    #[inline]
    pub(super) fn find(
        &self,
        subject: &[u8],
        from: usize,
        cache: &mut PcreCache,
        work: &mut Work,
    ) -> Option<Found> {
        let input = Input::new(subject).span(from..subject.len()).anchored(self.anchored);
        match &self.engine {
            Engine::Dense { forward, reverse } => {
                // A dense DFA without quit bytes cannot fail; a failure would be a miss.
                let found = forward.try_search_fwd(&input).ok()?;
                let end = found.map(|half| half.offset());
                work.spend(end.unwrap_or(subject.len()) - from);
                let end = end?;
                let start = match reverse {
                    Some(reverse) => {
                        let back = input.span(from..end).anchored(Anchored::Yes);
                        reverse.try_search_rev(&back).ok()??.offset()
                    }
                    None => from,
                };
                Some(Found { start, end })
            }
            Engine::Simulated(vm) => simulate(vm, input, cache.0.as_mut()?, work),
        }
    }
}

/// Simulates the NFA over as much of the input as the work that is left allows. A match that ends
/// before is a match; else the rule has exhausted its work.
fn simulate(
    vm: &PikeVM,
    mut input: Input<'_>,
    cache: &mut pikevm::Cache,
    work: &mut Work,
) -> Option<Found> {
    let states = vm.get_nfa().states().len().max(1);
    let bytes_max = work.left / states;
    let wanted = input.end() - input.start();
    if wanted > bytes_max {
        input.set_end(input.start() + bytes_max);
    }
    cache.reset(vm);
    let mut slots = [None; 2];
    vm.search_slots(cache, &input, &mut slots);
    let [Some(start), Some(end)] = slots else {
        work.spend(wanted * states);
        return None;
    };
    work.spend((end.get() - input.start()).min(bytes_max) * states);
    Some(Found { start: start.get(), end: end.get() })
}

impl Engine {
    fn bytes(&self) -> usize {
        match self {
            Self::Dense { forward, reverse } => {
                forward.memory_usage() + reverse.as_ref().map_or(0, |dfa| dfa.memory_usage())
            }
            Self::Simulated(vm) => vm.get_nfa().memory_usage(),
        }
    }
}

/// Dense automata for the NFAs; `None` where they are too large.
fn dense(
    key: &Key,
    forward: &NFA,
    reverse: Option<&NFA>,
    prefilter: Option<Prefilter>,
) -> Option<Engine> {
    let config = dense::Config::new()
        .dfa_size_limit(Some(key.dfa_bytes_max))
        .determinize_size_limit(Some(key.dfa_bytes_max));
    let start = if key.anchored { StartKind::Anchored } else { StartKind::Unanchored };
    let build = |config, nfa| dense::Builder::new().configure(config).build_from_nfa(nfa).ok();
    let forward = build(
        config
            .clone()
            .start_kind(start)
            .specialize_start_states(prefilter.is_some())
            .prefilter(prefilter),
        forward,
    )?;
    let reverse = match reverse {
        None => None,
        Some(nfa) => {
            let config = config.start_kind(StartKind::Anchored).match_kind(MatchKind::All);
            Some(Box::new(build(config, nfa)?))
        }
    };
    Some(Engine::Dense { forward: Box::new(forward), reverse })
}
