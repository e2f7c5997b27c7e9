//! Digests of payloads: SHA-256 at once ([`sha256`]), and through a cache that remembers the payloads
//! of the last alerts ([`PayloadDigests`]).

#![forbid(unsafe_code)]

mod lru;
mod payload;

pub use crate::lru::CAPACITY_MAX;
pub use crate::payload::{BYPASS_BELOW, DIGESTS_MAX, Digest, PayloadDigests};

use sha2::{Digest as _, Sha256};

/// SHA-256 (FIPS 180-4) of `bytes`; by the CPU's SHA instructions where it has them.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
