//! A disk that is full or read-only, and outputs that nobody reads: alerting goes on, and nothing waits for
//! them.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use support::common::command;
use support::faults::{RULES, arrived, assert_all_arrived, boot, drained, setup, spooled};
use support::scene::endless_device;
use support::sensor::{Sensor, Setup, alerts, lost};
use testkit::NatsServer;

/// A command that runs the sensor in a mount namespace of its own, where `folder` is a disk in memory of `size`
/// (as of mount); `None`, and a line that says so, where that is not permitted.
fn on_small_disk(folder: &str, size: &str) -> Option<Command> {
    let allowed = Command::new("unshare").args(["-m", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("SKIPPED: a mount namespace needs root");
        return None;
    }
    let sensor = command();
    let mut shell = Command::new("unshare");
    let script = format!("mount -t tmpfs -o size={size} tmpfs {folder} && exec \"$0\" \"$@\"");
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
    let Some(command) = on_small_disk(&spool, "3m") else { return };
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

/// Runs `mount` with `options` on `folder`, as `sensor` sees it.
fn mount(sensor: &Sensor, options: &[&str], folder: &str) {
    let mut command = Command::new("nsenter");
    command.args(["-t", &sensor.pid().to_string(), "-m", "mount"]).args(options).arg(folder);
    assert!(command.status().unwrap().success(), "mount {options:?} {folder}");
}

/// The disk is mounted over itself, so that it can be made read-only while a file is open: no file can be
/// made, opened for writing or removed any more; the segment that was open is written to its end.
#[test]
fn a_read_only_disk_is_told_and_counted_and_used_again_when_it_is_writable() {
    let Some(mut nats) = NatsServer::started() else { return };
    nats.kill();
    let setup = setup("read-only").nats(&nats).set("spool.segment_bytes=1048576");
    let spool = setup.scratch.arg("spool");
    std::fs::create_dir(&spool).unwrap();
    let Some(command) = on_small_disk(&spool, "256m") else { return };
    let sensor = setup.start_by(command);
    let boot = boot(&sensor);
    spooled(&sensor, 500);
    mount(&sensor, &["--bind", &spool], &spool);
    mount(&sensor, &["-o", "remount,bind,ro"], &spool);
    let stats = sensor.stats_when("a read-only disk", |stats| {
        stats["spool"]["state"] == "failing" && lost(stats, "nats_down") > 0
    });
    assert!(stats["spool"]["reason"].to_string().contains("Read-only file system"), "{stats}");
    assert!(sensor.said_in_part("the spool cannot be written; alerts go to NATS without it"));
    // Neither a disk nor a server: nothing can leave, and the sensor says so.
    assert_eq!(sensor.get("/readyz").status, 503);

    nats.start();
    let stats = sensor.stats_when("what waits on the disk is sent, and what comes too", |stats| {
        stats["spool"]["records_waiting"] == 0
            && stats["ledgers"]["alerts"]["acknowledged"].as_u64() > Some(1_000)
            && stats["nats"]["ready"] == true
    });
    assert_eq!(stats["spool"]["state"], "failing", "{stats}");
    let bypassed = stats["spool"]["bypassed_alerts"].as_u64().unwrap();
    assert!(bypassed >= lost(&stats, "nats_down"), "{stats}");
    let ready = sensor.get("/readyz");
    assert_eq!(ready.status, 200, "{ready:?}");
    assert!(ready.body.contains("the spool cannot be written: Read-only file system"), "{ready:?}");
    sensor.more_alerts(500);

    mount(&sensor, &["-o", "remount,bind,rw"], &spool);
    sensor.stats_when("the disk is used again", |stats| stats["spool"]["state"] == "ok");
    // What could not be removed meanwhile is, so that the next start does not send it again.
    sensor.stats_when("the files go", |stats| stats["spool"]["segments"].as_u64() <= Some(2));
    drained(&sensor);
    let last = sensor.stop_in_order();
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
