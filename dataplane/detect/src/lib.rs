//! HIR to an immutable rule set, and matching over an [`Inspect`] view.
//!
//! [`RuleSet::compile`] turns rules into protocol domains with port-grouped multi-pattern prefilters,
//! property indexes for rules without a literal, and one inspection program per rule.
//! [`RuleSet::inspect`] runs them over one packet: prefilter → candidates → header and flow checks →
//! program. Matching allocates nothing: all memory of a worker is its [`Scratch`], and what rules note
//! in a flow is its [`FlowVariables`].
//!
//! Rules of class `Stream`, and of class `PktOrStream` where the payload went into a stream, are looked at
//! on the chunks of the stream. [`mod@reference`] is the slow twin that every fast path is tested against. `docs/detection.md` explains the engine.

#![forbid(unsafe_code)]

mod buffers;
mod cache;
mod compile;
mod error;
mod events;
mod flow;
mod generation;
mod header;
mod headers;
mod inspect;
mod losses;
mod order;
mod outcome;
mod prefilter;
mod program;

pub mod reference;
mod report;
mod rpc;
mod ruleset;
mod scratch;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use cache::CompileCache;
pub use compile::CompileOptions;
pub use error::{CompileError, PcreError, Refusal, RefusalReason};
pub use flow::{FLOW_BITS_MAX, FLOW_INTEGERS_MAX, FlowVariables};
pub use generation::Generation;
pub use headers::Headers;
pub use inspect::{FlowView, Inspect, Scope};
pub use losses::SignatureLosses;
pub use outcome::{Match, Outcome, PassScope, SignatureIndex};
pub use program::{INSPECTION_STEPS_MAX, INSPECTION_WORK_MAX};
pub use report::CompileReport;
pub use ruleset::RuleSet;
pub use scratch::Scratch;
