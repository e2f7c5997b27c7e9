//! The sensor is killed at any moment, and its spool is damaged while it is away: the next start closes the
//! books, and everything that was acknowledged or spooled arrives.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::faults::{arrived, boot, drained, setup, spooled};
use support::sensor::{Sensor, alerts};
use testkit::{NatsServer, Rng};

/// Kills in the everyday form; with `SENSOR_LONG` there are more.
const KILLS: usize = 5;
const KILLS_LONG: usize = 50;

/// The closed ledger of `boot`, as a later start shows it.
fn closed(sensor: &Sensor, boot: &str) -> Value {
    let stats = sensor.stats();
    let boots = stats["spool"]["previous_boots"].as_array().unwrap();
    boots.iter().find(|closed| closed["boot"] == boot).expect("the boot is closed").clone()
}

fn count(closed: &Value, term: &str) -> u64 {
    closed[term].as_u64().unwrap()
}

/// `raised = acknowledged + sent + written + spooled + drops + lost_at_crash` of a closed boot.
#[track_caller]
fn assert_closed(closed: &Value) {
    let drops = closed["drops"].as_object().unwrap().values();
    let ended: u64 = ["acknowledged", "sent", "written", "spooled", "lost_at_crash"]
        .iter()
        .map(|term| count(closed, term))
        .chain(drops.map(|drops| drops.as_u64().unwrap()))
        .sum();
    assert_eq!(count(closed, "raised"), ended, "{closed}");
    assert_eq!(closed["crashed"], true, "{closed}");
}

#[test]
fn killed_at_random_points() {
    let Some(nats) = NatsServer::started() else { return };
    let kills = if std::env::var_os("SENSOR_LONG").is_some() { KILLS_LONG } else { KILLS };
    let seed = u64::from(std::process::id());
    println!("seed {seed}, {kills} kills");
    let mut rng = Rng::new(seed);
    let setup = setup("killed").nats(&nats);
    let mut ledgers = Vec::new();
    let mut sensor = setup.start();
    for _ in 0..kills {
        let boot = boot(&sensor);
        sensor.more_alerts(rng.below(3_000) as u64);
        sensor.kill();
        sensor = setup.start();
        let closed = closed(&sensor, &boot);
        assert_closed(&closed);
        ledgers.push((boot, closed));
    }
    drained(&sensor);
    let last_boot = boot(&sensor);
    let last = sensor.stop_in_order();
    let arrived = arrived(&nats);
    assert_eq!(arrived[&last_boot].len() as u64, alerts(&last, "acknowledged"));
    for (boot, closed) in &ledgers {
        let ids = &arrived[boot];
        let raised = count(closed, "raised");
        assert!(ids.iter().all(|(_, sequence)| (1..=raised).contains(sequence)), "{closed}");
        // What was delivered in the moment of the kill may be counted as lost; nothing is the other way round.
        let owed = count(closed, "acknowledged") + count(closed, "spooled");
        let most = owed + count(closed, "lost_at_crash");
        assert!((owed..=most).contains(&(ids.len() as u64)), "{} arrived: {closed}", ids.len());
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect()
}

#[test]
fn a_spool_with_flipped_bits_loses_what_they_hit_and_counts_it() {
    let Some(mut nats) = NatsServer::started() else { return };
    nats.kill();
    let setup = setup("damaged").nats(&nats);
    let sensor = setup.start();
    let boot = boot(&sensor);
    spooled(&sensor, 2_000);
    sensor.kill();
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    for path in segments(&setup.scratch.path("spool")) {
        let mut bytes = std::fs::read(&path).unwrap();
        for _ in 0..5 {
            let at = rng.below(bytes.len());
            bytes[at] ^= 1 << rng.below(8);
        }
        std::fs::write(&path, bytes).unwrap();
    }
    nats.start();
    let sensor = setup.start();
    let closed = closed(&sensor, &boot);
    assert_eq!(count(&closed, "acknowledged"), 0);
    let stats = sensor
        .stats_when("what is left is sent", |stats| stats["spool"]["recovered"]["spooled"] == 0);
    let recovered = &stats["spool"]["recovered"];
    let corrupt = recovered["drops"]["spool_corrupt"].as_u64().unwrap_or(0);
    let delivered = recovered["acknowledged"].as_u64().unwrap();
    assert_eq!(recovered["found"].as_u64().unwrap(), delivered + corrupt, "{recovered}");
    assert!(stats["spool"]["corrupt_records"].as_u64().unwrap() > 0, "{stats}");
    sensor.stop_in_order();
    assert_eq!(arrived(&nats)[&boot].len() as u64, delivered);
}
