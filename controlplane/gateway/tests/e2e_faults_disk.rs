//! A disk that is full, and outputs that nobody reads: alerting goes on, and nothing waits for them.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use support::common::command;
use support::faults::{RULES, arrived, assert_all_arrived, boot, setup};
use support::scene::endless_device;
use support::sensor::{Setup, alerts, lost};
use testkit::NatsServer;

/// A command that runs the sensor in a mount namespace of its own, where `folder` is a small disk in memory;
/// `None`, and a line that says so, where that is not permitted.
fn on_small_disk(folder: &str) -> Option<Command> {
    let allowed = Command::new("unshare").args(["-m", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("SKIPPED: a mount namespace needs root");
        return None;
    }
    let sensor = command();
    let mut shell = Command::new("unshare");
    let script = format!("mount -t tmpfs -o size=3m tmpfs {folder} && exec \"$0\" \"$@\"");
    shell.args(["-m", "sh", "-c", &script]).arg(sensor.get_program());
    for (name, value) in sensor.get_envs() {
        if value.is_none() {
            shell.env_remove(name);
        }
    }
    Some(shell)
}

#[test]
fn a_full_disk_is_counted_and_alerting_goes_on() {
    let Some(mut nats) = NatsServer::started() else { return };
    nats.kill();
    let setup = setup("full-disk").nats(&nats);
    let spool = setup.scratch.arg("spool");
    std::fs::create_dir(&spool).unwrap();
    let Some(command) = on_small_disk(&spool) else { return };
    let sensor = setup.start_by(command);
    let boot = boot(&sensor);
    let stats = sensor.stats_when("a full disk", |stats| {
        stats["spool"]["state"] == "failing" && stats["spool"]["bypassed_alerts"] != 0
    });
    assert!(stats["spool"]["write_errors"].as_u64().unwrap() > 0, "{stats}");
    assert!(stats["spool"]["reason"].as_str().is_some(), "{stats}");
    // Neither a disk nor a server: nothing can leave, and the sensor says so.
    assert_eq!(sensor.get("/readyz").status, 503);
    nats.start();
    let before = alerts(&sensor.stats(), "acknowledged");
    sensor.stats_when("alerts go on", |stats| alerts(stats, "acknowledged") > before + 500);
    sensor.stats_when("the disk is free again", |stats| stats["spool"]["state"] == "ok");
    sensor.stats_when("the spool is sent", |stats| stats["spool"]["records_waiting"] == 0);
    let stopped = sensor.stop();
    assert_eq!(stopped.status.code(), Some(0));
    let last = stopped.last;
    let drops = lost(&last, "nats_down") + lost(&last, "lane_full") + lost(&last, "publish_failed");
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged") + drops, "{last}");
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}

#[test]
fn an_eve_file_that_nobody_reads_holds_nothing_up() {
    let Some(nats) = NatsServer::started() else { return };
    let setup = Setup::new("fifo", RULES).device(|scratch| endless_device(scratch, &["MARK"]));
    let fifo = setup.scratch.arg("eve.json");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Somebody who opens it and looks away: the pipe fills up, and the writer hangs.
    let _reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let setup = setup.nats(&nats).set(format!("eve.path={fifo}"));
    let sensor = setup.start();
    let boot = boot(&sensor);
    sensor.stats_when("a full EVE queue", |stats| stats["eve"]["queue_full"] != 0);
    sensor.more_alerts(1_000);
    let stopped = sensor.stop();
    let last = stopped.last;
    assert_eq!(alerts(&last, "raised"), alerts(&last, "acknowledged"), "{last}");
    assert_all_arrived(&last, arrived(&nats).get(&boot));
}
