//! What compiled rule sets have in common, kept across generations.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use rules::hir::Rule;

use crate::RuleSet;
use crate::error::{PcreError, RefusalReason};
use crate::flow::{FlowProgram, Names};
use crate::prefilter::{Pattern, Table};
use crate::program::pcre::{Key, Regex};

/// Compiled regular expressions and matchers by their content, so that a reload compiles only what
/// changed.
///
/// Of these it holds what the last two compilations used and nothing else, so that it is bounded by
/// their size. The names of flow variables it never forgets: rule sets that follow each other in one
/// worker have to come from one cache, or from one that was made [after](Self::after) the other.
#[derive(Debug, Default)]
pub struct CompileCache {
    regexes: Kept<Key, Result<Arc<Regex>, PcreError>>,
    tables: Kept<Vec<Pattern>, Arc<Table>>,
    names: Arc<Names>,
    compilation: u64,
}

/// How often the cache was asked, and could answer, during one compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) regexes_compiled: usize,
    pub(crate) regexes_cached: usize,
    pub(crate) tables_cached: usize,
}

#[derive(Debug)]
struct Kept<K, V> {
    entries: HashMap<K, (u64, V)>,
    hits: usize,
    misses: usize,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), hits: 0, misses: 0 }
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn get_or(&mut self, key: K, compilation: u64, make: impl FnOnce(&K) -> V) -> V {
        if let Some((used, value)) = self.entries.get_mut(&key) {
            self.hits += usize::from(*used != compilation);
            *used = compilation;
            return value.clone();
        }
        let value = make(&key);
        self.misses += 1;
        self.entries.insert(key, (compilation, value.clone()));
        value
    }

    fn end(&mut self, compilation: u64) {
        self.entries.retain(|_, (used, _)| *used + 1 >= compilation);
        (self.hits, self.misses) = (0, 0);
    }
}

impl CompileCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty cache for rule sets that are to follow `rules`.
    #[must_use]
    pub fn after(rules: &RuleSet) -> Self {
        Self { names: Arc::clone(&rules.names), ..Self::default() }
    }

    /// Compiled expressions and matchers that the cache holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.regexes.entries.len() + self.tables.entries.len()
    }

    /// Whether the cache is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a compilation.
    pub(crate) const fn begin(&mut self) {
        self.compilation += 1;
    }

    /// Ends a compilation: what neither it nor the one before used is dropped.
    pub(crate) fn end(&mut self) -> Hits {
        let hits = Hits {
            regexes_compiled: self.regexes.misses,
            regexes_cached: self.regexes.hits,
            tables_cached: self.tables.hits,
        };
        self.regexes.end(self.compilation);
        self.tables.end(self.compilation);
        hits
    }

    /// The expression of `key`, compiled now unless it is known; failures are known as well.
    pub(crate) fn regex(&mut self, key: Key) -> Result<Arc<Regex>, PcreError> {
        self.regexes.get_or(key, self.compilation, |key| Regex::compile(key).map(Arc::new))
    }

    /// What `rule` asks of flows and changes in them; its names get their numbers now unless they have
    /// them.
    pub(crate) fn flow_program(&mut self, rule: &Rule) -> Result<FlowProgram, RefusalReason> {
        FlowProgram::compile(rule, Arc::make_mut(&mut self.names))
    }

    /// The names of flow variables so far.
    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    /// The matcher of `patterns`.
    pub(crate) fn table(&mut self, patterns: &[Pattern]) -> Arc<Table> {
        self.tables
            .get_or(patterns.to_vec(), self.compilation, |patterns| Arc::new(Table::new(patterns)))
    }
}
