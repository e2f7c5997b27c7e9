//! Settings of a connection, in async-nats' terms.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::ConnectOptions;

use crate::config::NatsConfig;

/// First pause between two attempts to connect; it doubles up to `reconnect_max_ms`.
const RECONNECT_MIN: Duration = Duration::from_millis(50);

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
    /// The client refused the settings.
    #[error("nats: {0}")]
    Connect(#[from] async_nats::ConnectError),
    /// A server's address cannot be used.
    #[error("nats.servers: {0}")]
    Servers(#[from] io::Error),
}

/// The options of one lane's connection.
pub(super) async fn connect_options(
    config: &NatsConfig,
    name: String,
) -> Result<ConnectOptions, NatsError> {
    let longest = Duration::from_millis(config.reconnect_max_ms);
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .reconnect_delay_callback(move |attempts| reconnect_delay(attempts, longest));
    if let Some(path) = &config.token_file {
        let token = read("nats.token_file", path)?;
        options = options.token(token.trim().to_owned());
    }
    if let Some(path) = &config.credentials_file {
        let file = |error| file_error("nats.credentials_file", path, error);
        options = options.credentials_file(path).await.map_err(file)?;
    }
    if let Some(path) = &config.ca_file {
        read("nats.ca_file", path)?;
        options = options.add_root_certificates(path.clone());
    }
    Ok(options)
}

/// The pause before attempt `attempts`, counted from 1: none, then doubling.
fn reconnect_delay(attempts: usize, longest: Duration) -> Duration {
    let Some(doublings) = attempts.checked_sub(2) else { return Duration::ZERO };
    let doublings = u32::try_from(doublings).unwrap_or(u32::MAX).min(16);
    RECONNECT_MIN.saturating_mul(1 << doublings).min(longest)
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

    use super::reconnect_delay;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let delay = |attempts| reconnect_delay(attempts, Duration::from_secs(4)).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 4, 8, 9, 1_000].map(delay),
            [0, 0, 50, 100, 200, 3_200, 4_000, 4_000]
        );
    }
}
