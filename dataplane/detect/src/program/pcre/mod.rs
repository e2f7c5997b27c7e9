//! Regular expressions: translated to finite automata that search in linear time and do not allocate.
//!
//! An expression becomes a dense DFA where that fits; one with too many states is simulated as an NFA
//! (one cache per worker serves them all) under a work limit. What automata cannot express is refused
//! by [`translate`].

mod class;
mod engine;
mod translate;
mod translate_group;

use std::sync::Arc;

use rules::hir::Pcre;

use super::Place;
use super::workspace::Work;
use crate::cache::CompileCache;
use crate::error::PcreError;

pub(crate) use self::engine::{Key, Limits, PcreCache, Regex};
pub(crate) use self::translate::translate;

/// A compiled `pcre`.
#[derive(Debug)]
pub(super) struct PcreStep {
    regex: Arc<Regex>,
    negated: bool,
    relative: bool,
}

impl PcreStep {
    /// The first match at or after `resume` (or the search's start). As in PCRE, a relative expression
    /// sees nothing of what lies before `position`, and a repeated one sees what it skips.
    pub(super) fn find(
        &self,
        payload: &[u8],
        position: usize,
        resume: Option<usize>,
        cache: &mut PcreCache,
        work: &mut Work,
    ) -> Option<Place> {
        let base = if self.relative { position } else { 0 };
        let subject = payload.get(base..)?;
        let from = resume.unwrap_or(base).checked_sub(base)?;
        if from > subject.len() {
            return None;
        }
        let found = self.regex.find(subject, from, cache, work);
        if self.negated {
            return found.is_none().then_some(Place { next: base, end: None });
        }
        let found = found?;
        Some(Place { next: base + found.start + 1, end: Some(base + found.end) })
    }
}

/// Compiles the regular expressions of a rule set through the cache, and remembers those that need
/// memory while they search.
pub(crate) struct RegexCompiler<'a> {
    cache: &'a mut CompileCache,
    limits: Limits,
    simulated: Vec<Arc<Regex>>,
    /// Bytes of all automata so far.
    pub(crate) bytes: usize,
}

impl<'a> RegexCompiler<'a> {
    /// A compiler that looks into `cache` first.
    pub(crate) const fn new(cache: &'a mut CompileCache, limits: Limits) -> Self {
        Self { cache, limits, simulated: Vec::new(), bytes: 0 }
    }

    /// Compiles `pcre`. `retry`: its start is needed, to try again behind it; `end_used`: a later test
    /// counts from its end.
    pub(super) fn compile(
        &mut self,
        pcre: &Pcre,
        retry: bool,
        end_used: bool,
    ) -> Result<PcreStep, PcreError> {
        let translated = translate(pcre)?;
        if end_used && !translated.end_exact {
            return Err(PcreError::Unsupported {
                what: "a match relative to `$` or `\\Z` (write `\\z`)",
                offset: pcre.pattern.len(),
            });
        }
        let room = self.bytes < self.limits.total_bytes_max;
        let key = Key {
            pattern: translated.pattern,
            anchored: pcre.anchored,
            needs_start: retry,
            dfa_bytes_max: if room { self.limits.dfa_bytes_max } else { 0 },
        };
        let regex = self.cache.regex(key)?;
        self.bytes += regex.bytes();
        if regex.is_simulated() {
            self.simulated.push(Arc::clone(&regex));
        }
        Ok(PcreStep { regex, negated: pcre.negated, relative: pcre.relative })
    }

    /// The expressions that [`PcreCache`] has to serve.
    pub(crate) fn into_simulated(self) -> Vec<Arc<Regex>> {
        self.simulated
    }
}

#[cfg(test)]
mod tests;
