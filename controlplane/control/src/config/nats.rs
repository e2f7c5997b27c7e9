//! `[nats]`: where alerts are published.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range, require};

/// `[nats]`: where alerts are published, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// Servers (`nats://host:4222`, `tls://host:4222`); none: alerts go to the EVE output only.
    pub servers: Vec<String>,
    /// What makes an alert delivered.
    pub delivery: Delivery,
    /// Connections to publish over, 1 to 8; alerts of one flow keep to one.
    pub lanes: u16,
    /// Longest wait for more alerts under load before a batch is closed, µs; at most 10,000. An idle
    /// lane does not wait.
    pub window_us: u64,
    /// Alerts that wait for a lane. A full queue drops the alert (`lane_full`).
    pub queue_alerts_max: usize,
    /// Payload bytes that wait for a lane. A full queue drops the alert (`lane_full`).
    pub queue_bytes_max: usize,
    /// Messages of a lane that may wait for their acknowledgement. More make the lane's queue wait.
    pub acks_in_flight_max: usize,
    /// Longest wait for an acknowledgement, ms. Later it counts as `publish_failed`.
    pub ack_timeout_ms: u64,
    /// Longest wait for a connection to be made, ms.
    pub connect_timeout_ms: u64,
    /// Longest pause between two attempts to connect, ms; the first ones follow faster.
    pub reconnect_max_ms: u64,
    /// File with a token.
    pub token_file: Option<PathBuf>,
    /// File with credentials (JWT and nkey seed, as `nsc` writes it).
    pub credentials_file: Option<PathBuf>,
    /// File with certificates of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The stream that keeps alerts, for `delivery = "jetstream"`.
    pub stream: StreamConfig,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            delivery: Delivery::JetStream,
            lanes: 4,
            window_us: 2_000,
            queue_alerts_max: 8_192,
            queue_bytes_max: 16 << 20,
            acks_in_flight_max: 256,
            ack_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            reconnect_max_ms: 4_000,
            token_file: None,
            credentials_file: None,
            ca_file: None,
            stream: StreamConfig::default(),
        }
    }
}

/// What makes an alert delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// JetStream has acknowledged it (`acknowledged`).
    JetStream,
    /// Core NATS has taken it, which acknowledges nothing (`sent`).
    Core,
}

/// `[nats.stream]`: how the stream is made where it is absent. One that exists is never altered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamConfig {
    /// Its name.
    pub name: String,
    /// Bytes that it keeps; the oldest go first.
    pub bytes_max: u64,
    /// Seconds that it keeps a message; 0 for ever.
    pub age_max_s: u64,
    /// Copies in a cluster, 1 to 5.
    pub replicas: usize,
    /// Seconds in which a message that comes twice is dropped by its id.
    pub duplicate_window_s: u64,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            name: "SENSOR_ALERTS".into(),
            bytes_max: 1 << 30,
            age_max_s: 7 * 86_400,
            replicas: 1,
            duplicate_window_s: 120,
        }
    }
}

impl NatsConfig {
    /// Whether alerts are published at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.servers.is_empty()
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for server in &self.servers {
            let parsed = server.parse::<async_nats::ServerAddr>();
            let reason = parsed.err().map(|error| error.to_string());
            require(reason.is_none(), "nats.servers", || {
                let reason = reason.unwrap_or_default();
                format!("{server:?} is not an address: {reason}; write nats://host:4222")
            })?;
        }
        in_range("nats.lanes", self.lanes.into(), 1..=8)?;
        in_range("nats.window_us", self.window_us, 0..=10_000)?;
        in_range("nats.queue_alerts_max", self.queue_alerts_max as u64, 1..=1 << 20)?;
        let record = contract::record::RECORD_SLOTS_MAX * contract::record::SLOT_BYTES;
        in_range("nats.queue_bytes_max", self.queue_bytes_max as u64, record as u64..=1 << 32)?;
        in_range("nats.acks_in_flight_max", self.acks_in_flight_max as u64, 1..=65_536)?;
        in_range("nats.ack_timeout_ms", self.ack_timeout_ms, 10..=600_000)?;
        in_range("nats.connect_timeout_ms", self.connect_timeout_ms, 10..=600_000)?;
        in_range("nats.reconnect_max_ms", self.reconnect_max_ms, 10..=600_000)?;
        self.stream.validate()
    }
}

impl StreamConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let named = !self.name.is_empty() && self.name.chars().all(plain);
        require(named, "nats.stream.name", || {
            format!("{:?} is not a stream's name; use letters, digits, - and _", self.name)
        })?;
        in_range("nats.stream.bytes_max", self.bytes_max, 1 << 20..=1 << 62)?;
        in_range("nats.stream.age_max_s", self.age_max_s, 0..=100 * 365 * 86_400)?;
        in_range("nats.stream.replicas", self.replicas as u64, 1..=5)?;
        in_range("nats.stream.duplicate_window_s", self.duplicate_window_s, 1..=86_400)?;
        let holds = self.age_max_s == 0 || self.duplicate_window_s <= self.age_max_s;
        require(holds, "nats.stream.duplicate_window_s", || {
            "longer than age_max_s; a message cannot be known longer than it is kept".into()
        })
    }
}
