//! `[nats]`: where alerts are published.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range, require};

/// `[nats]`: where alerts are published, and how.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// Servers (`nats://host:4222`, `tls://host:4222`), without passwords; none: alerts go to the EVE output
    /// only.
    pub servers: Vec<String>,
    /// What makes an alert delivered.
    pub delivery: Delivery,
    /// Connections to publish over, 1 to 8; alerts of one flow keep to one.
    pub lanes: u16,
    /// Longest wait for more alerts under load before a batch is closed, µs; at most 10,000. An idle
    /// lane does not wait.
    pub window_us: u64,
    /// Alerts that wait for a lane. A full queue drops the batch (`lane_full`); an empty one takes any.
    pub queue_alerts_max: usize,
    /// Bytes of a lane's batches that wait to be published or acknowledged. A full lane drops the batch
    /// (`lane_full`).
    pub queue_bytes_max: usize,
    /// Messages of a lane that may wait for their acknowledgement. More make the lane's queue wait.
    pub acks_in_flight_max: usize,
    /// Longest wait for an acknowledgement, ms. Later the batch goes back to the spool, or counts as
    /// `publish_failed`.
    pub ack_timeout_ms: u64,
    /// Longest wait for a connection to be made, ms.
    pub connect_timeout_ms: u64,
    /// Longest pause between two attempts to connect, ms; the first ones follow faster.
    pub reconnect_max_ms: u64,
    /// Name of the user whose password is in `password_file`, or in the environment
    /// (`SENSOR_GATEWAY_NATS_PASSWORD`).
    pub user: Option<String>,
    /// File with the password of `user`.
    pub password_file: Option<PathBuf>,
    /// File with a token. Else it may be in the environment (`SENSOR_GATEWAY_NATS_TOKEN`).
    pub token_file: Option<PathBuf>,
    /// File with credentials (JWT and nkey seed, as `nsc` writes it).
    pub credentials_file: Option<PathBuf>,
    /// File with the seed of an nkey.
    pub nkey_file: Option<PathBuf>,
    /// File with certificates of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// File with the certificate that the sensor shows (mutual TLS); needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// File with its key.
    pub key_file: Option<PathBuf>,
    /// Refuse servers that do not offer TLS. `tls://` servers need not be told.
    pub tls_required: bool,
    /// The server's monitoring (`http://host:8222`), to learn how durable what it acknowledges is.
    pub monitor_url: Option<String>,
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
            user: None,
            password_file: None,
            token_file: None,
            credentials_file: None,
            nkey_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            tls_required: false,
            monitor_url: None,
            stream: StreamConfig::default(),
        }
    }
}

/// As JSON, without what a server's address may hold of a password.
impl fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers =
            self.servers.iter().map(|server| without_secrets(server).to_owned()).collect();
        let monitor_url = self.monitor_url.as_deref().map(|url| without_secrets(url).to_owned());
        let shown = Self { servers, monitor_url, ..self.clone() };
        f.write_str(&serde_json::to_string(&shown).map_err(|_| fmt::Error)?)
    }
}

/// The part of an address that may be shown: what follows the last `@`.
fn without_secrets(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
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
    /// Bytes that it keeps.
    pub bytes_max: u64,
    /// Messages that it keeps; 0 for no limit.
    pub messages_max: u64,
    /// Seconds that it keeps a message; 0 for ever.
    pub age_max_s: u64,
    /// Copies in a cluster, 1 to 5.
    pub replicas: usize,
    /// When a message goes.
    pub retention: Retention,
    /// What goes at a limit.
    pub discard: Discard,
    /// Where the server keeps it.
    pub storage: Storage,
    /// Seconds in which a message that comes twice is dropped by its id. It has to be longer than NATS may
    /// be away, and costs the server about 250 bytes of memory a message.
    pub duplicate_window_s: u64,
}

/// When a message leaves the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// At the limits.
    Limits,
    /// When every consumer has acknowledged it. Without consumers nothing is kept.
    Interest,
    /// When a consumer has acknowledged it.
    WorkQueue,
}

