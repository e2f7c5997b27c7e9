//! Settings of a connection, in async-nats' terms. Secrets come from files or the environment, and go
//! nowhere but to the client.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::ConnectOptions;

use crate::config::NatsConfig;

/// First pause between two attempts to connect; it doubles up to `reconnect_max_ms`.
const RECONNECT_MIN: Duration = Duration::from_millis(50);
/// The token, where `nats.token_file` is not set.
const TOKEN_VARIABLE: &str = "SENSOR_GATEWAY_NATS_TOKEN";
/// The password of `nats.user`, where `nats.password_file` is not set.
const PASSWORD_VARIABLE: &str = "SENSOR_GATEWAY_NATS_PASSWORD";

/// Why publishing cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// A file that the settings name cannot be used.
    #[error("{key}: {path}: {error}")]
    File {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A user without a password.
    #[error(
        "nats.user: no password; set nats.password_file, or SENSOR_GATEWAY_NATS_PASSWORD in the environment"
    )]
    Password,
    /// The client refused the settings.
    #[error("nats: {0}")]
    Connect(#[from] async_nats::ConnectError),
    /// The client refused a subscription.
    #[error("nats: {0}")]
    Subscribe(#[from] async_nats::SubscribeError),
    /// A server's address cannot be used.
    #[error("nats.servers: {0}")]
    Servers(#[from] io::Error),
    /// The monitoring address cannot be used.
    #[error("nats.monitor_url: {0}")]
    Monitor(String),
}

/// What the sensor authenticates with, read once at the start.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    token: Option<String>,
    user: Option<(String, String)>,
    nkey: Option<String>,
    credentials: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Reads what `config` names.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub(super) fn from_environment(config: &NatsConfig) -> Result<Self, NatsError> {
        Self::read(config, |name| std::env::var(name).ok())
    }

    /// Reads what `config` names; `variable` reads the environment.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    fn read(
        config: &NatsConfig,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, NatsError> {
        let mut secrets = Self::default();
        if let Some(user) = &config.user {
            let password = match &config.password_file {
                Some(path) => read_line("nats.password_file", path)?,
                None => variable(PASSWORD_VARIABLE).ok_or(NatsError::Password)?,
            };
            secrets.user = Some((user.clone(), password));
        } else if let Some(path) = &config.token_file {
            secrets.token = Some(read_line("nats.token_file", path)?);
        } else if let Some(path) = &config.credentials_file {
            secrets.credentials = Some(read("nats.credentials_file", path)?);
        } else if let Some(path) = &config.nkey_file {
            let seed = read_line("nats.nkey_file", path)?;
            // The client would find out at every connection, and say so nowhere.
            if !(seed.starts_with("SU") && seed.len() == 58) {
                let error = "no seed of a user's nkey (58 letters and digits that start with SU)";
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                return Err(file_error("nats.nkey_file", path, error));
            }
            secrets.nkey = Some(seed);
        } else {
            secrets.token = variable(TOKEN_VARIABLE);
        }
        Ok(secrets)
    }
}

/// The options of a connection named `name` to the servers of `config`, with what `config` authenticates
/// by. The first attempt fails where no server answers; a connection that is lost later is made again.
///
/// # Errors
/// A file that `config` names cannot be read, or is not what it should be.
pub fn nats_options(config: &NatsConfig, name: String) -> Result<ConnectOptions, NatsError> {
    options(config, &Secrets::from_environment(config)?, name)
}

/// The options of one lane's connection, which is tried until it is made.
pub(super) fn lane_options(
    config: &NatsConfig,
    secrets: &Secrets,
    name: String,
) -> Result<ConnectOptions, NatsError> {
    let options = options(config, secrets, name)?
        .retry_on_initial_connect()
        // A message and its flush, for all that may be on their way before and after a reconnection.
        .client_capacity(4 * config.acks_in_flight_max + 64);
    Ok(options)
}

fn options(
    config: &NatsConfig,
    secrets: &Secrets,
    name: String,
) -> Result<ConnectOptions, NatsError> {
    let longest = Duration::from_millis(config.reconnect_max_ms);
    let mut options = ConnectOptions::new()
        .name(name)
        .max_reconnects(None)
        .require_tls(config.tls_required)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .reconnect_delay_callback(move |attempts| {
            reconnect_delay(attempts, longest, fastrand::f64())
        });
    if let Some(token) = &secrets.token {
        options = options.token(token.clone());
    }
    if let Some((user, password)) = &secrets.user {
        options = options.user_and_password(user.clone(), password.clone());
    }
    if let Some(seed) = &secrets.nkey {
        options = options.nkey(seed.clone());
    }
    if let (Some(credentials), Some(path)) = (&secrets.credentials, &config.credentials_file) {
        let file = |error| file_error("nats.credentials_file", path, error);
        options = options.credentials(credentials).map_err(file)?;
    }
    if let Some(path) = &config.ca_file {
        certificate("nats.ca_file", path)?;
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(cert), Some(key)) = (&config.cert_file, &config.key_file) {
        certificate("nats.cert_file", cert)?;
        pem("nats.key_file", key, "PRIVATE KEY-----")?;
        options = options.add_client_certificate(cert.clone(), key.clone());
    }
    Ok(options)
}

/// The pause before attempt `attempts`, counted from 1: doubling, and anywhere between half of it and the
/// whole, as `random` (0 to 1) says, so that sensors that have lost the same server do not come back to it
/// all at once.
fn reconnect_delay(attempts: usize, longest: Duration, random: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let whole = RECONNECT_MIN.saturating_mul(1 << doublings).min(longest);
    whole.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

fn certificate(key: &'static str, path: &Path) -> Result<(), NatsError> {
    pem(key, path, "-----BEGIN CERTIFICATE-----")
}

/// Sees to it that `path` has `part`; the client reads it by itself, whenever it connects.
fn pem(key: &'static str, path: &Path, part: &str) -> Result<(), NatsError> {
    if read(key, path)?.contains(part) {
        return Ok(());
    }
    let error = io::Error::new(io::ErrorKind::InvalidData, format!("no PEM file with {part:?}"));
    Err(file_error(key, path, error))
}

/// The file's text without the white space around it.
fn read_line(key: &'static str, path: &Path) -> Result<String, NatsError> {
    let text = read(key, path)?.trim().to_owned();
    if text.is_empty() {
        let error = io::Error::new(io::ErrorKind::InvalidData, "the file is empty");
        return Err(file_error(key, path, error));
    }
    Ok(text)
}

fn read(key: &'static str, path: &Path) -> Result<String, NatsError> {
    std::fs::read_to_string(path).map_err(|error| file_error(key, path, error))
}

fn file_error(key: &'static str, path: &Path, error: io::Error) -> NatsError {
    NatsError::File { key, path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PASSWORD_VARIABLE, Secrets, TOKEN_VARIABLE, reconnect_delay};
    use crate::config::NatsConfig;

    #[test]
    fn pauses_double_up_to_the_limit_and_are_scattered() {
        let delay = |attempts, random| {
            reconnect_delay(attempts, Duration::from_secs(4), random).as_millis()
        };
        assert_eq!(
            [0, 1, 2, 3, 7, 8, 1_000].map(|attempts| delay(attempts, 1.0)),
            [50, 50, 100, 200, 3_200, 4_000, 4_000]
        );
        assert_eq!([0.0, 0.5, 1.0].map(|random| delay(7, random)), [1_600, 2_400, 3_200]);
    }

    #[test]
    fn secrets_come_from_files_and_from_the_environment_and_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let environment = |name: &str| match name {
            TOKEN_VARIABLE => Some("t0ken".to_owned()),
            PASSWORD_VARIABLE => Some("pa55".to_owned()),
            _ => None,
        };
        let none = |_: &str| None;
        let mut config = NatsConfig::default();
        let secrets = Secrets::read(&config, environment).unwrap();
        assert_eq!(secrets.token.as_deref(), Some("t0ken"));
        assert_eq!(format!("{secrets:?}"), "Secrets(…)");
        config.user = Some("ids".into());
        let error = Secrets::read(&config, none).unwrap_err().to_string();
        assert!(error.contains("nats.password_file"), "{error}");
        let secrets = Secrets::read(&config, environment).unwrap();
        assert_eq!(secrets.user, Some(("ids".into(), "pa55".into())));
        config.password_file = file("password", "from file\n");
        let secrets = Secrets::read(&config, environment).unwrap();
        assert_eq!(secrets.user, Some(("ids".into(), "from file".into())));
        config.password_file = file("empty", "\n");
        let error = Secrets::read(&config, environment).unwrap_err().to_string();
        assert!(error.ends_with("the file is empty"), "{error}");
        let nkey_file = file("nkey", "s3cret that is no seed");
        let config = NatsConfig { nkey_file, ..NatsConfig::default() };
        let error = Secrets::read(&config, none).unwrap_err().to_string();
        assert!(error.contains("nats.nkey_file") && !error.contains("s3cret"), "{error}");
    }
}
