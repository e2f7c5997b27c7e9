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

/// Sees to it that the stream exists.
///
/// # Errors
/// The server refuses it, or has no JetStream; in words.
pub(super) async fn ensure(context: &Context, config: &StreamConfig) -> Result<(), String> {
    let made = context.get_or_create_stream(wanted(config)).await;
    made.map(|_| ()).map_err(|error| error.to_string())
}
