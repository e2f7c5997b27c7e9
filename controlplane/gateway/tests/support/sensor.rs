//! The sensor as a process: started from a configuration file, asked over its API, and ended by signals.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::ledgers::assert_stats_balanced;

use super::common::{Scratch, command, signal, wait_for};
use super::http::{Response, get_bytes, request};
use testkit::NatsServer;

/// Longest time from SIGTERM to the end.
pub const STOP_MAX: Duration = Duration::from_secs(5);

/// A configuration and its folder; starts as many sensors as are asked for, one after another.
pub struct Setup {
    pub scratch: Scratch,
    prefix: String,
    device: String,
    workers: u16,
    nats: Option<String>,
    settings: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// A sensor with `rules`, no device and no outputs. `name` is unique in the test binary.
    pub fn new(name: &str, rules: &str) -> Self {
        let scratch = Scratch::new();
        scratch.write("sensor.rules", rules);
        Self {
            scratch,
            prefix: format!("sensor-e2e-{}-{name}", std::process::id()),
            device: String::new(),
            workers: 1,
            nats: None,
            settings: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The device, made from the test's folder.
    pub fn device(mut self, device: impl FnOnce(&Scratch) -> String) -> Self {
        self.device = device(&self.scratch);
        self
    }

    pub fn workers(mut self, workers: u16) -> Self {
        self.workers = workers;
        self
    }

    pub fn nats(mut self, nats: &NatsServer) -> Self {
        self.nats = Some(nats.url());
        self
    }

    /// The same by an address, as of a proxy before the server.
    pub fn nats_at(mut self, url: impl Into<String>) -> Self {
        self.nats = Some(url.into());
        self
    }

    /// A setting as for `--set`.
    pub fn set(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// A variable of the process's environment.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The EVE file, for [`Setup::set`].
    pub fn with_eve(self) -> Self {
        let path = self.scratch.arg("eve.json");
        self.set(format!("eve.path={path}"))
    }

    fn write_config(&self) -> String {
        let Self { prefix, device, workers, .. } = self;
        let rules = self.scratch.arg("sensor.rules");
        let servers = self.nats.iter().map(|url| format!("{url:?}")).collect::<String>();
        let text = format!(
            r#"
[capture.dpdk]
memory = "no-huge"
memory_mb = 256
file_prefix = {prefix:?}
devices = [{{ vdev = {device:?} }}]
[workers]
count = {workers}
[rules]
files = [{rules:?}]
[rules.store]
confirm_timeout_ms = 1000
[nats]
servers = [{servers}]
reconnect_max_ms = 200
[api]
listen = "127.0.0.1:0"
allow_unauthenticated_loopback = true
[profiling]
listen = "127.0.0.1:0"
[log]
format = "json"
"#
        );
        self.scratch.write("sensor.toml", text)
    }

    /// Starts a sensor, and waits until its API listens.
    pub fn start(&self) -> Sensor {
        self.start_by(command())
    }

    /// As [`Setup::start`], by a command that ends with the name of the binary.
    pub fn start_by(&self, mut command: Command) -> Sensor {
        command.args(["run", "-c", &self.write_config()]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // Where EAL keeps its files for users other than root.
        command.env("XDG_RUNTIME_DIR", self.scratch.path(""));
        Sensor::start(command)
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // There is none for users other than root.
        let _ = std::fs::remove_dir_all(Path::new("/var/run/dpdk").join(&self.prefix));
    }
}

/// Lines of a log: JSON objects, or what is not JSON as a string.
type Log = Arc<Mutex<Vec<Value>>>;

/// A running sensor. It is killed when it is dropped.
pub struct Sensor {
    child: Child,
    log: Log,
    reader: Option<JoinHandle<()>>,
    api: SocketAddr,
}

/// A client of a sensor's API.
#[derive(Clone, Copy)]
pub struct Client(SocketAddr);

impl Client {
    pub fn put_rules(self, text: &str) -> Response {
        request(self.0, "PUT", "/api/v1/rules", text)
    }
}

/// How a sensor ended.
pub struct Stopped {
    pub status: ExitStatus,
    /// From the signal to the end.
    pub took: Duration,
    /// Warnings and errors since it was told to stop.
    pub warned: Vec<String>,
    /// The ledgers of its last log line, under `ledgers` as in the stats.
    pub last: Value,
}

impl Sensor {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let (lines, target) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in lines.lines() {
                let line = line.unwrap();
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                target.lock().unwrap().push(value);
            }
        });
        // The address is set below, before anybody can ask.
        let api = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut sensor = Self { child, log, reader: Some(reader), api };
        sensor.api = wait_for("the API", || {
            // Asked first: a sensor that has ended has said all that it will say.
            let ended = sensor.child.try_wait().unwrap();
            if ended.is_some() {
                sensor.read_to_end();
            }
            let said = sensor.said("API");
            assert!(said.is_some() || ended.is_none(), "it ended: {ended:?}: {:#?}", sensor.log);
            said?["address"].as_str()?.parse().ok()
        });
        sensor
    }

    /// Waits until all that it logged has been read; it has ended.
    fn read_to_end(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// The latest log line with `message`.
    pub fn said(&self, message: &str) -> Option<Value> {
        let log = self.log.lock().unwrap();
        log.iter().rev().find(|line| line["message"] == message).cloned()
    }

    /// Whether it has logged a message that contains `part`.
    pub fn said_in_part(&self, part: &str) -> bool {
        let log = self.log.lock().unwrap();
        log.iter().any(|line| line["message"].as_str().is_some_and(|said| said.contains(part)))
    }

    /// A client of its API that does not need the sensor itself.
    pub fn client(&self) -> Client {
        Client(self.api)
    }

    pub fn get(&self, path: &str) -> Response {
        request(self.api, "GET", path, "")
    }

    /// Sets the levels of its log.
    pub fn put_log(&self, filter: &str) -> Response {
        request(self.api, "PUT", "/api/v1/log", filter)
    }

    /// Asks where profiles are; the status and the body.
    pub fn profile(&self, path: &str) -> (u16, Vec<u8>) {
        let address = self.said("profiles").expect("profiles are on")["address"].clone();
        get_bytes(address.as_str().unwrap().parse().unwrap(), path)
    }

    pub fn post(&self, path: &str) -> Response {
        request(self.api, "POST", path, "")
    }

    pub fn put_rules(&self, text: &str) -> Response {
        self.client().put_rules(text)
    }

    pub fn stats(&self) -> Value {
        let response = self.get("/api/v1/stats");
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    /// The stats, once they are as `wanted`.
    pub fn stats_when(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || Some(self.stats()).filter(&wanted))
    }

    /// Waits until as many further alerts were acknowledged as `more`.
    pub fn more_alerts(&self, more: u64) {
        let before = alerts(&self.stats(), "raised");
        self.stats_when("alerts", |stats| alerts(stats, "acknowledged") >= before + more);
    }

    /// The stats once the sensor has received `rx` packets and rests.
    pub fn at_rest(&self, rx: u64) -> Value {
        self.rests_when(|stats| packets(stats, "rx") == rx)
    }

    /// The stats once the sensor rests and `wanted` says that it may: between two looks every worker has
    /// polled for nothing, and the ledgers have not moved.
    pub fn rests_when(&self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let mut before = self.stats();
        wait_for("rest", || {
            let now = self.stats();
            let rests = packets(&now, "in_flight") == 0
                && alerts(&now, "in_flight") == 0
                && before["ledgers"] == now["ledgers"]
                && workers_idled(&before, &now)
                && wanted(&now);
            before = now;
            rests.then(|| before.clone())
        })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(self) -> Stopped {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended.
    pub fn wait(mut self) -> Stopped {
        let begun = Instant::now();
        let status = wait_for("the end", || self.child.try_wait().unwrap());
        let took = begun.elapsed();
        self.read_to_end();
        let last = self.said("control plane ended").expect("the last ledgers");
        let ledgers: Value = serde_json::from_str(last["ledgers"].as_str().unwrap()).unwrap();
        let warned = self.warned_since("stopping");
        Stopped { status, took, warned, last: json!({ "ledgers": ledgers }) }
    }

    /// Messages of warnings and errors after the latest log line with `message`.
    fn warned_since(&self, message: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let since = log.iter().rev().take_while(|line| line["message"] != message);
        let warnings = since.filter(|line| line["level"] == "WARN" || line["level"] == "ERROR");
        warnings.map(|line| line["message"].to_string()).collect()
    }

    /// Sends SIGTERM, and asserts that the end is in time, in order, and balanced; the last ledgers.
    #[track_caller]
    pub fn stop_in_order(self) -> Value {
        let stopped = self.stop();
        assert_eq!(stopped.status.code(), Some(0));
        assert!(stopped.took < STOP_MAX, "{:?}", stopped.took);
        assert_stats_balanced(&stopped.last);
        assert!(stopped.warned.is_empty(), "warnings at the end: {:?}", stopped.warned);
        stopped.last
    }

    /// Sends SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Whether every worker has polled for nothing between two looks.
fn workers_idled(before: &Value, now: &Value) -> bool {
    let polls = |stats: &Value| -> Vec<u64> {
        let workers = stats["workers"].as_array().unwrap().iter();
        workers.map(|worker| worker["counters"]["idle_polls"].as_u64().unwrap()).collect()
    };
    polls(before).iter().zip(polls(now)).all(|(before, now)| *before < now)
}

/// A term of the packet ledger.
pub fn packets(stats: &Value, term: &str) -> u64 {
    stats["ledgers"]["packets"][term].as_u64().unwrap()
}

/// A term of the alert ledger.
pub fn alerts(stats: &Value, term: &str) -> u64 {
    stats["ledgers"]["alerts"][term].as_u64().unwrap()
}

/// Alerts lost for `cause`.
pub fn lost(stats: &Value, cause: &str) -> u64 {
    stats["ledgers"]["alerts"]["drops"][cause].as_u64().unwrap()
}
