//! What a worker is given when the rules change.

use std::sync::Arc;

use crate::{RuleSet, Scratch};

/// A numbered rule set with one worker's memory for it. The control plane builds and frees it; the
/// worker only swaps boxes.
#[derive(Debug)]
pub struct Generation {
    /// Number of the generation, rising.
    pub number: u32,
    /// The rules, shared by all workers.
    pub rules: Arc<RuleSet>,
    /// This worker's memory for matching them.
    pub scratch: Scratch,
}

impl Generation {
    /// Generation `number` of `rules`, with new scratch memory.
    #[must_use]
    pub fn new(number: u32, rules: Arc<RuleSet>) -> Box<Self> {
        let scratch = rules.new_scratch();
        Box::new(Self { number, rules, scratch })
    }
}
