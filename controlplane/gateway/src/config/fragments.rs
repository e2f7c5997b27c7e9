//! `[fragments]`: how fragments are put together.

use flow::defrag::{DefragLimits, Policy};
use serde::{Deserialize, Serialize};

use super::validate::{Invalid, require};

const NS_PER_S: u64 = 1_000_000_000;

/// `[fragments]`: limits of a worker's memory of fragments, and which bytes count where they overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fragments {
    /// Datagrams that a worker puts together at the same time.
    pub datagrams_max: usize,
    /// Bytes of their fragments.
    pub bytes_max: usize,
    /// Silence after which a datagram is given up, seconds.
    pub timeout_s: u64,
    /// Which bytes count where fragments overlap: those that the protected systems keep.
    pub overlaps: OverlapPolicy,
}

impl Default for Fragments {
    fn default() -> Self {
        let limits = DefragLimits::default();
        Self {
            datagrams_max: limits.datagrams_max,
            bytes_max: limits.bytes_max,
            timeout_s: limits.timeout_ns / NS_PER_S,
            overlaps: OverlapPolicy::Windows,
        }
    }
}

/// Systems by what they do with overlapping fragments (Suricata manual, "Host OS policy").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// Keep what came first.
    First,
    /// Keep what came last.
    Last,
    /// BSD, and systems like it.
    Bsd,
    /// HP JetDirect.
    BsdRight,
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// Solaris.
    Solaris,
}

impl Fragments {
    /// The limits in the terms of the pipeline.
    pub(crate) const fn limits(&self) -> DefragLimits {
        DefragLimits {
            datagrams_max: self.datagrams_max,
            bytes_max: self.bytes_max,
            timeout_ns: self.timeout_s * NS_PER_S,
        }
    }

    /// The policy in the terms of the pipeline.
    pub(crate) const fn policy(&self) -> Policy {
        match self.overlaps {
            OverlapPolicy::First => Policy::First,
            OverlapPolicy::Last => Policy::Last,
            OverlapPolicy::Bsd => Policy::Bsd,
            OverlapPolicy::BsdRight => Policy::BsdRight,
            OverlapPolicy::Linux => Policy::Linux,
            OverlapPolicy::Windows => Policy::Windows,
            OverlapPolicy::Solaris => Policy::Solaris,
        }
    }

    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let within = |value: u64, low: u64, high: u64, key| {
            require((low..=high).contains(&value), key, || {
                format!("{value} is out of range; use {low} to {high}")
            })
        };
        within(self.datagrams_max as u64, 1, 1 << 20, "fragments.datagrams_max")?;
        // Below this not even the longest datagram fits.
        within(self.bytes_max as u64, 1 << 18, 1 << 36, "fragments.bytes_max")?;
        within(self.timeout_s, 1, 3_600, "fragments.timeout_s")
    }
}
