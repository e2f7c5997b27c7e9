//! `[rules.store]`: how rule sets are activated at run time.

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range};

/// `[rules.store]`: how rule sets are activated at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleStoreConfig {
    /// Longest wait for every worker to confirm a new generation, ms. Workers that have not are named
    /// in the answer, and the old generation is kept for them.
    pub confirm_timeout_ms: u64,
    /// Bytes of a rules file that is accepted over the API.
    pub text_bytes_max: usize,
}

impl Default for RuleStoreConfig {
    fn default() -> Self {
        Self { confirm_timeout_ms: 2_000, text_bytes_max: 64 << 20 }
    }
}

impl RuleStoreConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        in_range("rules.store.confirm_timeout_ms", self.confirm_timeout_ms, 1..=600_000)?;
        in_range("rules.store.text_bytes_max", self.text_bytes_max as u64, 1_024..=1 << 30)
    }
}
