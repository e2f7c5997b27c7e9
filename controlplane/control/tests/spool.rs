//! Alerts that NATS cannot take wait on disk, within one boot and over a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use alert_schema::Batch;
use async_nats::jetstream;
use common::{eventually_shows, nats_config, parts, spool_in};
use control::Control;
use control::config::{Discard, Fsync, NatsConfig, SpoolConfig, StreamConfig};
use control::stats::Snapshot;
use testkit::NatsServer;

const SHUTDOWN: Duration = Duration::from_secs(10);

fn context_of(server: &NatsServer) -> impl Future<Output = jetstream::Context> {
    let url = server.url();
    async { jetstream::new(async_nats::connect(url).await.unwrap()) }
}

/// Sequences of the alerts in the stream.
async fn delivered(url: &str, boot: &str) -> BTreeSet<u64> {
    let client = async_nats::connect(url).await.unwrap();
    let mut stream = jetstream::new(client).get_stream("SENSOR_ALERTS").await.unwrap();
    let state = stream.info().await.unwrap().state.clone();
    let mut sequences = BTreeSet::new();
    for number in state.first_sequence..=state.last_sequence {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_is_full_loses_its_oldest_alerts_by_their_signatures() {
    let Some(server) = NatsServer::absent() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    parts.spool = SpoolConfig {
        bytes_max: 2 << 20,
        segment_bytes: 1 << 20,
        fsync: Fsync::Never,
        ..SpoolConfig::default()
    };
    spool_in(&mut parts, &dir.path().join("spool"));
    let control = Control::start(parts).await.unwrap();
    let lost = |s: &Snapshot| s.ledgers.alerts.drops["spool_full"];
    let mut raised = 0;
    while lost(&control.snapshot()) == 0 {
        workers[0].raise_many(300);
        raised += 300;
        eventually_shows(&control, "the spool has them", |s| {
            s.ledgers.alerts.spooled + lost(s) == raised
        });
    }
    let stats = control.snapshot();
    let losses: Vec<_> = stats.losses.iter().map(|l| (&*l.signature, l.cause)).collect();
    for signature in ["1:1", "1:2", "1:3"] {
        assert!(losses.contains(&(signature, "spool_full")), "{losses:?}");
    }
    assert_eq!(losses.len(), 3, "{losses:?}");
    assert_eq!(stats.losses.iter().map(|l| l.count).sum::<u64>(), lost(&stats));
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight), (0, 0), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_stream_refuses_waits_until_there_is_room() {
    let Some(server) = NatsServer::started() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = parts(1);
    let stream = StreamConfig { messages_max: 2, discard: Discard::New, ..StreamConfig::default() };
    parts.nats = NatsConfig { stream, lanes: 1, ..nats_config(server.url()) };
    spool_in(&mut parts, &dir.path().join("spool"));
    let control = Control::start(parts).await.unwrap();
    eventually_shows(&control, "NATS is ready", |s| s.nats.as_ref().is_some_and(|n| n.ready));
    // Three severities are three messages, of which two find room.
    workers[0].raise_many(30);
    eventually_shows(&control, "a message waits", |s| {
        (s.ledgers.alerts.acknowledged, s.ledgers.alerts.spooled) == (20, 10)
    });
    eventually_shows(&control, "the lane says why", |s| {
        let lane = &s.nats.as_ref().unwrap().lanes[0];
        lane.state == "failing" && lane.reason.contains("maximum messages exceeded")
    });
    let context = context_of(&server).await;
    let before = delivered(&server.url(), "b00t").await;
    context.get_stream("SENSOR_ALERTS").await.unwrap().purge().await.unwrap();
    eventually_shows(&control, "all are out", |s| s.ledgers.alerts.acknowledged == 30);
    let lane = control.snapshot().nats.unwrap().lanes.remove(0);
    assert!(lane.undelivered["not_stored"] >= 1, "{lane:?}");
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.spooled), (0, 0, 0), "{ledger:?}");
    let mut all = delivered(&server.url(), "b00t").await;
    all.extend(before);
    assert_eq!(all, (1..=30).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_under_way_costs_nothing_that_was_not_in_it() {
    let Some(server) = NatsServer::started() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    spool_in(&mut parts, &dir.path().join("spool"));
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(60);
    eventually_shows(&control, "all are out", |s| s.ledgers.alerts.acknowledged == 60);
    context_of(&server).await.delete_stream("SENSOR_ALERTS").await.unwrap();
    workers[0].raise_many(60);
    eventually_shows(&control, "all are out", |s| s.ledgers.alerts.acknowledged == 120);
    eventually_shows(&control, "NATS is ready", |s| s.nats.as_ref().is_some_and(|n| n.ready));
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.spooled), (0, 0, 0), "{ledger:?}");
    assert_eq!(delivered(&server.url(), "b00t").await, (61..=120).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_had_not_acknowledged_is_sent_again_after_its_restart() {
    let Some(mut server) = NatsServer::started() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = parts(1);
    // Longer than the test may take: only the loss of the connection tells.
    parts.nats = NatsConfig { ack_timeout_ms: 600_000, ..nats_config(server.url()) };
    spool_in(&mut parts, &dir.path().join("spool"));
    let control = Control::start(parts).await.unwrap();
    eventually_shows(&control, "NATS is ready", |s| s.nats.as_ref().is_some_and(|n| n.ready));
    server.freeze();
    workers[0].raise_many(90);
    eventually_shows(&control, "messages are on their way", |s| {
        let lanes = &s.nats.as_ref().unwrap().lanes;
        lanes.iter().map(|lane| lane.alerts).sum::<u64>() == 90
    });
    server.kill();
    server.start();
    eventually_shows(&control, "all are out", |s| s.ledgers.alerts.acknowledged == 90);
    let nats = control.snapshot().nats.unwrap();
    assert!(nats.lanes.iter().all(|lane| lane.reconnects == 1), "{nats:?}");
    assert!(nats.lanes.iter().any(|lane| lane.undelivered["down"] > 0), "{nats:?}");
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.spooled), (0, 0, 0), "{ledger:?}");
    assert_eq!(delivered(&server.url(), "b00t").await, (1..=90).collect());
}
