//! `[eve]`: alerts as EVE JSON lines.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range};

/// `[eve]`: alerts as EVE JSON lines, in a file or on the standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EveConfig {
    /// The file, appended to; `-` is the standard output; none: no EVE output.
    pub path: Option<PathBuf>,
    /// Add the packet's payload in base64.
    pub payload: bool,
    /// Alerts that wait for the writer. More are dropped, and counted as the output's own loss; the
    /// publishing of alerts is not delayed.
    pub queue_alerts_max: usize,
    /// Longest time that a line waits in a buffer, ms. An idle output does not wait.
    pub flush_ms: u64,
}

impl Default for EveConfig {
    fn default() -> Self {
        Self { path: None, payload: false, queue_alerts_max: 8_192, flush_ms: 100 }
    }
}

impl EveConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        in_range("eve.queue_alerts_max", self.queue_alerts_max as u64, 1..=1 << 20)?;
        in_range("eve.flush_ms", self.flush_ms, 1..=10_000)
    }
}
