//! Why a rule, or a whole rule set, is not compiled.

use thiserror::Error;

/// The rule set as a whole cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// More rules than `CompileOptions::rules_max`.
    #[error("{rules} rules are more than the limit of {rules_max}")]
    TooManyRules {
        /// Rules given.
        rules: usize,
        /// The limit.
        rules_max: usize,
    },
}

/// One rule that was left out of the set, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: rule {gid}:{sid}: {reason}")]
pub struct Refusal {
    /// Generator identifier of the rule.
    pub gid: u32,
    /// Signature identifier of the rule.
    pub sid: u32,
    /// Line of the rules file, from 1.
    pub line: u32,
    /// Why.
    pub reason: RefusalReason,
}

/// Why one rule is left out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RefusalReason {
    /// A name of a flow variable beyond those that have a place.
    #[error(
        "{keyword}: there have been {names_max} names since the start, and there is no place for more; use fewer, or start the sensor anew"
    )]
    TooManyNames {
        /// Keyword of the variable.
        keyword: &'static str,
        /// The limit.
        names_max: usize,
    },
    /// A regular expression that cannot be compiled.
    #[error("pcre: {0}")]
    Pcre(#[from] PcreError),
}

impl RefusalReason {
    /// The word of the rule language that the engine cannot serve, under which refusals are counted.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::TooManyNames { keyword, .. } => keyword,
            Self::Pcre(_) => "pcre",
        }
    }
}

/// Why a regular expression is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PcreError {
    /// A construct that finite automata cannot express, or that is not translated.
    #[error("{what} at offset {offset} is not supported")]
    Unsupported {
        /// The construct.
        what: &'static str,
        /// Byte offset in the expression.
        offset: usize,
    },
    /// Not a regular expression.
    #[error("{0}")]
    Syntax(String),
    /// The automaton is larger than the limit.
    #[error("the expression needs an automaton of more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}
