//! `sensor-gateway run` on a test device, read over its API.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::process::{Process, Rate, Reading};
use super::{Conditions, Device};
use crate::workload::{MARKER_RULE, rules_text};

/// Longest wait until the API answers.
const START_LIMIT: Duration = Duration::from_secs(30);
/// What is not measured after the start: caches fill, the flow table meets its flows.
const SETTLING: Duration = Duration::from_secs(1);
const INSTALL: &str = "build it with `cargo build --release -p sensor-gateway`";

/// The binary and its rules.
#[derive(Clone, Debug)]
pub struct SensorBinary {
    program: PathBuf,
    folder: PathBuf,
}

/// What the sensor did, beside its rate.
#[derive(Clone, Copy, Debug)]
pub struct Inspected {
    /// The rate.
    pub rate: Rate,
    /// Share of the packets that went through detection.
    pub inspected: f64,
    /// Candidate rules per inspected packet.
    pub candidates: f64,
}

impl SensorBinary {
    /// The binary at `program`, with `rules` generated rules; its files are put into `folder`.
    ///
    /// # Errors
    /// The rules cannot be written.
    pub fn new(program: PathBuf, rules: usize, folder: &Path) -> anyhow::Result<Self> {
        // The last rule alerts on marked frames only, which most devices do not give.
        fs::write(folder.join("generated.rules"), rules_text(rules) + MARKER_RULE)?;
        Ok(Self { program, folder: folder.to_owned() })
    }

    /// Inspects what comes from `device` as long as `conditions` say.
    ///
    /// # Errors
    /// The sensor does not start, ends, or loses count of its packets.
    pub fn measure(&self, device: &Device, conditions: Conditions) -> anyhow::Result<Inspected> {
        let watched = self.watch(device, conditions, None)?;
        let (rx, inspected) = (watched.packets("rx")?, watched.packets("inspected")?);
        Ok(Inspected {
            rate: watched.later.since(&watched.earlier, rx)?,
            inspected: inspected as f64 / rx as f64,
            candidates: watched.after["candidates_per_packet"].as_f64().unwrap_or_default(),
        })
    }

    /// Runs it on `device`, publishing to the server at `nats` if there is one, and reads its statistics
    /// at the beginning and the end of the time that `conditions` say.
    pub(super) fn watch(
        &self,
        device: &Device,
        conditions: Conditions,
        nats: Option<&str>,
    ) -> anyhow::Result<Watched> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, testkit::free_port()));
        let config = self.folder.join("sensor.toml");
        let nats = nats.map(|url| format!("\n[nats]\nservers = [{url:?}]\n")).unwrap_or_default();
        fs::write(&config, self.config(device, conditions.cpu, listen) + &nats)?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Process::spawn(&mut command, INSTALL)?;
        await_api(&mut process, listen)?;
        std::thread::sleep(SETTLING);
        let (before, earlier) = (stats(listen)?, Reading::of(process.pid())?);
        std::thread::sleep(conditions.length);
        let (after, later) = (stats(listen)?, Reading::of(process.pid())?);
        process.terminate()?;
        Ok(Watched { before, after, earlier, later })
    }

    fn config(&self, device: &Device, cpu: usize, listen: SocketAddr) -> String {
        let Device { vdev, .. } = device;
        let (rules, prefix) = (self.folder.join("generated.rules"), std::process::id());
        format!(
            r#"[capture]
source = "dpdk"

[capture.dpdk]
devices = [{{ vdev = {vdev:?} }}]
memory = "no-huge"
file_prefix = "bench-sensor-{prefix}"

[workers]
cores = [{cpu}]

[rules]
files = [{rules:?}]

[api]
listen = "{listen}"

[log]
filter = "warn"
"#
        )
    }
}

/// A sensor's statistics and its threads' time at two moments.
pub(super) struct Watched {
    before: Value,
    pub(super) after: Value,
    earlier: Reading,
    later: Reading,
}

impl Watched {
    /// What a number of the packet ledger has risen by.
    pub(super) fn packets(&self, key: &str) -> anyhow::Result<u64> {
        self.risen("packets", key)
    }

    /// What a number of the alert ledger has risen by.
    pub(super) fn alerts(&self, key: &str) -> anyhow::Result<u64> {
        self.risen("alerts", key)
    }

    /// Seconds between the two moments.
    pub(super) fn seconds(&self) -> f64 {
        self.later.after(&self.earlier).as_secs_f64()
    }

    fn risen(&self, ledger: &str, key: &str) -> anyhow::Result<u64> {
        let now = count(&self.after, ledger, key)?;
        Ok(now.saturating_sub(count(&self.before, ledger, key)?))
    }
}

fn await_api(process: &mut Process, listen: SocketAddr) -> anyhow::Result<()> {
    let started = Instant::now();
    while stats(listen).is_err() {
        process.check("the sensor")?;
        ensure!(started.elapsed() < START_LIMIT, "the sensor's API does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The answer of `/api/v1/stats`.
fn stats(listen: SocketAddr) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(listen)?;
    stream.set_read_timeout(Some(START_LIMIT))?;
    write!(stream, "GET /api/v1/stats HTTP/1.0\r\nHost: {listen}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of headers")?;
    ensure!(head.split(' ').nth(1) == Some("200"), "{}", head.lines().next().unwrap_or_default());
    Ok(serde_json::from_str(body)?)
}

/// A number of a ledger, or the sum of an object of numbers.
fn count(stats: &Value, ledger: &str, key: &str) -> anyhow::Result<u64> {
    let number = match &stats["ledgers"][ledger][key] {
        Value::Object(numbers) => numbers.values().map(Value::as_u64).sum(),
        other => other.as_u64(),
    };
    number.with_context(|| format!("the statistics have no ledgers.{ledger}.{key}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::count;

    #[test]
    fn ledgers_are_read() {
        let stats = json!({"ledgers": {"alerts": {"raised": 9, "drops": {"a": 1, "b": 2}}}});
        assert_eq!(count(&stats, "alerts", "raised").unwrap(), 9);
        assert_eq!(count(&stats, "alerts", "drops").unwrap(), 3);
        let error = count(&stats, "packets", "rx").unwrap_err().to_string();
        assert!(error.contains("ledgers.packets.rx"), "{error}");
    }
}
