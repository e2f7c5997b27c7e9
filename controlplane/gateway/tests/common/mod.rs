//! Runs the binary as a user does.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use testkit::{Frame, write_pcap};

/// A run that takes longer has hung: the test fails.
const LIMIT: Duration = Duration::from_secs(60);

/// A directory of the test's own, with what it writes there.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path of `name` as an argument.
    pub(crate) fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.arg(name)
    }

    pub(crate) fn pcap(
        &self,
        name: &str,
        frames: impl IntoIterator<Item = impl Into<Frame>>,
    ) -> String {
        write_pcap(self.path(name), frames);
        self.arg(name)
    }
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary, with an environment that overrides nothing.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensor-gateway"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SENSOR_GATEWAY") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Ended {
    finish(command().args(args))
}

/// Runs `command` to its end; fails the test if it hangs.
pub(crate) fn finish(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (done, waited) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        output
    });
    if waited.recv_timeout(LIMIT).is_err() {
        signal(id, "KILL");
        let output = waiter.join().unwrap();
        panic!("still running after {LIMIT:?}: {:?}", Ended::from(output));
    }
    waiter.join().unwrap().into()
}

/// Sends a signal to a process that the test started.
pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().unwrap();
    assert!(sent.success());
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Waits until `probe` gives something; fails the test after [`LIMIT`].
pub(crate) fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "{what} did not come about within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The alerts of an EVE file as (sid, packet number).
pub(crate) fn eve_alerts(path: &Path) -> Vec<(u64, u64)> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line["event_type"] == "alert")
        .map(|line| {
            (line["alert"]["signature_id"].as_u64().unwrap(), line["pcap_cnt"].as_u64().unwrap())
        })
        .collect()
}
