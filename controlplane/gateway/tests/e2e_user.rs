//! A sensor without privileges: the user `nobody`, ordinary pages, a capture file as the port.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use support::common::Scratch;
use support::scene::{RULES, Scene, file_device};
use support::sensor::{Setup, alerts};
use testkit::NatsServer;
use testkit::ledgers::assert_stats_balanced;

/// The user and group `nobody` of Debian.
const NOBODY: u32 = 65_534;

/// Whether the test runs as root, who alone may start a process as somebody else.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Gives the folder and what is in it to `nobody`.
fn give_away(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
}

#[test]
fn nobody_runs_a_sensor() {
    if !is_root() {
        println!("SKIPPED: only root can start a sensor as another user");
        return;
    }
    let Some(nats) = NatsServer::started() else { return };
    // The build's folder may be closed to others.
    let place = Scratch::new();
    let binary = place.path("sensor-gateway");
    std::fs::copy(env!("CARGO_BIN_EXE_sensor-gateway"), &binary).unwrap();
    give_away(&place.path(""));
    let scene = Scene::mixed();
    let setup = Setup::new("user", RULES)
        .device(|scratch| file_device(scratch, std::slice::from_ref(&scene.frames)))
        .nats(&nats)
        .with_eve();
    give_away(&setup.scratch.path(""));
    let mut command = Command::new(binary);
    command.uid(NOBODY).gid(NOBODY);
    let sensor = setup.start_by(command);
    let stats = sensor.at_rest(scene.frames.len() as u64);
    assert_stats_balanced(&stats);
    assert_eq!(alerts(&stats, "acknowledged"), scene.alerts.len() as u64);
    sensor.stop_in_order();
    let eve = std::fs::metadata(setup.scratch.path("eve.json")).unwrap();
    assert_eq!(eve.uid(), NOBODY);
}
