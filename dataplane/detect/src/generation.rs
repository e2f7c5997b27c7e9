//! What a worker is given when the rules change.

use std::sync::Arc;

use crate::{RuleSet, Scratch, SignatureLosses};

/// A severity that is never shed: the highest.
const SEVERITY_HIGHEST: u8 = 1;

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
    /// Alerts that this worker has lost, by signature; the control plane keeps a share.
    pub losses: Arc<SignatureLosses>,
}

impl Generation {
    /// Generation `number` of `rules`, with new scratch memory and nothing lost.
    #[must_use]
    pub fn new(number: u32, rules: Arc<RuleSet>) -> Box<Self> {
        let scratch = rules.new_scratch();
        let losses = Arc::new(SignatureLosses::new(rules.signatures().len()));
        Box::new(Self { number, rules, scratch, losses })
    }

    /// Severity of the alerts of `signature`: 1 (highest) to 255, as for a rule's priority.
    #[must_use]
    pub fn severity(&self, signature: u32) -> u8 {
        let rule = self.rules.signatures().get(signature as usize);
        rule.map_or(SEVERITY_HIGHEST, |rule| rule.meta.priority)
    }
}
