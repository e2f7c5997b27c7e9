//! The configuration: one TOML file, typed, unknown keys refused, every key overridable.
//!
//! The parts compose upward: [`Config`] has a section for each stage, and each section maps to the
//! settings of the crate that does the work. Keys are described in `docs/configuration.md`; a test keeps
//! that page and these types in step.

mod error;
mod flow;
mod fragments;
mod load;
mod nearest;
mod overrides;
mod position;
mod sections;
mod streams;
mod validate;
mod variables;

use control::config::{ApiConfig, EveConfig, NatsConfig, ProfilingConfig, SpoolConfig};
use serde::{Deserialize, Serialize};

pub use self::flow::{Flow, FlowTimeouts, StageSeconds, Vlan};
pub use error::{ConfigError, Origin};
pub use fragments::{Fragments, OverlapPolicy};
pub use load::load;
pub use overrides::{ENVIRONMENT_PREFIX, Override, from_environment, from_set};
pub use sections::{
    Capture, Detect, Dpdk, Idle, Log, LogFormat, PcapSource, Rules, Sensor, SourceKind, Traces,
    Workers,
};
pub use streams::{HostPolicy, Streams};
pub use variables::Variable;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who the sensor is.
    pub sensor: Sensor,
    /// Where packets come from.
    pub capture: Capture,
    /// The threads that inspect them.
    pub workers: Workers,
    /// How fragments are put together.
    pub fragments: Fragments,
    /// How TCP connections are followed and put together.
    pub streams: Streams,
    /// Which flows are kept.
    pub flow: Flow,
    /// What VLAN tags mean.
    pub vlan: Vlan,
    /// Limits of detection.
    pub detect: Detect,
    /// What is looked for.
    pub rules: Rules,
    /// Where alerts go: NATS.
    pub nats: NatsConfig,
    /// Where alerts wait for NATS.
    pub spool: SpoolConfig,
    /// Where alerts go: EVE JSON.
    pub eve: EveConfig,
    /// The HTTP API.
    pub api: ApiConfig,
    /// Profiles of the running sensor.
    pub profiling: ProfilingConfig,
    /// The sensor's own log.
    pub log: Log,
    /// What the control plane does, step by step.
    pub traces: Traces,
}
