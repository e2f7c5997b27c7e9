//! A network that cuts, delays and truncates between the sensor and its NATS server.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use support::faults::{arrived, assert_all_arrived, boot, drained, setup, spooled};
use support::sensor::{Sensor, alerts};
use testkit::{NatsServer, Proxy, Rng};

/// A sensor behind a proxy is disturbed by `disturb`, then left in peace: everything has to arrive.
fn check(name: &str, disturb: impl FnOnce(&Proxy, &Sensor)) {
    let Some(nats) = NatsServer::started() else { return };
    let proxy = Proxy::before(nats.port());
    let setup = setup(name).nats_at(proxy.nats_url());
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.more_alerts(100);
    disturb(&proxy, &sensor);
    drained(&sensor);
    let last = sensor.stop_in_order();
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}

#[test]
fn connections_that_are_cut_in_the_middle_of_a_message() {
    let seed = 0x5eed_0001;
    println!("seed {seed:#x}");
    let mut rng = Rng::new(seed);
    check("truncate", |proxy, sensor| {
        for _ in 0..8 {
            proxy.truncate_after(rng.below(60_000) as u64 + 1);
            sensor.more_alerts(200);
        }
    });
}

#[test]
fn a_slow_network() {
    check("delay", |proxy, sensor| {
        proxy.delay(Duration::from_millis(20));
        sensor.more_alerts(1_000);
        proxy.delay(Duration::ZERO);
    });
}

#[test]
fn a_network_that_is_away() {
    check("refuse", |proxy, sensor| {
        proxy.refuse(true);
        spooled(sensor, 1_000);
        proxy.refuse(false);
    });
}

#[test]
fn ten_reconnects_a_second() {
    check("reconnects", |proxy, sensor| {
        let before = proxy.accepted();
        for _ in 0..30 {
            proxy.cut();
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(proxy.accepted() >= before + 30, "{} connections", proxy.accepted() - before);
        let begun = Instant::now();
        sensor.more_alerts(100);
        assert!(begun.elapsed() < Duration::from_secs(20));
    });
}
