//! `[api]`: the HTTP API.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, in_range, require};

/// `[api]`: the HTTP API, on the loopback interface unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Whether there is an API.
    pub enabled: bool,
    /// Where it listens. An address that others can reach needs `token_file`.
    pub listen: SocketAddr,
    /// File with the bearer token that every request but those for health must bring.
    pub token_file: Option<PathBuf>,
    /// Without `token_file`: let anyone on this machine change the rules.
    pub allow_unauthenticated_loopback: bool,
    /// Requests that are answered at the same time; more wait.
    pub requests_max: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            token_file: None,
            allow_unauthenticated_loopback: false,
            requests_max: 64,
        }
    }
}

impl ApiConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        in_range("api.requests_max", self.requests_max as u64, 1..=65_536)?;
        let guarded = self.token_file.is_some() || self.listen.ip().is_loopback();
        require(guarded, "api.listen", || {
            format!(
                "{} can be reached from other machines, and nothing guards it; set api.token_file, \
                 or listen on 127.0.0.1",
                self.listen
            )
        })
    }
}
