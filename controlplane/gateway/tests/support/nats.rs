//! A consumer of what the sensor publishes.

use std::time::Duration;

use alert_schema::Batch;
use async_nats::jetstream::{self, consumer::pull};
use contract::FiveTuple;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use testkit::NatsServer;

use super::scene::Alert;

/// The stream that the sensor makes where there is none.
const STREAM: &str = "SENSOR_ALERTS";
/// Longest wait for a message that the server says it has.
const LIMIT: Duration = Duration::from_secs(20);

/// Every alert that JetStream has kept, in the order of the stream, each message verified.
pub fn alerts(server: &NatsServer) -> Vec<Received> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(read(&server.url()))
}

/// An alert as its consumer gets it.
#[derive(Clone, Debug)]
pub struct Received {
    pub alert: Alert,
    pub subject: String,
    pub boot: String,
    pub worker: u16,
    pub sequence: u64,
    pub generation: u32,
}

async fn read(url: &str) -> Vec<Received> {
    let client = async_nats::connect(url).await.unwrap();
    let stream = jetstream::new(client).get_stream(STREAM).await.unwrap();
    let mut received = Vec::new();
    if stream.cached_info().state.messages == 0 {
        return received;
    }
    let consumer = stream.create_consumer(pull::Config::default()).await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    loop {
        let next = tokio::time::timeout(LIMIT, messages.next()).await;
        let message = next.expect("a message that is pending").unwrap().unwrap();
        message.ack().await.unwrap();
        unpack(&message.subject, &message.payload, &mut received);
        if message.info().unwrap().pending == 0 {
            return received;
        }
    }
}

fn unpack(subject: &str, payload: &[u8], received: &mut Vec<Received>) {
    let batch = Batch::decode(payload).unwrap();
    for alert in batch.alerts() {
        let alert = alert.unwrap();
        let digest = alert.payload_sha256.copied();
        if let Some(digest) = digest {
            assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(alert.payload)));
        }
        assert!(subject.ends_with(&format!(".alert.{}", alert.signature.severity)), "{subject}");
        let tuple: FiveTuple = alert.tuple.unwrap();
        received.push(Received {
            alert: Alert { sid: alert.signature.sid, tuple, sha256: digest },
            subject: subject.to_owned(),
            boot: batch.head().boot.to_owned(),
            worker: alert.header.worker,
            sequence: alert.header.sequence,
            generation: alert.header.generation,
        });
    }
}

/// Asserts that the alerts of each worker are numbered from 1 without a gap.
#[track_caller]
pub fn assert_no_gaps(received: &[Received]) {
    let mut ids: Vec<_> = received.iter().map(|one| (one.worker, one.sequence)).collect();
    ids.sort_unstable();
    let mut expected = (u16::MAX, 0);
    for (worker, sequence) in ids {
        let next = if worker == expected.0 { expected.1 + 1 } else { 1 };
        assert_eq!(sequence, next, "worker {worker}");
        expected = (worker, sequence);
    }
}
