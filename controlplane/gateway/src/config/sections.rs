//! The sections of the configuration and their defaults.
//!
//! What each key does is said here in a line and in `docs/configuration.md` at length.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use control::config::RuleStoreConfig;
use serde::{Deserialize, Serialize};

use super::variables::{self, Variable};

/// `[sensor]`: who the sensor is; both words are parts of its NATS subjects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sensor {
    /// Where it stands.
    pub site: String,
    /// Its name at the site.
    pub name: String,
}

impl Default for Sensor {
    fn default() -> Self {
        Self { site: "local".into(), name: "sensor".into() }
    }
}

/// `[capture]`: where packets come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    /// Kind of source.
    pub source: SourceKind,
    /// Settings of the DPDK source.
    pub dpdk: Dpdk,
    /// Settings of the capture-file source.
    pub pcap: PcapSource,
}

/// Kinds of packet source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// DPDK ports.
    #[default]
    Dpdk,
    /// A capture file, read once or in a loop.
    Pcap,
}

/// `[capture.pcap]`: a capture file through the whole sensor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PcapSource {
    /// The file, pcap or pcapng.
    pub path: Option<PathBuf>,
    /// Start again at its end, until the sensor is stopped.
    pub repeat: bool,
}

/// `[capture.dpdk]`: EAL, memory and ports.
#[cfg(feature = "dpdk")]
pub type Dpdk = capture_dpdk::DpdkConfig;

/// `[capture.dpdk]`: read over, since this build has no DPDK.
#[cfg(not(feature = "dpdk"))]
pub type Dpdk = toml::Table;

/// `[workers]`: the threads that inspect packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workers {
    /// Workers, each with one receive queue of every port.
    pub count: u16,
    /// CPUs of the workers, in order; empty: the last CPUs that the process may use.
    pub cores: Vec<usize>,
    /// What a worker does when its queues are empty.
    pub idle: Idle,
    /// Empty polls in a row before an adaptive worker sleeps.
    pub idle_spins: u32,
    /// Length of such a sleep, µs.
    pub idle_sleep_us: u32,
    /// Packets of a burst, 1 to 64.
    pub burst_max: usize,
    /// Frames that fit each hand-over ring between two workers.
    pub handover_frames: usize,
    /// 64-byte slots of each worker's alert ring.
    pub alert_slots: usize,
    /// Percent of these from which on alerts of the lowest severities are given up; 100 for none.
    pub shed_from_percent: u8,
    /// 64-byte slots of each worker's log ring.
    pub log_slots: usize,
    /// 64-byte slots of each worker's bulk ring.
    pub bulk_slots: usize,
    /// One of so many packets is timed through its stages; 0 for none.
    pub stage_sample: u32,
}

impl Default for Workers {
    fn default() -> Self {
        let settings = pipeline::Settings::default();
        let [alert_slots, log_slots, bulk_slots] = settings.lane_slots;
        let (idle_spins, idle_sleep_us) = match settings.idle {
            pipeline::Idle::Adaptive { spins, sleep_us } => (spins, sleep_us),
            pipeline::Idle::BusyPoll | pipeline::Idle::Yield => (0, 0),
        };
        Self {
            count: settings.workers,
            cores: Vec::new(),
            idle: Idle::Adaptive,
            idle_spins,
            idle_sleep_us,
            burst_max: settings.burst_max,
            handover_frames: settings.handover_frames,
            alert_slots,
            shed_from_percent: settings.shed_from_percent,
            log_slots,
            bulk_slots,
            stage_sample: settings.stage_sample,
        }
    }
}

/// What a worker does when its queues are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// Polls on: for isolated cores.
    BusyPoll,
    /// Spins, then sleeps between polls.
    Adaptive,
    /// Yields to other threads between polls.
    Yield,
}

/// `[detect]`: limits of a worker's memory of payloads and digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detect {
    /// Payload bytes that go into an alert.
    pub payload_bytes_max: usize,
    /// Payload digests that a worker remembers.
    pub digests_max: usize,
}

impl Default for Detect {
    fn default() -> Self {
        let settings = pipeline::Settings::default();
        Self { payload_bytes_max: settings.payload_bytes_max, digests_max: settings.digests_max }
    }
}

/// `[rules]`: what is looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Rules files, in order.
    pub files: Vec<PathBuf>,
    /// `classification.config`: priority and category of each classtype.
    pub classification: Option<PathBuf>,
    /// `reference.config`: address of each kind of reference.
    pub reference: Option<PathBuf>,
    /// Address variables (`$HOME_NET`), over the standard ones.
    #[serde(deserialize_with = "variables::over_standard_addresses")]
    pub address_groups: BTreeMap<String, Variable>,
    /// Port variables (`$HTTP_PORTS`), over the standard ones.
    #[serde(deserialize_with = "variables::over_standard_ports")]
    pub port_groups: BTreeMap<String, Variable>,
    /// Activation at run time.
    pub store: RuleStoreConfig,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            classification: None,
            reference: None,
            address_groups: variables::standard_addresses(),
            port_groups: variables::standard_ports(),
            store: RuleStoreConfig::default(),
        }
    }
}

/// `[log]`: the sensor's own log, on the standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// Levels, as `tracing` filters are written (`info`, `info,control=debug`). The NATS client tells of
    /// every failed attempt to connect, which the sensor sums up itself.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,async_nats=warn".into() }
    }
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[traces]`: what the control plane does, step by step, for tools that show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// Where an OTLP collector takes spans, `http://host:4318/v1/traces`. Needs the feature `otlp`.
    pub otlp_endpoint: Option<String>,
    /// Where tokio-console may connect, a loopback address. Needs the feature `tokio-console`.
    pub console_listen: Option<SocketAddr>,
}
