//! Subscribes to a sensor's alerts on NATS and prints one line for each, as they come.

#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use alert_schema::{AlertFields, Batch, BatchHead};
use anyhow::{Context, Result};
use clap::Parser;
use futures_util::StreamExt;

/// Print the alerts that sensors publish on NATS.
#[derive(Debug, Parser)]
struct Args {
    /// Address of the NATS server.
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    nats: String,

    /// Subjects to listen to: `sensor.<site>.<sensor>.alert.<severity>`.
    #[arg(long, default_value = "sensor.>")]
    subject: String,

    /// End after this many alerts. Default: never.
    #[arg(long)]
    count: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let client = async_nats::connect(&args.nats)
        .await
        .with_context(|| format!("no NATS server answers at {}", args.nats))?;
    let mut messages = client.subscribe(args.subject.clone()).await?;
    // A subscription is only queued until then: what is said below would not be true yet.
    client.flush().await?;
    eprintln!("listening to {} on {}", args.subject, args.nats);

    let mut seen = 0;
    while let Some(message) = messages.next().await {
        seen += print(&message.subject, &message.payload);
        if args.count.is_some_and(|count| seen >= count) {
            break;
        }
    }
    Ok(())
}

/// Prints the alerts of one message; returns how many there were.
fn print(subject: &str, payload: &[u8]) -> u64 {
    let batch = match Batch::decode(payload) {
        Ok(batch) => batch,
        Err(error) => {
            eprintln!("{subject}: {} bytes that are no alerts: {error}", payload.len());
            return 0;
        }
    };
    let mut count = 0;
    for alert in batch.alerts() {
        match alert {
            Ok(alert) => {
                println!("{subject}  {}", line(&batch.head(), &alert));
                count += 1;
            }
            Err(error) => eprintln!("{subject}: {error}"),
        }
    }
    count
}

/// One alert as a line: rule, packet, identity.
fn line(head: &BatchHead<'_>, alert: &AlertFields<'_>) -> String {
    let (rule, tuple, header) = (&alert.signature, &alert.tuple, &alert.header);
    format!(
        "[{}:{}:{}] {} {{{}}} {} -> {}  packet {}  id {}/{}/{}",
        rule.gid,
        rule.sid,
        rule.rev,
        rule.msg,
        protocol(tuple.protocol),
        endpoint(tuple.source, tuple.source_port, tuple.protocol),
        endpoint(tuple.destination, tuple.destination_port, tuple.protocol),
        header.packet,
        head.boot,
        header.worker,
        header.sequence,
    )
}

/// Name of an IP protocol, where it has one that everybody knows.
fn protocol(number: u8) -> String {
    match number {
        1 => "ICMP".into(),
        6 => "TCP".into(),
        17 => "UDP".into(),
        58 => "ICMPv6".into(),
        132 => "SCTP".into(),
        other => format!("protocol {other}"),
    }
}

/// Address and port; ICMP has no ports, its type and code stand in their place.
fn endpoint(address: IpAddr, port: u16, protocol: u8) -> String {
    match protocol {
        1 | 58 => address.to_string(),
        _ => SocketAddr::new(address, port).to_string(),
    }
}
