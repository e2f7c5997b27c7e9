//! What the fault tests share: a sensor with a spool under a steady load, and the account of what arrived.
//!
//! The account: an alert is named by (boot, worker, sequence). Of each boot, after repeats are dropped,
//! - nothing arrives that was not raised: each sequence is 1 to `raised`;
//! - all that was acknowledged arrived, and nothing else did, once nothing waits in the spool any more:
//!   as many different alerts as `acknowledged`, and with the sum of the ledger none is missing without a cause.

use std::collections::{BTreeMap, BTreeSet};

use alert_schema::Batch;
use async_nats::jetstream::{self, Context};
use serde_json::Value;
use testkit::NatsServer;
use testkit::ledgers::assert_stats_balanced;

use super::scene::endless_device;
use super::sensor::{Sensor, Setup, alerts};

/// The stream that the sensor makes where there is none.
pub const STREAM: &str = "SENSOR_ALERTS";

pub const RULES: &str = r#"alert udp any any -> any 514 (msg:"mark"; content:"MARK"; sid:1;)"#;

/// A sensor that raises alerts for ever, some thousand a second, with a spool in its own folder.
pub fn setup(name: &str) -> Setup {
    let setup = Setup::new(name, RULES).device(|scratch| endless_device(scratch, &["MARK"]));
    let spool = setup.scratch.arg("spool");
    let pages = setup.scratch.path("pages");
    std::fs::create_dir(&pages).unwrap();
    let pages = setup.scratch.arg("pages");
    setup
        .set(format!("spool.path={spool}"))
        .set(format!("spool.pages_path={pages}"))
        .set("nats.ack_timeout_ms=1000")
}

/// Alerts of each boot that arrived, by (worker, sequence).
pub type Arrived = BTreeMap<String, BTreeSet<(u16, u64)>>;

/// What the stream has now, without repeats; more may come meanwhile.
pub fn arrived(server: &NatsServer) -> Arrived {
    let mut arrived = Arrived::new();
    ask(server, async |jetstream| {
        let stream = jetstream.get_stream(STREAM).await.unwrap();
        let state = stream.cached_info().state.clone();
        if state.messages == 0 {
            return;
        }
        for number in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(number).await.unwrap();
            let batch = Batch::decode(&message.payload).unwrap();
            let ids = arrived.entry(batch.head().boot.to_owned()).or_default();
            let alerts = batch.alerts().map(|alert| alert.unwrap().header);
            ids.extend(alerts.map(|header| (header.worker, header.sequence)));
        }
    });
    arrived
}

/// Runs `ask` with a client of `server`.
pub fn ask<T>(server: &NatsServer, ask: impl AsyncFnOnce(Context) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        ask(jetstream::new(async_nats::connect(server.url()).await.unwrap())).await
    })
}

/// Name of this start of the sensor.
pub fn boot(sensor: &Sensor) -> String {
    sensor.stats()["boot"].as_str().unwrap().to_owned()
}

/// Waits until nothing waits in the spool for more than a moment: all that was raised before is out.
pub fn drained(sensor: &Sensor) {
    sensor.stats_when("the spool is sent", |stats| stats["spool"]["records_waiting"] == 0);
    sensor.more_alerts(50);
}

/// Waits until the spool holds `count` alerts of this boot.
pub fn spooled(sensor: &Sensor, count: u64) -> Value {
    sensor.stats_when("alerts in the spool", |stats| alerts(stats, "spooled") >= count)
}

/// Asserts that exactly what `ledger` calls acknowledged has arrived, and that it was raised.
#[track_caller]
pub fn assert_all_arrived(ledger: &Value, arrived: Option<&BTreeSet<(u16, u64)>>) {
    assert_stats_balanced(ledger);
    let none = BTreeSet::new();
    let arrived = arrived.unwrap_or(&none);
    let raised = alerts(ledger, "raised");
    assert!(arrived.iter().all(|(_, sequence)| (1..=raised).contains(sequence)), "{ledger}");
    assert_eq!(alerts(ledger, "spooled"), 0, "{ledger}");
    assert_eq!(arrived.len() as u64, alerts(ledger, "acknowledged"), "{ledger}");
}
