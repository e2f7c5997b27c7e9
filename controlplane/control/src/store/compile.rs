//! From a text to a compiled rule set, with everything that is to be said about it.

use std::sync::Arc;

use detect::{CompileCache, CompileError, CompileOptions, RuleSet};
use rules::{Counts, Environment};

use super::info::RuleDiagnostic;

/// A compiled rule set and what was said on the way.
#[derive(Clone, Debug)]
pub struct LoadedRules {
    /// The rules that were loaded.
    pub rules: Arc<RuleSet>,
    /// Rules read, loaded, replaced and refused.
    pub counts: Counts,
    /// Everything to be said about the text.
    pub diagnostics: Vec<RuleDiagnostic>,
}

impl LoadedRules {
    /// Loads and compiles `text`; `file` is how diagnostics name it. Takes long, and blocks.
    ///
    /// # Errors
    /// The set as a whole is over a limit.
    pub fn compile(
        text: &[u8],
        file: &str,
        environment: &Environment,
        cache: &mut CompileCache,
    ) -> Result<Self, CompileError> {
        let loaded = rules::load(text, file, environment);
        let mut counts = loaded.counts;
        let mut diagnostics: Vec<_> = loaded.diagnostics.iter().map(RuleDiagnostic::from).collect();
        let rules = RuleSet::compile(loaded.rules, &CompileOptions::default(), cache)?;
        for refusal in rules.refused() {
            counts.refused += 1;
            *counts.refused_by.entry(refusal.reason.word().into()).or_default() += 1;
            diagnostics.push(RuleDiagnostic::of_refusal(refusal, file));
        }
        counts.loaded = rules.signatures().len();
        Ok(Self { rules: Arc::new(rules), counts, diagnostics })
    }

    /// The rules as written, one a line, in their order.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for rule in self.rules.signatures() {
            text.push_str(&rule.text);
            text.push('\n');
        }
        text
    }
}
