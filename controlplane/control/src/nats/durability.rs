//! How durable what JetStream acknowledges is, as the server's monitoring tells.
//!
//! An acknowledged message is on as many servers as the stream has replicas, but on their disks only once
//! they have synced, which happens every `sync_interval` unless that is `always`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::options::NatsError;
use super::stream::StreamStatus;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read; `/varz` of a server has a few KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(60);
/// Pause between two looks before the stream has been found.
const EARLY_PAUSE: Duration = Duration::from_secs(1);

/// How durable what the alert stream has acknowledged is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Durability {
    /// Copies of the alert stream; absent before it was found.
    pub replicas: Option<usize>,
    /// When the server syncs: `always`, `every … s`, or `unknown`.
    pub sync: String,
    /// What makes it less durable than it could be, and the mend; empty where nothing does.
    pub warnings: Vec<String>,
}

/// What was last found.
#[derive(Debug, Default)]
pub(super) struct DurabilityStatus(Mutex<Option<Durability>>);

impl DurabilityStatus {
    /// What was last found; `None` before the first look.
    pub(super) fn now(&self) -> Option<Durability> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what was found, and logs warnings that were not there before.
    fn found(&self, durability: Durability) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().map(|last| last.warnings.as_slice()).unwrap_or_default();
        for warning in durability.warnings.iter().filter(|warning| !known.contains(warning)) {
            tracing::warn!(warning, "what NATS acknowledges is not as durable as it could be");
        }
        *last = Some(durability);
    }
}

/// The part of `/varz` that is read. Servers before 2.10 do not tell when they sync.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Varz {
    version: String,
    jetstream: JetStreamVarz,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JetStreamVarz {
    config: Option<JetStreamConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JetStreamConfig {
    /// Nanoseconds.
    sync_interval: Option<u64>,
    sync_always: bool,
}

/// What the server's answer and the stream's replicas mean.
fn judge(varz: &Varz, replicas: Option<usize>) -> Durability {
    let mut warnings = Vec::new();
    if replicas == Some(1) {
        warnings.push(
            "the stream has one replica: what the server's disk loses is lost; \
             3 replicas survive the loss of a server"
                .to_owned(),
        );
    }
    let version = &varz.version;
    let sync = match &varz.jetstream.config {
        None => {
            warnings.push(format!("the server at nats.monitor_url ({version}) has no JetStream"));
            "unknown".to_owned()
        }
        Some(JetStreamConfig { sync_always: true, .. }) => "always".to_owned(),
        Some(JetStreamConfig { sync_interval: Some(interval), .. }) => {
            let seconds = *interval as f64 / 1e9;
            warnings.push(format!(
                "the server syncs every {seconds} s: a power cut loses what it acknowledged since; \
                 set sync_interval: always in its jetstream section"
            ));
            format!("every {seconds} s")
        }
        Some(JetStreamConfig { sync_interval: None, .. }) => {
            warnings.push(format!(
                "the server ({version}) is too old to tell when it syncs, which is every 120 s unless \
                 its settings say otherwise: a power cut loses what it acknowledged since; 2.10 tells"
            ));
            "unknown".to_owned()
        }
    };
    Durability { replicas, sync, warnings }
}

/// A reader of the server's monitoring.
pub(super) struct Monitor {
    client: Client<HttpConnector, Body>,
    varz: Uri,
}

impl Monitor {
    /// A reader of the monitoring at `url`.
    ///
    /// # Errors
    /// It is no address.
    pub(super) fn new(url: &str) -> Result<Self, NatsError> {
        let varz = format!("{}/varz", url.trim_end_matches('/'));
        let varz = varz.parse().map_err(|error| NatsError::Monitor(format!("{error}")))?;
        Ok(Self { client: Client::builder(TokioExecutor::new()).build_http(), varz })
    }

    /// Looks again and again, and notes what it finds in `status`. Never returns.
    pub(super) async fn run(self, stream: Arc<StreamStatus>, status: Arc<DurabilityStatus>) {
        loop {
            let replicas = stream.replicas();
            let found = match self.read().await {
                Ok(varz) => judge(&varz, replicas),
                Err(error) => Durability {
                    replicas,
                    sync: "unknown".into(),
                    warnings: vec![format!("nats.monitor_url cannot be read: {error}")],
                },
            };
            status.found(found);
            tokio::time::sleep(if replicas.is_some() { PAUSE } else { EARLY_PAUSE }).await;
        }
    }

    async fn read(&self) -> Result<Varz, String> {
        let answer = async {
            let answer = self.client.get(self.varz.clone()).await.map_err(in_words)?;
            if answer.status() != StatusCode::OK {
                return Err(format!("{} answers {}", self.varz, answer.status()));
            }
            let body = axum::body::to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await;
            let body = body.map_err(in_words)?;
            serde_json::from_slice(&body).map_err(|error| format!("{}: {error}", self.varz))
        };
        tokio::time::timeout(TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| Err(format!("{}: no answer within {TIMEOUT:?}", self.varz)))
    }
}

/// An error with its causes.
fn in_words(error: impl std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Varz, judge};

    fn read(text: &str) -> Varz {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn lazy_settings_are_warned_of() {
        // As 2.9.10 answers.
        let old = read(
            r#"{"version":"2.9.10","jetstream":{"config":{"max_memory":1,"max_storage":2,"store_dir":"/x"},"stats":{"memory":0}}}"#,
        );
        let durability = judge(&old, Some(1));
        assert_eq!((durability.replicas, durability.sync.as_str()), (Some(1), "unknown"));
        assert!(durability.warnings[0].contains("one replica"), "{durability:?}");
        assert!(durability.warnings[1].contains("2.9.10) is too old"), "{durability:?}");
        // Since 2.10.
        let lazy =
            read(r#"{"version":"2.11.4","jetstream":{"config":{"sync_interval":120000000000}}}"#);
        let durability = judge(&lazy, Some(3));
        assert_eq!(durability.sync, "every 120 s");
        assert_eq!(durability.warnings.len(), 1);
        assert!(durability.warnings[0].contains("sync_interval: always"));
        let good = read(
            r#"{"version":"2.11.4","jetstream":{"config":{"sync_interval":1,"sync_always":true}}}"#,
        );
        let durability = judge(&good, Some(3));
        assert_eq!((durability.sync.as_str(), durability.warnings.len()), ("always", 0));
    }

    #[test]
    fn a_server_without_jetstream_is_told_apart() {
        let durability = judge(&read(r#"{"version":"2.9.10","jetstream":{}}"#), None);
        assert!(durability.warnings[0].contains("no JetStream"), "{durability:?}");
        assert_eq!(durability.sync, "unknown");
    }
}
