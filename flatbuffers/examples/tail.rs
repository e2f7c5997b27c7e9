//! A whole consumer of alerts: reads the sensor's stream from its beginning, verifies each message, drops
//! what it has seen, and prints one JSON object a line.
//!
//! ```text
//! cargo run -p alert-schema --example tail -- nats://127.0.0.1:4222 [COUNT]
//! ```
//!
//! It ends after COUNT alerts, else never. `sensor-gateway alerts tail` is the same with filters, durable
//! consumers and more bounded memory.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::io::Write;

use alert_schema::Batch;
use anyhow::{Context, Result};
use async_nats::jetstream::{self, consumer::pull};
use futures_util::StreamExt as _;
use serde_json::json;

/// The stream that sensors publish to, where nats.stream.name does not say another.
const STREAM: &str = "SENSOR_ALERTS";
/// Alerts that are remembered. When there are more, all are forgotten: what is repeated after that is
/// printed again, which at-least-once delivery allows.
const SEEN_MAX: usize = 1 << 20;

/// What names an alert: sensor, boot, worker, sequence.
type Id = (String, String, u16, u64);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().context("usage: tail nats://HOST:PORT [COUNT]")?;
    let count = arguments.next().map(|count| count.parse()).transpose().context("COUNT")?;
    follow(&server, count, &mut std::io::stdout()).await
}

/// Prints the stream's alerts to `out`, until there were `count` of them.
///
/// # Errors
/// No server answers, it has no stream, or `out` cannot be written.
pub async fn follow(server: &str, count: Option<u64>, out: &mut impl Write) -> Result<()> {
    let client = async_nats::connect(server).await?;
    let stream = jetstream::new(client).get_stream(STREAM).await?;
    let consumer = stream.create_consumer(pull::OrderedConfig::default()).await?;
    let mut messages = consumer.messages().await?;
    let (mut seen, mut printed) = (HashSet::new(), 0);
    while count.is_none_or(|count| printed < count) {
        let message = messages.next().await.context("the stream ended")??;
        match print(&message.payload, &mut seen, out) {
            Ok(new) => printed += new,
            // One message that cannot be read says nothing about the next one.
            Err(error) => eprintln!("{}: {error:#}", message.subject),
        }
    }
    Ok(())
}

/// Prints what is new in one message; how many alerts that were.
fn print(bytes: &[u8], seen: &mut HashSet<Id>, out: &mut impl Write) -> Result<u64> {
    let batch = Batch::decode(bytes)?;
    let head = batch.head();
    let mut new = 0;
    for alert in batch.alerts() {
        let alert = alert?;
        let header = &alert.header;
        let id = (head.sensor.to_owned(), head.boot.to_owned(), header.worker, header.sequence);
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        if !seen.insert(id) {
            continue;
        }
        let line = json!({
            "id": format!("{}.{}.{}.{}", head.sensor, head.boot, header.worker, header.sequence),
            "packet_ns": header.wall_ns,
            "sid": alert.signature.sid,
            "msg": alert.signature.msg,
            "severity": alert.signature.severity,
            "source": alert.tuple.source,
            "source_port": alert.tuple.source_port,
            "destination": alert.tuple.destination,
            "destination_port": alert.tuple.destination_port,
        });
        writeln!(out, "{line}")?;
        new += 1;
    }
    Ok(new)
}
