//! One worker's memory for matching: everything is allocated when it is made.

use crate::outcome::Match;
use crate::prefilter::PatternMarks;
use crate::program::Workspace;

/// One worker's memory for matching one [`RuleSet`](crate::RuleSet).
#[derive(Debug)]
pub struct Scratch {
    /// Candidates by what the packet has.
    pub(crate) candidates: CandidateSet,
    /// Candidates by what the chunks of its stream have.
    pub(crate) chunk_candidates: CandidateSet,
    pub(crate) marks: PatternMarks,
    pub(crate) workspace: Workspace,
    pub(crate) alerts: Vec<Match>,
}

/// A rule to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) rank: u32,
    /// It may match the packet.
    pub(crate) packet: bool,
    /// It may match a chunk.
    pub(crate) chunk: bool,
}

impl Scratch {
    /// The signatures to raise for the packet inspected last, in this order.
    #[must_use]
    pub fn alerts(&self) -> &[Match] {
        &self.alerts
    }

    /// Takes the candidate of the smallest rank.
    #[inline]
    pub(crate) fn next_candidate(&mut self) -> Option<Candidate> {
        let packet = self.candidates.first();
        let chunk = self.chunk_candidates.first();
        let rank = match (packet, chunk) {
            (Some(packet), Some(chunk)) => packet.min(chunk),
            (found, other) => found.or(other)?,
        };
        let candidate =
            Candidate { rank, packet: packet == Some(rank), chunk: chunk == Some(rank) };
        if candidate.packet {
            self.candidates.remove(rank);
        }
        if candidate.chunk {
            self.chunk_candidates.remove(rank);
        }
        Some(candidate)
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

    /// The smallest rank.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        let (high, above) = self.summary.iter().enumerate().find(|(_, above)| **above != 0)?;
        let word = high * 64 + above.trailing_zeros() as usize;
        let bits = self.words.get(word)?;
        Some((word as u32) * 64 + bits.trailing_zeros())
    }

    /// Removes `rank`, if it is there.
    #[inline]
    pub(crate) fn remove(&mut self, rank: u32) {
        let word = (rank >> 6) as usize;
        if let (Some(bits), Some(above)) =
            (self.words.get_mut(word), self.summary.get_mut(word >> 6))
        {
            *bits &= !(1 << (rank & 63));
            if *bits == 0 {
                *above &= !(1 << (word & 63));
            }
        }
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
        while let Some(rank) = set.first() {
            set.remove(rank);
            found.push(rank);
        }
        assert_eq!(found, [0, 3, 64, 4_095, 4_096, 9_999]);
    }
}
