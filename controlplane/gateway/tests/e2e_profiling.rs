//! Profiles of a sensor at work on a DPDK port, and levels of its log.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use pprof::protos::{Message as _, Profile};
use support::common::wait_for;
use support::scene::{RULES, endless_device};
use support::sensor::{Sensor, Setup, packets};

fn decode(zipped: &[u8]) -> Profile {
    let mut bytes = Vec::new();
    GzDecoder::new(zipped).read_to_end(&mut bytes).unwrap();
    Profile::decode(bytes.as_slice()).unwrap()
}

fn profile(sensor: &Sensor, query: &str) -> Profile {
    let (status, body) = sensor.profile(&format!("/debug/pprof/{query}"));
    assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&body));
    decode(&body)
}

/// A busy sensor, with `change` on top of its settings.
fn busy(name: &str, change: impl FnOnce(Setup) -> Setup) -> (Setup, Sensor) {
    let setup = Setup::new(name, RULES).device(|scratch| endless_device(scratch, &["MARK"]));
    let setup = change(setup);
    let sensor = setup.start();
    sensor.stats_when("packets", |stats| packets(stats, "rx") > 10_000);
    (setup, sensor)
}

#[test]
fn a_profile_of_a_busy_sensor_shows_its_workers_and_harms_nothing() {
    let (_setup, sensor) = busy("profile", |setup| setup);
    for hz in [19, 99, 250] {
        let profile = profile(&sensor, &format!("profile?seconds=2&frequency={hz}"));
        let text = |index: i64| profile.string_table[usize::try_from(index).unwrap()].as_str();
        let threads: BTreeSet<_> = profile
            .sample
            .iter()
            .flat_map(|sample| &sample.label)
            .map(|one| text(one.str))
            .collect();
        assert!(threads.contains("worker-0"), "{hz} Hz: {threads:?}");
        let functions: Vec<_> = profile.function.iter().map(|one| text(one.name)).collect();
        // Ours, and DPDK's, which are built without frame pointers.
        for part in ["inspect", "rte_"] {
            let shown = functions.iter().any(|name| name.contains(part));
            assert!(shown || hz == 19, "{hz} Hz: no {part} among {functions:?}");
        }
    }
    let (status, svg) = sensor.profile("/debug/pprof/profile?seconds=1&format=flamegraph");
    let svg = String::from_utf8(svg).unwrap();
    assert!(status == 200 && svg.contains("worker-0"), "{status}: {svg}");
    sensor.stop_in_order();
}

#[cfg(feature = "jemalloc")]
#[test]
fn a_heap_profile_shows_who_allocated() {
    let on = |setup: Setup| setup.set("profiling.heap=true");
    let (_setup, sensor) = busy("heap", on);
    let profile = profile(&sensor, "heap");
    let bytes: i64 = profile.sample.iter().map(|sample| sample.value[0]).sum();
    assert!(bytes > 1 << 20, "{bytes} bytes");
    let functions = profile.function.iter();
    let names: Vec<_> = functions
        .map(|one| profile.string_table[usize::try_from(one.name).unwrap()].as_str())
        .collect();
    assert!(names.iter().any(|name| name.contains("sensor_gateway")), "{names:?}");
    sensor.stop_in_order();
}

#[test]
fn levels_of_the_log_change_while_it_runs() {
    let setup = Setup::new("levels", RULES).device(|scratch| endless_device(scratch, &["MARK"]));
    let sensor = setup.start();
    let bad = sensor.put_log("info,control=loud");
    assert_eq!(bad.status, 400, "{bad:?}");
    assert!(bad.body.contains("control=loud"), "{bad:?}");
    assert!(!sensor.said_in_part("older generations are freed"));
    assert_eq!(sensor.put_log("info,control=debug").status, 200);
    assert_eq!(sensor.get("/api/v1/log").json()["filter"], "info,control=debug");
    // Freeing a generation is told at the level `debug`.
    assert_eq!(sensor.put_rules(RULES).status, 200);
    wait_for("a line at debug", || {
        sensor.said_in_part("older generations are freed").then_some(())
    });
    sensor.stop_in_order();
}
