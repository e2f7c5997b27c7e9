//! Alerts that were lost on their way out of a worker, by signature.

use contract::{AlertDrop, Counter};

/// The causes by which a worker loses alerts itself.
const CAUSES: [AlertDrop; 2] = [AlertDrop::RingFull, AlertDrop::Shed];

/// Alerts that one worker has lost of each signature of one generation. The worker is the only writer;
/// the control plane allocates it, reads it and outlives the worker's use of it.
#[derive(Debug)]
pub struct SignatureLosses(Box<[[Counter; CAUSES.len()]]>);

impl SignatureLosses {
    /// Zeros for `signatures` signatures, 16 bytes each.
    #[must_use]
    pub fn new(signatures: usize) -> Self {
        Self((0..signatures).map(|_| Default::default()).collect())
    }

    /// Counts one alert of `signature` lost by `cause`. What is not a cause of a worker's, or not of this
    /// generation, is not counted here: the worker's counters and the ledger have it all the same.
    #[inline]
    pub fn count(&self, signature: u32, cause: AlertDrop) {
        let counters = self.0.get(signature as usize).into_iter().flatten();
        for (counter, _) in counters.zip(CAUSES).filter(|(_, counted)| *counted == cause) {
            counter.increment();
        }
    }

    /// What was lost so far: (signature, cause, alerts), none of 0.
    pub fn lost(&self) -> impl Iterator<Item = (u32, AlertDrop, u64)> + '_ {
        self.0.iter().zip(0..).flat_map(|(counters, signature)| {
            let causes = counters.iter().zip(CAUSES);
            let lost = causes.map(move |(counter, cause)| (signature, cause, counter.get()));
            lost.filter(|(_, _, count)| *count > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use contract::AlertDrop::{NatsDown, RingFull, Shed};

    use super::SignatureLosses;

    #[test]
    fn what_is_lost_is_told_by_signature_and_cause() {
        let losses = SignatureLosses::new(3);
        for (signature, cause) in [(2, Shed), (0, RingFull), (2, Shed), (2, RingFull)] {
            losses.count(signature, cause);
        }
        losses.count(1, NatsDown);
        losses.count(3, Shed);
        let lost: Vec<_> = losses.lost().collect();
        assert_eq!(lost, [(0, RingFull, 1), (2, RingFull, 1), (2, Shed, 2)]);
    }
}
