//! A worker's memory for running programs, and the limits of one run.

use std::sync::Arc;

use rules::hir::{Quantity, Variable};
use rules::limits::VARIABLES_MAX;

use super::base64::DECODED_BYTES_MAX;
use super::lowered::{LOWERED_BYTES_MAX, Lowered};
use super::pcre::{PcreCache, Regex};
use super::{INSPECTION_STEPS_MAX, INSPECTION_WORK_MAX};

/// A step that may be tried again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) step: usize,
    pub(super) position: usize,
    pub(super) next: usize,
}

/// Memory for running programs.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(super) frames: Vec<Frame>,
    /// The payload in lower case.
    pub(super) lowered: Lowered,
    /// What `base64_decode` gave.
    pub(super) decoded: Box<[u8]>,
    /// That in lower case.
    pub(super) decoded_lowered: Lowered,
    pub(super) pcre: PcreCache,
    pub(super) variables: Variables,
    pub(super) work: Work,
    /// Searches given up since [`Workspace::start`].
    pub(crate) limit_hits: u32,
}

impl Workspace {
    /// Memory for programs of at most `steps_max` steps and for the expressions `simulated`.
    pub(crate) fn new(steps_max: usize, simulated: &[Arc<Regex>]) -> Self {
        Self {
            frames: Vec::with_capacity(steps_max),
            lowered: Lowered::new(LOWERED_BYTES_MAX),
            decoded: vec![0; DECODED_BYTES_MAX].into_boxed_slice(),
            decoded_lowered: Lowered::new(DECODED_BYTES_MAX),
            pcre: PcreCache::new(simulated),
            variables: Variables::default(),
            work: Work::default(),
            limit_hits: 0,
        }
    }

    /// Begins a packet.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.lowered.clear();
        self.limit_hits = 0;
    }
}

/// What the tests of the rule at hand have read.
#[derive(Debug, Default)]
pub(super) struct Variables([u64; VARIABLES_MAX]);

impl Variables {
    #[inline]
    pub(super) fn get(&self, variable: Variable) -> u64 {
        self.0.get(usize::from(variable.0)).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn set(&mut self, variable: Variable, value: u64) {
        if let Some(slot) = self.0.get_mut(usize::from(variable.0)) {
            *slot = value;
        }
    }

    /// The number that `quantity` is; of a variable, what `convert` makes of it.
    #[inline]
    pub(super) fn resolve<T: Copy>(
        &self,
        quantity: Quantity<T>,
        convert: impl FnOnce(u64) -> T,
    ) -> T {
        match quantity {
            Quantity::Literal(number) => number,
            Quantity::Variable(variable) => convert(self.get(variable)),
        }
    }
}

/// What is left of [`INSPECTION_STEPS_MAX`] and [`INSPECTION_WORK_MAX`].
#[derive(Debug, Default)]
pub(super) struct Work {
    steps: u32,
    pub(super) left: usize,
    exhausted: bool,
}

impl Work {
    /// Begins a rule.
    pub(super) const fn new() -> Self {
        Self { steps: INSPECTION_STEPS_MAX, left: INSPECTION_WORK_MAX, exhausted: false }
    }

    /// Counts `work`.
    #[inline]
    pub(super) fn spend(&mut self, work: usize) {
        match self.left.checked_sub(work) {
            Some(left) => self.left = left,
            None => (self.left, self.exhausted) = (0, true),
        }
    }

    /// Counts the evaluation of a step; the one that reaches the limit fails.
    #[inline]
    pub(super) fn step(&mut self) {
        self.steps = self.steps.saturating_sub(1);
        self.exhausted |= self.steps == 0;
    }

    /// Whether the rule has to be given up.
    #[inline]
    pub(super) const fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}
