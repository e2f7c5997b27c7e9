//! A whole consumer of alerts: reads the sensor's stream by a durable consumer, from its beginning and then on
//! from where the last run ended, verifies each message, drops what it has seen, prints one JSON object a line,
//! and acknowledges what is printed.
//!
//! ```text
//! cargo run -p alert-schema --example tail -- nats://127.0.0.1:4222 [COUNT]
//! ```
//!
//! It ends with the message that brings alert COUNT, else never. `sensor-gateway alerts tail` is the same with
//! filters and less memory.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use alert_schema::Batch;
use anyhow::{Context, Result};
use async_nats::jetstream::{self, AckKind, consumer::pull};
use futures_util::StreamExt as _;
use serde_json::json;

/// The stream that sensors publish to, where nats.stream.name does not say another.
const STREAM: &str = "SENSOR_ALERTS";
/// What the server remembers this program by: give each program a name of its own.
const CONSUMER: &str = "alert-schema-example";
/// Messages asked for at a time, and how long the server keeps such a request.
const BATCH: usize = 64;
const EXPIRES: Duration = Duration::from_secs(1);
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

/// Prints the stream's alerts to `out`, until there were `count` of them. What a server sends behind that comes
/// again, a while after this program has ended.
///
/// # Errors
/// No server answers, it has no stream, or `out` cannot be written.
pub async fn follow(server: &str, count: Option<u64>, out: &mut impl Write) -> Result<()> {
    let client = async_nats::connect(server).await?;
    let stream = jetstream::new(client.clone()).get_stream(STREAM).await?;
    let config =
        pull::Config { durable_name: Some(CONSUMER.to_owned()), ..pull::Config::default() };
    let consumer = stream.get_or_create_consumer(CONSUMER, config).await?;
    let (mut seen, mut printed) = (HashSet::new(), 0);
    // A request ends when it has brought what it asked for, and when it expires. One that a server has
    // forgotten ends as well, so that the next one reaches the server that has started again.
    loop {
        let mut messages = consumer.batch().max_messages(BATCH).expires(EXPIRES).messages().await?;
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    eprintln!("{STREAM}: {error}");
                    tokio::time::sleep(EXPIRES).await;
                    break;
                }
            };
            let kind = match print(&message.payload, &mut seen, out) {
                Ok(new) => {
                    printed += new;
                    AckKind::Ack
                }
                // One message that cannot be read says nothing about the next one, and need not come again.
                Err(error) => {
                    eprintln!("{}: {error:#}", message.subject);
                    AckKind::Term
                }
            };
            if let Err(error) = message.ack_with(kind).await {
                eprintln!("{}: not acknowledged, and will come again: {error}", message.subject);
            }
            if count.is_some_and(|count| printed >= count) {
                // Acknowledgements are only queued until then.
                client.flush().await?;
                return Ok(());
            }
        }
    }
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
            "source": alert.tuple.map(|tuple| tuple.source),
            "source_port": alert.tuple.map(|tuple| tuple.source_port),
            "destination": alert.tuple.map(|tuple| tuple.destination),
            "destination_port": alert.tuple.map(|tuple| tuple.destination_port),
        });
        writeln!(out, "{line}")?;
        new += 1;
    }
    Ok(new)
}
