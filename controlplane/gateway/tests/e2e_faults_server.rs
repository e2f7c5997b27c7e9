//! A NATS server that goes away, loses what it had, is full, or has its stream deleted: nothing is lost that
//! the ledger does not name.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use async_nats::jetstream::stream::{Config, DiscardPolicy};
use support::faults::{
    Arrived, STREAM, arrived, ask, assert_all_arrived, boot, drained, setup, spooled,
};
use support::sensor::alerts;
use testkit::NatsServer;

fn merge(mut one: Arrived, other: Arrived) -> Arrived {
    for (boot, ids) in other {
        one.entry(boot).or_default().extend(ids);
    }
    one
}

#[test]
fn a_server_that_is_away_for_long_gets_everything_later() {
    let Some(mut nats) = NatsServer::started() else { return };
    let setup = setup("away").nats(&nats);
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.more_alerts(200);
    nats.kill();
    let stats = spooled(&sensor, 3_000);
    assert_eq!(stats["spool"]["state"], "ok");
    // Alerts can be kept, so that the sensor does its work.
    assert_eq!(sensor.get("/readyz").status, 200);
    nats.start();
    drained(&sensor);
    let last = sensor.stop_in_order();
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}

#[test]
fn a_server_that_lost_its_store_gets_again_what_is_kept() {
    let Some(mut nats) = NatsServer::started() else { return };
    let setup = setup("lost").nats(&nats).set("spool.keep_acknowledged_s=3600");
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.more_alerts(500);
    nats.kill();
    nats.lose_everything();
    nats.start();
    sensor.more_alerts(100);
    let replay = sensor.post("/api/v1/spool/replay?since=0");
    assert_eq!(replay.status, 200, "{replay:?}");
    assert!(replay.json()["batches"].as_u64().unwrap() > 0, "{replay:?}");
    drained(&sensor);
    let last = sensor.stop_in_order();
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}

#[test]
fn a_full_stream_keeps_alerts_in_the_spool_until_there_is_room() {
    let Some(nats) = NatsServer::started() else { return };
    ask(&nats, async |jetstream| {
        let config = Config {
            name: STREAM.into(),
            subjects: vec!["sensor.*.*.alert.*".into()],
            // By messages: for a limit in bytes this server deletes old messages (docs/alerts.md).
            max_messages: 64,
            discard: DiscardPolicy::New,
            ..Config::default()
        };
        jetstream.create_stream(config).await.unwrap();
    });
    let setup = setup("full").nats(&nats);
    let sensor = setup.start();
    let boot = boot(&sensor);
    spooled(&sensor, 1_000);
    let before = arrived(&nats);
    assert!(!before[&boot].is_empty());
    ask(&nats, async |jetstream| {
        let mut stream = jetstream.get_stream(STREAM).await.unwrap();
        let mut config = stream.info().await.unwrap().config.clone();
        config.max_messages = -1;
        jetstream.update_stream(config).await.unwrap();
    });
    drained(&sensor);
    let last = sensor.stop_in_order();
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    assert_all_arrived(&last, merge(before, arrived(&nats)).get(&boot));
}

#[test]
fn a_stream_that_is_deleted_is_made_again() {
    let Some(nats) = NatsServer::started() else { return };
    let setup = setup("deleted").nats(&nats);
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.more_alerts(200);
    // What is acknowledged between this look and the deletion is the deleter's loss, not the sensor's.
    let before = arrived(&nats);
    let acknowledged = alerts(&sensor.stats(), "acknowledged");
    ask(&nats, async |jetstream| jetstream.delete_stream(STREAM).await.unwrap());
    sensor.stats_when("alerts are taken again", |stats| {
        alerts(stats, "acknowledged") > acknowledged + 2_000
    });
    drained(&sensor);
    let last = sensor.stop_in_order();
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    let after = arrived(&nats);
    let (before, after) = (&before[&boot], &after[&boot]);
    assert!(before.is_disjoint(after), "what was acknowledged is not sent again");
    let newest = before.iter().map(|(_, sequence)| *sequence).max().unwrap();
    let missing = (1..=alerts(&last, "raised"))
        .filter(|sequence| !before.contains(&(0, *sequence)) && !after.contains(&(0, *sequence)));
    // What is missing follows at once what was read before the deletion: nothing is missing elsewhere.
    let missing: Vec<_> = missing.collect();
    let run: Vec<_> = (newest + 1..).take(missing.len()).collect();
    assert_eq!(missing, run);
}

#[test]
fn consumers_that_do_not_read_are_none_of_the_sensors_business() {
    use std::io::Write as _;
    let Some(nats) = NatsServer::started() else { return };
    let mut deaf = std::net::TcpStream::connect(("127.0.0.1", nats.port())).unwrap();
    deaf.write_all(b"CONNECT {\"verbose\":false}\r\nSUB sensor.> 1\r\n").unwrap();
    let setup = setup("deaf").nats(&nats);
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.more_alerts(3_000);
    let last = sensor.stop_in_order();
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}
