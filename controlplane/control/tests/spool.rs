//! Alerts that NATS cannot take wait on disk, within one boot and over a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use alert_schema::Batch;
use async_nats::jetstream;
use common::{eventually_shows, nats_config, parts, spool_in};
use control::Control;
use testkit::NatsServer;

const SHUTDOWN: Duration = Duration::from_secs(10);

/// Sequences of the alerts in the stream.
async fn delivered(url: &str, boot: &str) -> BTreeSet<u64> {
    let client = async_nats::connect(url).await.unwrap();
    let mut stream = jetstream::new(client).get_stream("SENSOR_ALERTS").await.unwrap();
    let count = stream.info().await.unwrap().state.messages;
    let mut sequences = BTreeSet::new();
    for number in 1..=count {
        let message = stream.get_raw_message(number).await.unwrap();
        let batch = Batch::decode(&message.payload).unwrap();
        if batch.head().boot == boot {
            for alert in batch.alerts() {
                assert!(sequences.insert(alert.unwrap().header.sequence), "{number}");
            }
        }
    }
    sequences
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_appears_later_gets_what_waited() {
    let Some(mut server) = NatsServer::absent() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    spool_in(&mut parts, &dir.path().join("spool"));
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(100);
    eventually_shows(&control, "all are spooled", |s| s.ledgers.alerts.spooled == 100);
    server.start();
    workers[0].raise_many(50);
    eventually_shows(&control, "all are out", |s| s.ledgers.alerts.acknowledged == 150);
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.spooled), (0, 0, 0), "{ledger:?}");
    assert_eq!(delivered(&server.url(), "b00t").await, (1..=150).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_the_end_is_sent_by_the_next_start() {
    let Some(mut server) = NatsServer::absent() else { return };
    let dir = tempfile::tempdir().unwrap();
    let start = |boot: &'static str, url: String| {
        let (workers, mut parts) = parts(1);
        parts.identity.boot = boot.into();
        parts.nats = nats_config(url);
        spool_in(&mut parts, &dir.path().join("spool"));
        async { (workers, Control::start(parts).await.unwrap()) }
    };
    let (mut workers, control) = start("first", server.url()).await;
    workers[0].raise_many(80);
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.spooled), (0, 0, 80), "{ledger:?}");
    server.start();
    let (mut workers, control) = start("second", server.url()).await;
    workers[0].raise_many(20);
    eventually_shows(&control, "both boots are out", |s| {
        s.ledgers.alerts.acknowledged == 20 && s.spool.recovered.acknowledged == 80
    });
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.raised), (0, 20), "{ledger:?}");
    assert_eq!(delivered(&server.url(), "first").await, (1..=80).collect());
    assert_eq!(delivered(&server.url(), "second").await, (1..=20).collect());
}
