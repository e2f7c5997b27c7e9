//! What compiling did.

use std::time::Duration;

/// What compiling did: sizes, and time per stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileReport {
    /// Rules compiled.
    pub rules: usize,
    /// Rules refused.
    pub refused: usize,
    /// Distinct fast patterns, summed over the protocol domains.
    pub patterns: usize,
    /// Port groups with a prefilter of their own, summed over the protocol domains.
    pub groups: usize,
    /// Rules without a literal for the prefilter; they are found by a packet property.
    pub rules_without_pattern: usize,
    /// Of these, rules that no packet property narrows down: candidates on every packet of their
    /// protocol.
    pub rules_unfiltered: usize,
    /// Regular expressions compiled now.
    pub regexes_compiled: usize,
    /// Regular expressions taken from the cache.
    pub regexes_cached: usize,
    /// Matchers taken from the cache.
    pub matchers_cached: usize,
    /// Bytes of automata of regular expressions.
    pub regex_bytes: usize,
    /// Bytes of prefilters.
    pub prefilter_bytes: usize,
    /// Time for inspection programs, regular expressions included.
    pub programs_time: Duration,
    /// Time for choosing fast patterns.
    pub patterns_time: Duration,
    /// Time for prefilters and groups.
    pub prefilters_time: Duration,
}
