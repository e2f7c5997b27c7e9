//! The stream that keeps alerts: made where it is absent, never altered.

use std::time::Duration;

use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::config::{NatsConfig, StreamConfig};

/// A JetStream context of `client` that waits for acknowledgements as long as `config` says.
pub(super) fn context(client: async_nats::Client, config: &NatsConfig) -> Context {
    ContextBuilder::new()
        .timeout(Duration::from_millis(config.ack_timeout_ms))
        // Each lane counts its own, and waits for a place.
        .max_ack_inflight(config.acks_in_flight_max + 1)
        .backpressure_on_inflight(true)
        .build(client)
}

/// The stream as it is made where it is absent.
fn wanted(config: &StreamConfig) -> Config {
    Config {
        name: config.name.clone(),
        subjects: vec!["sensor.*.*.alert.*".into()],
        max_bytes: i64::try_from(config.bytes_max).unwrap_or(i64::MAX),
        max_age: Duration::from_secs(config.age_max_s),
        num_replicas: config.replicas,
        duplicate_window: Duration::from_secs(config.duplicate_window_s),
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        description: Some("Alerts of network sensors".into()),
        ..Config::default()
    }
}

/// Times that the stream is asked for. Several lanes, or sensors, may be making it at the same time, and
/// the server refuses all but one of them until it is there.
const TRIES: usize = 4;
/// Pause between two of them.
const TRY_PAUSE: Duration = Duration::from_millis(50);

/// Sees to it that the stream exists.
///
/// # Errors
/// The server refuses it, or has no JetStream; in words.
#[tracing::instrument(name = "ensure alert stream", skip_all, fields(stream = config.name))]
pub(super) async fn ensure(context: &Context, config: &StreamConfig) -> Result<(), String> {
    let mut tries = 1;
    loop {
        match context.get_or_create_stream(wanted(config)).await {
            Ok(_) => return Ok(()),
            Err(error) if tries == TRIES => return Err(error.to_string()),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(TRY_PAUSE).await;
    }
}
