//! Settings of the control plane: typed, documented, unknown keys refused.
//!
//! Every section checks what its types cannot say in `validate`; the error names the key, what is wrong
//! with it, and the mend.

mod api;
mod eve;
mod nats;
mod profiling;
mod spool;
mod store;

pub use api::ApiConfig;
pub use eve::EveConfig;
pub use nats::{Delivery, Discard, NatsConfig, Retention, Storage, StreamConfig};
pub(crate) use profiling::FREQUENCY_HZ_MAX;
pub use profiling::ProfilingConfig;
pub use spool::{Fsync, SpoolConfig, SpoolMode};
pub use store::RuleStoreConfig;

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ConfigError {
    /// The dotted key, from its section on (`api.listen`).
    pub key: &'static str,
    /// What is wrong, and the mend.
    pub reason: String,
}

fn require(
    holds: bool,
    key: &'static str,
    reason: impl FnOnce() -> String,
) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { key, reason: reason() }) }
}

/// Checks that `value` lies in `range`.
fn in_range(
    key: &'static str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<(), ConfigError> {
    require(range.contains(&value), key, || {
        format!("{value} is out of range; use {} to {}", range.start(), range.end())
    })
}

#[cfg(test)]
mod tests;
