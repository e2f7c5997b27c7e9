//! Which alerts have arrived, a bit each.

/// Sequences of one worker's alerts, from 1. All memory is taken when it is made, so that it does not show as
/// growth.
#[derive(Debug)]
pub struct Ids {
    bits: Box<[u64]>,
    /// Distinct sequences.
    pub arrived: u64,
    /// Sequences that were there already.
    pub repeated: u64,
    /// Sequences beyond what there is room for.
    pub beyond: u64,
}

impl Ids {
    /// Room for sequences up to `most`.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let words = most / 64 + 1;
        // Written, not only reserved: pages that are touched later would count as growth.
        let bits = (0..words).map(|_| std::hint::black_box(0)).collect();
        Self { bits, arrived: 0, repeated: 0, beyond: 0 }
    }

    /// Alert `sequence` has arrived.
    pub fn mark(&mut self, sequence: u64) {
        let Some(word) = self.bits.get_mut((sequence / 64) as usize) else {
            self.beyond += 1;
            return;
        };
        let bit = 1 << (sequence % 64);
        if *word & bit == 0 {
            self.arrived += 1;
        } else {
            self.repeated += 1;
        }
        *word |= bit;
    }

    /// How many of the sequences 1 to `last` have not arrived, and the first of them.
    #[must_use]
    pub fn missing(&self, last: u64) -> (u64, Option<u64>) {
        let absent = |sequence: &u64| {
            let word = self.bits.get((*sequence / 64) as usize).copied().unwrap_or(0);
            word & 1 << (sequence % 64) == 0
        };
        let mut missing = (1..=last).filter(absent);
        let first = missing.next();
        (u64::from(first.is_some()) + missing.count() as u64, first)
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn what_is_missing_repeated_and_beyond_is_told_apart() {
        let mut ids = Ids::new(200);
        for sequence in (1..=200).filter(|sequence| ![64, 127].contains(sequence)) {
            ids.mark(sequence);
        }
        assert_eq!(ids.missing(200), (2, Some(64)));
        assert_eq!(ids.missing(63), (0, None));
        ids.mark(200);
        ids.mark(100_000);
        assert_eq!((ids.arrived, ids.repeated, ids.beyond), (198, 1, 1));
        ids.mark(64);
        assert_eq!(ids.missing(200), (1, Some(127)));
    }
}
