//! Alerts to a real NATS server: delivered, refused, or lost and counted; every ledger adds up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use alert_schema::Batch;
use async_nats::jetstream;
use common::{eventually_shows, nats_config, parts};
use contract::{AlertDrop, AlertLedger};
use control::Control;
use control::config::Delivery;
use testkit::NatsServer;

const SHUTDOWN: Duration = Duration::from_secs(10);

fn dropped(ledger: &AlertLedger, cause: AlertDrop) -> u64 {
    ledger.drops[cause as usize]
}

fn assert_settled(ledger: &AlertLedger, raised: u64) {
    assert_eq!(ledger.imbalance(), 0, "{ledger:?}");
    assert_eq!((ledger.in_flight, ledger.raised), (0, raised), "{ledger:?}");
}

async fn is_ready(control: &Control) {
    tokio::task::block_in_place(|| {
        eventually_shows(control, "NATS is ready", |s| s.nats.as_ref().is_some_and(|n| n.ready));
    });
}

/// Every message of the stream: subject, message id, payload.
async fn messages(url: &str, count: u64) -> Vec<(String, String, Vec<u8>)> {
    let client = async_nats::connect(url).await.unwrap();
    let stream = jetstream::new(client).get_stream("SENSOR_ALERTS").await.unwrap();
    let mut all = Vec::new();
    for sequence in 1..=count {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let id = message.headers.get("Nats-Msg-Id").unwrap().to_string();
        all.push((message.subject.to_string(), id, message.payload.to_vec()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_acknowledges_every_alert() {
    let Some(server) = NatsServer::started() else { return };
    let (mut workers, mut parts) = parts(2);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    for worker in &mut workers {
        worker.raise_many(300);
    }
    eventually_shows(&control, "all are acknowledged", |s| s.ledgers.alerts.acknowledged == 600);
    let count = control.snapshot().nats.unwrap().messages;
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_settled(&ledger, 600);
    assert_eq!(ledger.acknowledged, 600);

    let (mut ids, mut message_ids) = (BTreeSet::new(), BTreeSet::new());
    for (subject, message_id, payload) in messages(&server.url(), count).await {
        let batch = Batch::decode(&payload).unwrap();
        let head = batch.head();
        assert_eq!(message_id, format!("s1.b00t.{}.{}", head.lane, head.sequence));
        assert!(message_ids.insert(message_id));
        assert_eq!((head.site, head.generations), ("lab", (1, 1)));
        for alert in batch.alerts() {
            let alert = alert.unwrap();
            assert_eq!(subject, format!("sensor.lab.s1.alert.{}", alert.signature.severity));
            assert_eq!((alert.payload, alert.in_iface), (&b"abc"[..], "port0"));
            assert!(ids.insert((alert.header.worker, alert.header.sequence)));
        }
    }
    assert_eq!(ids.len(), 600);
    assert!(count < 600, "{count} messages hold 600 alerts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_appears_later_gets_what_is_raised_then() {
    let Some(mut server) = NatsServer::absent() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(100);
    eventually_shows(&control, "all are lost", |s| s.ledgers.alerts.drops["nats_down"] == 100);
    server.start();
    is_ready(&control).await;
    workers[0].raise_many(100);
    eventually_shows(&control, "all are acknowledged", |s| s.ledgers.alerts.acknowledged == 100);
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_settled(&ledger, 200);
    assert_eq!(dropped(&ledger, AlertDrop::NatsDown), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_costs_alerts_and_no_balance() {
    let Some(mut server) = NatsServer::started() else { return };
    let (mut workers, mut parts) = parts(2);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    is_ready(&control).await;
    for round in 0..60 {
        if round == 30 {
            server.kill();
        }
        for worker in &mut workers {
            worker.raise_many(30);
        }
        let raised = 2 * 30 * (round + 1);
        eventually_shows(&control, "the rings are empty", |s| {
            s.workers.iter().map(|w| w.counters["alerts_drained"]).sum::<u64>() == raised
        });
    }
    eventually_shows(&control, "nothing is on its way", |s| s.ledgers.alerts.in_flight == 0);
    server.start();
    is_ready(&control).await;
    workers[0].raise_many(100);
    eventually_shows(&control, "nothing is on its way", |s| s.ledgers.alerts.in_flight == 0);
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_settled(&ledger, 3_700);
    let (down, failed) =
        (dropped(&ledger, AlertDrop::NatsDown), dropped(&ledger, AlertDrop::PublishFailed));
    assert!(down > 0, "{ledger:?}");
    assert_eq!(ledger.acknowledged + down + failed, 3_700, "{ledger:?}");
    assert!(ledger.acknowledged >= 1_000, "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn core_nats_takes_alerts_without_an_acknowledgement() {
    let Some(mut server) = NatsServer::started_without_jetstream() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    parts.nats.delivery = Delivery::Core;
    let control = Control::start(parts).await.unwrap();
    is_ready(&control).await;
    workers[0].raise_many(200);
    eventually_shows(&control, "all are sent", |s| s.ledgers.alerts.sent == 200);
    server.kill();
    eventually_shows(&control, "NATS is down", |s| s.nats.as_ref().is_some_and(|n| !n.ready));
    workers[0].raise_many(50);
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_settled(&ledger, 250);
    assert_eq!((ledger.sent, ledger.acknowledged), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_refuses_and_says_so() {
    let Some(server) = NatsServer::started_without_jetstream() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(20);
    eventually_shows(&control, "all are refused", |s| {
        s.ledgers.alerts.drops["publish_failed"] == 20
    });
    let lanes = control.snapshot().nats.unwrap().lanes;
    assert!(lanes.iter().all(|lane| lane.state == "refused"), "{lanes:?}");
    let reasons_given = lanes.iter().all(|lane| lane.reason.starts_with("stream SENSOR_ALERTS: "));
    assert!(reasons_given, "{lanes:?}");
    assert!(lanes.iter().any(|lane| lane.undelivered["refused"] > 0), "{lanes:?}");
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_settled(&ledger, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_exists_is_not_altered() {
    let Some(server) = NatsServer::started() else { return };
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    let own = jetstream::stream::Config {
        name: "SENSOR_ALERTS".into(),
        subjects: vec!["sensor.>".into()],
        max_messages: 77,
        ..Default::default()
    };
    context.create_stream(own).await.unwrap();
    let (_workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    is_ready(&control).await;
    let differences = control.snapshot().nats.unwrap().stream_differences;
    let named = differences.iter().any(|line| line == "messages_max: none wanted, 77 found");
    assert!(named, "{differences:?}");
    control.shutdown(SHUTDOWN).await;
    let found = context.get_stream("SENSOR_ALERTS").await.unwrap();
    let config = &found.cached_info().config;
    assert_eq!((config.max_messages, &config.subjects), (77, &vec!["sensor.>".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_at_the_end_is_lost_at_shutdown() {
    let Some(server) = NatsServer::started() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    parts.nats.ack_timeout_ms = 60_000;
    let control = Control::start(parts).await.unwrap();
    is_ready(&control).await;
    server.freeze();
    workers[0].raise_many(30);
    let (_, ledger) = control.shutdown(Duration::from_millis(500)).await;
    assert_settled(&ledger, 30);
    assert_eq!(dropped(&ledger, AlertDrop::Shutdown), 30, "{ledger:?}");
}
