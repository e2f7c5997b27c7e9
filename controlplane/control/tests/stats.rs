//! Where the time of alerts goes, and which of them are lost, in the statistics of a running sensor.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::Duration;

use common::{eventually_shows, nats_config, parts};
use control::Control;
use testkit::NatsServer;

const SHUTDOWN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_has_its_times() {
    let Some(server) = NatsServer::started() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(300);
    eventually_shows(&control, "all are acknowledged", |s| s.ledgers.alerts.acknowledged == 300);
    let stats = control.snapshot();
    let latency = &stats.latency;
    for (stage, times) in [
        ("detection", latency.detection_alert_ns),
        ("queueing", latency.queueing_ns),
        ("batching", latency.batching_ns),
        ("end to end", latency.end_to_end_ns),
    ] {
        assert_eq!(times.count, 300, "{stage}");
    }
    // The simulated worker has received its packets when the clock began.
    assert!(latency.end_to_end_ns.p50 >= latency.queueing_ns.p50, "{latency:?}");
    assert_eq!(latency.detection_alert_ns.max, 1_000);
    assert_eq!(latency.publish_ack_ns.count, stats.nats.unwrap().messages);
    assert!(stats.losses.is_empty(), "{:?}", stats.losses);
    control.shutdown(SHUTDOWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_are_lost_are_known_by_signature() {
    let Some(server) = NatsServer::absent() else { return };
    let (mut workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(90);
    workers[0].raise(1);
    eventually_shows(&control, "all are lost", |s| s.ledgers.alerts.drops["nats_down"] == 91);
    let losses = control.snapshot().losses;
    let lost: Vec<_> = losses.iter().map(|l| (l.gid, l.sid, l.cause, l.count)).collect();
    let down = |sid, count| (1, sid, "nats_down", count);
    assert_eq!(lost, [down(2, 31), down(1, 30), down(3, 30)]);
    control.shutdown(SHUTDOWN).await;
}
