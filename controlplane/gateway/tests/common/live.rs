//! A running sensor: its log, its API, and its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{command, signal, wait_for};

/// A sensor that runs until it is stopped.
pub(crate) struct Live {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// Where its API listens.
    pub(crate) api: String,
}

impl Live {
    /// Starts `run` with `sets`, and an API on a port of the system's choice; waits until it listens.
    pub(crate) fn start(sets: &[String], environment: &[(&str, String)]) -> Self {
        let mut command: Command = command();
        command.args(["run", "--set", "api.listen=127.0.0.1:0", "--set", "log.format=json"]);
        for set in sets {
            command.args(["--set", set]);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let written = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut live = Self { child, log, reader: Some(reader), api: String::new() };
        live.api = wait_for("the API", || {
            // Asked first: what was logged before the end is then read.
            let ended = live.child.try_wait().unwrap();
            if ended.is_some() {
                live.join_reader();
            }
            let address = live.log().lines().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                Some(line.get("address")?.as_str()?.to_owned())
            });
            assert!(address.is_some() || ended.is_none(), "ended at once: {}", live.log());
            address
        });
        live
    }

    /// Waits until all that it logged has been read; after its end.
    fn join_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Sends SIGTERM; the exit code and how long the end took.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        self.signal("TERM");
        let code = self.wait();
        (code, asked.elapsed())
    }

    /// Waits for its end; the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let status = wait_for("the end", || self.child.try_wait().unwrap());
        self.join_reader();
        status.code()
    }

    /// The answer to a request: status and body.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.api).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n",
            self.api
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        (status, body)
    }

    /// The ledgers as they ended, from the log of a sensor that has ended, in the form of the stats.
    pub(crate) fn final_ledgers(&self) -> Value {
        let ledgers = self.log().lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            serde_json::from_str(line.get("ledgers")?.as_str()?).ok()
        });
        let ledgers: Value = ledgers.unwrap_or_else(|| panic!("no ledgers: {}", self.log()));
        serde_json::json!({ "ledgers": ledgers })
    }

    /// `/api/v1/stats`.
    pub(crate) fn stats(&self) -> Value {
        let (status, body) = self.request("GET", "/api/v1/stats", "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It has ended already, where the test waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
