//! The digest of the payload that raised an alert, by way of a cache.
//!
//! Alerts come in series: the same payload raises many of them. The cache finds a payload by a keyed
//! 128-bit PRF of its bytes, which is dearer than a plain hash and yet cheaper than SHA-256, and keeps no
//! payload. A false hit would put a wrong digest into an alert; to forge one, an attacker has to make two
//! payloads collide under a key that he does not know, with no output of the PRF to learn from.

use siphasher::sip128::SipHasher13;

use crate::lru::Lru;
use crate::sha256;

/// Digests that a worker remembers, unless configured otherwise; less than 100 kB in all.
pub const DIGESTS_MAX: usize = 1_000;

/// Payloads below this length, in bytes, are hashed at once and neither looked up nor remembered.
///
/// A hit is always cheaper than SHA-256 and a miss dearer. From this length on a hit saves more than a
/// miss costs, so that the cache pays when every second payload is a hit; measured by the bench
/// `payload_digest` on a CPU with SHA instructions (without them it pays earlier).
pub const BYPASS_BELOW: usize = 256;

/// A payload's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256 of the payload.
    pub sha256: [u8; 32],
    /// Whether it was remembered, not computed.
    pub hit: bool,
}

/// SHA-256 of payloads, with a memory of the last ones. One per worker.
pub struct PayloadDigests {
    prf: SipHasher13,
    lru: Lru,
}

impl PayloadDigests {
    /// Allocates room for `capacity` digests (at least 1, at most [`CAPACITY_MAX`]); nothing is
    /// allocated later. `key` must be random and secret: who knows it can forge hits.
    ///
    /// [`CAPACITY_MAX`]: crate::CAPACITY_MAX
    #[must_use]
    pub fn new(capacity: usize, key: [u8; 16]) -> Self {
        Self { prf: SipHasher13::new_with_key(&key), lru: Lru::new(capacity) }
    }

    /// The digest of `payload`, remembered if it is among the last ones asked for.
    pub fn digest(&mut self, payload: &[u8]) -> Digest {
        if payload.len() < BYPASS_BELOW {
            return Digest { sha256: sha256(payload), hit: false };
        }
        let key = self.prf.hash(payload).as_u128();
        if let Some(sha256) = self.lru.get(key) {
            return Digest { sha256, hit: true };
        }
        let sha256 = sha256(payload);
        self.lru.insert(key, sha256);
        Digest { sha256, hit: false }
    }
}

#[cfg(test)]
mod tests {
    use super::{BYPASS_BELOW, PayloadDigests};
    use crate::sha256;

    fn payload(number: u8, length: usize) -> Vec<u8> {
        (0..length).map(|at| number.wrapping_add(at as u8)).collect()
    }

    #[test]
    fn every_digest_is_the_payloads_sha256() {
        let mut digests = PayloadDigests::new(8, [7; 16]);
        for length in 0..600 {
            let payload = payload(length as u8, length);
            let (first, second) = (digests.digest(&payload), digests.digest(&payload));
            assert_eq!(first.sha256, sha256(&payload));
            assert_eq!(second.sha256, first.sha256);
            assert_eq!((first.hit, second.hit), (false, length >= BYPASS_BELOW), "{length}");
        }
    }

    #[test]
    fn the_payload_used_longest_ago_is_forgotten() {
        let mut digests = PayloadDigests::new(2, [7; 16]);
        let [a, b, c] = [0, 1, 2].map(|number| payload(number, BYPASS_BELOW));
        let hits = [&a, &b, &a, &c, &a, &b].map(|payload| digests.digest(payload).hit);
        assert_eq!(hits, [false, false, true, false, true, false]);
    }
}
