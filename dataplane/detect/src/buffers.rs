//! Inspection programs over the sticky buffers of a rule.

use rules::hir::{BufferName, Rule};

use crate::Inspect;
use crate::error::PcreError;
use crate::headers;
use crate::program::pcre::RegexCompiler;
use crate::program::{Program, Workspace};

/// The programs of one rule's buffers.
#[derive(Debug, Default)]
pub(crate) struct BufferPrograms(Box<[(BufferName, Program)]>);

impl BufferPrograms {
    /// Compiles the buffers of `rule`.
    pub(crate) fn compile(rule: &Rule, regexes: &mut RegexCompiler<'_>) -> Result<Self, PcreError> {
        let programs = rule
            .buffers
            .iter()
            .map(|(buffer, tests)| Ok((buffer.name, Program::compile(tests, regexes)?)));
        Ok(Self(programs.collect::<Result<_, PcreError>>()?))
    }

    /// Steps of the longest program.
    pub(crate) fn len_max(&self) -> usize {
        self.0.iter().map(|(_, program)| program.len()).max().unwrap_or(0)
    }

    /// Whether every buffer is there in `view` and passes its tests.
    #[inline]
    pub(crate) fn match_all(&self, view: &Inspect<'_>, space: &mut Workspace) -> bool {
        self.0.iter().all(|(name, program)| {
            headers::buffer(*name, view).is_some_and(|bytes| program.matches(bytes, space))
        })
    }
}
