//! Each case in a process of its own, since the DPDK environment starts once in a process.

#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    time::{Duration, Instant},
};

use capture::{Burst, Frame, PacketSource, Polled};
use capture_dpdk::{Device, Dpdk, DpdkConfig, DpdkSource, Memory};
use testkit::Packet;

/// The case that a child process is to run.
const CASE: &str = "SENSOR_DPDK_CASE";
/// The file prefix of a child process.
const PREFIX: &str = "SENSOR_DPDK_PREFIX";
/// The folder of a child process.
const FOLDER: &str = "SENSOR_DPDK_FOLDER";
/// Polls without a frame after which a source of files has no more.
const IDLE_POLLS: usize = 1_000;
/// How long frames may take that come over the kernel.
const LIVE: Duration = Duration::from_secs(20);
/// The user and group `nobody` of Debian.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// Runs `body` in a process of its own: this test, `name`, is executed again.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    alone_by(name, |_| Runner::Plain, body);
}

/// Who runs a case.
pub(crate) enum Runner {
    /// This user.
    Plain,
    /// The user `nobody`.
    Nobody,
    /// This user in a network namespace.
    Namespace(String),
    /// Nobody, for this reason.
    Skipped(&'static str),
}

/// As [`alone`]; `prepare`, given the case's folder, says who runs it.
pub(crate) fn alone_by(name: &str, prepare: impl FnOnce(&Path) -> Runner, body: impl FnOnce()) {
    if env::var(CASE).as_deref() == Ok(name) {
        return body();
    }
    let folder = tempfile::tempdir().unwrap();
    let runner = prepare(folder.path());
    let exe = env::current_exe().unwrap();
    let mut command = match &runner {
        Runner::Skipped(reason) => return println!("SKIPPED: {name}: {reason}"),
        Runner::Namespace(namespace) => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", namespace]).arg(exe);
            command
        }
        _ => Command::new(exe),
    };
    if matches!(runner, Runner::Nobody) {
        use std::os::unix::process::CommandExt;
        command.uid(NOBODY.0).gid(NOBODY.1);
        std::os::unix::fs::chown(folder.path(), Some(NOBODY.0), Some(NOBODY.1)).unwrap();
    }
    let prefix = format!("sensor-test-{}-{name}", process::id());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(CASE, name).env(PREFIX, &prefix).env(FOLDER, folder.path());
    command.env("XDG_RUNTIME_DIR", folder.path());
    let output = command.output().unwrap();
    let _ = fs::remove_dir_all(Path::new("/var/run/dpdk").join(&prefix));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "the case did not run:\n{stdout}\n{stderr}");
    print!("{stdout}");
}

/// The folder of the running case.
pub(crate) fn folder() -> PathBuf {
    env::var_os(FOLDER).unwrap().into()
}

/// A small configuration with virtual devices, without privileges.
pub(crate) fn config(devices: &[&str]) -> DpdkConfig {
    DpdkConfig {
        memory: Memory::NoHuge,
        memory_mb: 128,
        file_prefix: env::var(PREFIX).unwrap(),
        devices: devices.iter().map(|text| Device::Vdev((*text).to_owned())).collect(),
        mbufs: 4_095,
        ..DpdkConfig::default()
    }
}

/// A frame of `length` bytes, all derived from `seed`.
pub(crate) fn frame(length: usize, seed: u8) -> Vec<u8> {
    let payload: Vec<u8> = (0..length).map(|i| seed.wrapping_add(i as u8)).collect();
    let mut bytes = Packet::ethernet().payload(&payload).build();
    bytes.truncate(length);
    bytes
}

/// Writes a capture file into the case's folder and returns its path as text.
pub(crate) fn capture_file(name: &str, frames: &[Vec<u8>]) -> String {
    let path = folder().join(name);
    testkit::write_pcap(&path, frames.iter().cloned());
    path.to_str().unwrap().to_owned()
}

/// Polls until `count` frames came, or none for long.
pub(crate) fn receive(
    source: &mut DpdkSource,
    count: usize,
    mut each: impl FnMut(Option<Frame<'_>>),
) {
    let (mut received, mut idle) = (0, 0);
    while received < count {
        match source.poll(64).unwrap() {
            Polled::Burst(burst) => {
                idle = 0;
                received += burst.len();
                (0..burst.len()).for_each(|index| each(burst.frame(index)));
            }
            _ => idle += 1,
        }
        assert!(idle < IDLE_POLLS, "{received} of {count} frames came");
    }
    assert_eq!(received, count);
}

/// Polls until `enough` says so, for frames that come over the kernel.
pub(crate) fn receive_live(source: &mut DpdkSource, mut enough: impl FnMut(Frame<'_>) -> bool) {
    let end = Instant::now() + LIVE;
    while Instant::now() < end {
        if let Polled::Burst(burst) = source.poll(64).unwrap() {
            for frame in (0..burst.len()).filter_map(|index| burst.frame(index)) {
                if enough(frame) {
                    return;
                }
            }
        }
        std::thread::yield_now();
    }
    panic!("the frames did not come within {LIVE:?}");
}

/// Starts, or ends the test with the sentence.
pub(crate) fn start(config: &DpdkConfig, workers: u16) -> Dpdk {
    Dpdk::start(config, workers).unwrap_or_else(|error| panic!("{error}"))
}
