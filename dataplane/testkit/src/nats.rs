//! A NATS server of a test's or a benchmark's own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_port;

/// Longest wait until a server listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks whether it does.
const START_POLL: Duration = Duration::from_millis(5);

/// A place for a server: its port and its JetStream store, which outlive the server. Both end with the
/// value, and so does the server.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    jetstream: bool,
    /// Port of its monitoring.
    monitor: Option<u16>,
    child: Option<Child>,
}

impl NatsServer {
    /// A place without a server; `None`, and a line that says so, where nats-server is not installed.
    #[must_use]
    pub fn absent() -> Option<Self> {
        let Some(program) = program() else {
            println!("SKIPPED: nats-server is not installed (apt-get install nats-server)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder for nats-server");
        let port = free_port();
        Some(Self { program, folder, port, jetstream: true, monitor: None, child: None })
    }

    /// A place with a server that listens.
    #[must_use]
    pub fn started() -> Option<Self> {
        let mut server = Self::absent()?;
        server.start();
        Some(server)
    }

    /// A place with a server that listens and has no JetStream.
    #[must_use]
    pub fn started_without_jetstream() -> Option<Self> {
        let mut server = Self::absent()?;
        server.jetstream = false;
        server.start();
        Some(server)
    }

    /// The server has these settings from its next start on, in the words of its configuration file.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn configure(&mut self, settings: &str) {
        std::fs::write(self.configuration(), settings)
            .expect("the server's configuration is written");
    }

    /// The server shows its monitoring from its next start on; its address.
    pub fn monitor(&mut self) -> String {
        let port = *self.monitor.get_or_insert_with(free_port);
        format!("http://127.0.0.1:{port}")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("server.conf")
    }

    /// Starts the server, with what an earlier one has stored here, and waits until it listens.
    ///
    /// # Panics
    /// If one runs already, or the server does not start.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "nats-server runs already");
        let mut command = Command::new(&self.program);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string()]);
        command.arg("--ports_file_dir").arg(self.folder.path());
        if self.configuration().exists() {
            command.arg("--config").arg(self.configuration());
        }
        if let Some(port) = self.monitor {
            command.args(["--http_port", &port.to_string()]);
        }
        if self.jetstream {
            command.args(["--jetstream", "--store_dir"]).arg(self.folder.path().join("jetstream"));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = self.child.insert(child.expect("nats-server starts"));
        // Written once it listens. A connection would not tell whether it is this server that does.
        let ports = self.folder.path().join(format!("nats-server_{}.ports", child.id()));
        let start = Instant::now();
        while !ports.exists() {
            if let Some(status) = child.try_wait().expect("the state of nats-server") {
                panic!("nats-server on port {} ended with {status}", self.port);
            }
            assert!(start.elapsed() < START_LIMIT, "nats-server: not within {START_LIMIT:?}");
            std::thread::sleep(START_POLL);
        }
    }

    /// Its address, whether or not it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port, whether or not it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Throws away what it has stored; it does not run.
    ///
    /// # Panics
    /// If it runs, or its files cannot be removed.
    pub fn lose_everything(&mut self) {
        assert!(self.child.is_none(), "nats-server runs");
        let store = self.folder.path().join("jetstream");
        std::fs::remove_dir_all(store).expect("the server's files are removed");
    }

    /// Stops it without ending it: its connections stay, and nothing answers.
    ///
    /// # Panics
    /// If it does not run.
    pub fn freeze(&self) {
        let pid = self.signal("-STOP");
        // The signal takes a moment to reach every thread.
        let start = Instant::now();
        while !is_stopped(&pid) {
            assert!(start.elapsed() < START_LIMIT, "nats-server goes on after SIGSTOP");
            std::thread::sleep(START_POLL);
        }
    }

    /// Lets a server go on that was stopped by [`NatsServer::freeze`].
    ///
    /// # Panics
    /// If it does not run.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends it a signal; its process id.
    fn signal(&self, signal: &str) -> String {
        let pid = self.child.as_ref().expect("a server that runs").id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {pid}");
        pid
    }

    /// Kills it, as a crash would; nothing happens where none runs.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("nats-server is killed");
            child.wait().expect("nats-server has ended");
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether every thread of process `pid` is stopped: the state behind the name is `T` (proc(5)).
fn is_stopped(pid: &str) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the server's threads");
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
    })
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has it where only root looks.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nats-server")).find(|file| file.is_file())
}
