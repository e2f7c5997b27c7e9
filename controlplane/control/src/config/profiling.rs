//! `[profiling]`: profiles of the running sensor.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range, require};

/// Samples of a second that can be asked for. The kernel looks at the timer at its tick, 250 times a
/// second as most are built: beyond that, samples would be missing and times too short.
pub(crate) const FREQUENCY_HZ_MAX: u32 = 250;

/// `[profiling]`: profiles over HTTP, on the loopback interface unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfilingConfig {
    /// Whether profiles can be asked for.
    pub enabled: bool,
    /// Where. An address that others can reach needs `token_file`.
    pub listen: SocketAddr,
    /// File with the bearer token that every request must bring.
    pub token_file: Option<PathBuf>,
    /// Samples per second of CPU time, where a request does not say.
    pub frequency_hz: u32,
    /// Longest CPU profile, seconds.
    pub seconds_max: u64,
    /// Whether the allocator samples allocations, so that there are heap profiles.
    pub heap: bool,
}

impl Default for ProfilingConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6060),
            token_file: None,
            frequency_hz: 99,
            seconds_max: 300,
            heap: false,
        }
    }
}

impl ProfilingConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let frequencies = 1..=u64::from(FREQUENCY_HZ_MAX);
        in_range("profiling.frequency_hz", self.frequency_hz.into(), frequencies)?;
        in_range("profiling.seconds_max", self.seconds_max, 1..=3_600)?;
        require(!self.heap || cfg!(feature = "heap-profile"), "profiling.heap", || {
            "this build has no heap profiler; build sensor-gateway with the feature jemalloc".into()
        })?;
        let guarded = self.token_file.is_some() || self.listen.ip().is_loopback();
        require(guarded, "profiling.listen", || {
            format!(
                "{} can be reached from other machines, and nothing guards it; set \
                 profiling.token_file, or listen on 127.0.0.1",
                self.listen
            )
        })
    }
}
