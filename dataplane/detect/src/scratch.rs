//! One worker's memory for matching: everything is allocated when it is made.

use crate::outcome::SignatureIndex;
use crate::prefilter::PatternMarks;
use crate::program::Workspace;

/// One worker's memory for matching one [`RuleSet`](crate::RuleSet).
#[derive(Debug)]
pub struct Scratch {
    pub(crate) candidates: CandidateSet,
    pub(crate) marks: PatternMarks,
    pub(crate) workspace: Workspace,
    pub(crate) alerts: Vec<SignatureIndex>,
}

impl Scratch {
    /// The signatures to raise for the packet inspected last, in this order.
    #[must_use]
    pub fn alerts(&self) -> &[SignatureIndex] {
        &self.alerts
    }
}

/// A set of rule ranks that is filled in any order and emptied in rising order.
///
/// A summary word stands for 64 words, so that emptying costs what is in the set, not its capacity.
#[derive(Debug)]
pub(crate) struct CandidateSet {
    words: Box<[u64]>,
    summary: Box<[u64]>,
}

impl CandidateSet {
    /// An empty set of ranks below `capacity`.
    pub(crate) fn new(capacity: usize) -> Self {
        let words = capacity.div_ceil(64);
        Self {
            words: vec![0; words].into_boxed_slice(),
            summary: vec![0; words.div_ceil(64)].into_boxed_slice(),
        }
    }

    /// Adds `rank`; one that is not below the capacity is ignored.
    #[inline]
    pub(crate) fn insert(&mut self, rank: u32) {
        let word = (rank >> 6) as usize;
        if let (Some(bits), Some(above)) =
            (self.words.get_mut(word), self.summary.get_mut(word >> 6))
        {
            *bits |= 1 << (rank & 63);
            *above |= 1 << (word & 63);
        }
    }

    /// Removes and returns the smallest rank.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        for (high, above) in self.summary.iter_mut().enumerate() {
            if *above != 0 {
                let word = high * 64 + above.trailing_zeros() as usize;
                let bits = self.words.get_mut(word)?;
                let rank = (word as u32) * 64 + bits.trailing_zeros();
                *bits &= bits.wrapping_sub(1);
                if *bits == 0 {
                    *above &= above.wrapping_sub(1);
                }
                return Some(rank);
            }
        }
        None
    }

    /// Empties the set.
    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::CandidateSet;

    #[test]
    fn ranks_come_out_sorted_and_once() {
        let mut set = CandidateSet::new(10_000);
        for rank in [9_999, 3, 64, 3, 4_095, 4_096, 0, 10_048] {
            set.insert(rank);
        }
        let mut found = Vec::new();
        while let Some(rank) = set.pop() {
            found.push(rank);
        }
        assert_eq!(found, [0, 3, 64, 4_095, 4_096, 9_999]);
    }
}