/// What a stream at its limits does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Discard {
    /// The oldest messages go.
    Old,
    /// New messages are refused: they wait in the spool, or are lost.
    New,
}

/// Where the server keeps a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// On its disk.
    File,
    /// In its memory: what is acknowledged is lost when the server ends.
    Memory,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            name: "SENSOR_ALERTS".into(),
            bytes_max: 1 << 30,
            messages_max: 0,
            age_max_s: 7 * 86_400,
            replicas: 1,
            retention: Retention::Limits,
            discard: Discard::Old,
            storage: Storage::File,
            duplicate_window_s: 1_200,
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
        self.servers.iter().try_for_each(|server| check_server(server))?;
        self.check_authentication()?;
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

    fn check_authentication(&self) -> Result<(), ConfigError> {
        let ways = [
            ("nats.user", self.user.is_some()),
            ("nats.token_file", self.token_file.is_some()),
            ("nats.credentials_file", self.credentials_file.is_some()),
            ("nats.nkey_file", self.nkey_file.is_some()),
        ];
        let mut set = ways.iter().filter(|(_, is_set)| *is_set);
        if let (Some((first, _)), Some((second, _))) = (set.next(), set.next()) {
            let reason = format!("{first} is set as well; the sensor authenticates in one way");
            return Err(ConfigError { key: second, reason });
        }
        require(self.password_file.is_none() || self.user.is_some(), "nats.password_file", || {
            "a password without nats.user; set it to the name that the password is of".into()
        })?;
        require(self.cert_file.is_some() == self.key_file.is_some(), "nats.cert_file", || {
            "a certificate needs its key; set both nats.cert_file and nats.key_file, or neither"
                .into()
        })?;
        let Some(url) = &self.monitor_url else { return Ok(()) };
        let plain = url.starts_with("http://") && url.len() > "http://".len();
        require(plain && !url.contains(['@', '?', '#']), "nats.monitor_url", || {
            let url = without_secrets(url);
            format!(
                "{url:?} is not an address; write http://127.0.0.1:8222, without TLS and password"
            )
        })
    }
}

fn check_server(server: &str) -> Result<(), ConfigError> {
    let key = "nats.servers";
    let shown = without_secrets(server);
    require(!server.contains('@'), key, || {
        format!(
            "{shown:?} has a user or password before it; put the name into nats.user, and the password \
             into the file of nats.password_file (a token: nats.token_file)"
        )
    })?;
    let parsed = server.parse::<async_nats::ServerAddr>();
    let reason = parsed.as_ref().err().map(ToString::to_string);
    let reason = reason.or_else(|| {
        let scheme = parsed.ok()?.scheme().to_owned();
        (!matches!(scheme.as_str(), "nats" | "tls")).then(|| format!("{scheme}:// is not spoken"))
    });
    require(reason.is_none(), key, || {
        let reason = reason.unwrap_or_default();
        format!("{server:?} is not an address: {reason}; write nats://host:4222 or tls://host:4222")
    })
}

impl StreamConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let named = !self.name.is_empty() && self.name.chars().all(plain);
        require(named, "nats.stream.name", || {
            format!("{:?} is not a stream's name; use letters, digits, - and _", self.name)
        })?;
        in_range("nats.stream.bytes_max", self.bytes_max, 1 << 20..=1 << 62)?;
        in_range("nats.stream.messages_max", self.messages_max, 0..=1 << 62)?;
        in_range("nats.stream.age_max_s", self.age_max_s, 0..=100 * 365 * 86_400)?;
        in_range("nats.stream.replicas", self.replicas as u64, 1..=5)?;
        in_range("nats.stream.duplicate_window_s", self.duplicate_window_s, 1..=86_400)?;
        let holds = self.age_max_s == 0 || self.duplicate_window_s <= self.age_max_s;
        require(holds, "nats.stream.duplicate_window_s", || {
            "longer than age_max_s; a message cannot be known longer than it is kept".into()
        })
    }
}
