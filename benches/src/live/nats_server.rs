//! A NATS server of a benchmark's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// Longest wait until the server listens.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two looks whether it does.
const START_POLL: Duration = Duration::from_millis(10);

/// A server with JetStream in a file store of its own, on a port that it chose; it ends with its value.
pub struct NatsServer {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl NatsServer {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// The program is missing (the error says how to get it) or does not start.
    pub fn start() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let mut command = Command::new(program());
        command
            .args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"])
            .arg(folder.path().join("jetstream"))
            .arg("--ports_file_dir")
            .arg(folder.path());
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("nats-server is not installed: apt-get install nats-server, or `make setup`")
            }
            Err(error) => return Err(error).context("nats-server"),
        };
        match await_url(&mut child, folder.path()) {
            Ok(url) => Ok(Self { child, url, _folder: folder }),
            Err(error) => {
                // Whatever is wrong, it must not stay behind.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program: Debian puts it where only root looks.
fn program() -> PathBuf {
    let debian = Path::new("/usr/sbin/nats-server");
    if debian.is_file() { debian.to_owned() } else { "nats-server".into() }
}

/// Waits for the file in which the server says where it listens.
fn await_url(child: &mut Child, folder: &Path) -> anyhow::Result<String> {
    let started = Instant::now();
    while started.elapsed() < START_LIMIT {
        if let Some(status) = child.try_wait()? {
            bail!("nats-server ended with {status}");
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "ports")
                // Half a file is not JSON; the next look sees the rest.
                && let Ok(ports) = serde_json::from_slice::<serde_json::Value>(&fs::read(path)?)
                && let Some(url) = ports["nats"][0].as_str()
            {
                return Ok(url.to_owned());
            }
        }
        std::thread::sleep(START_POLL);
    }
    bail!("nats-server does not listen after {START_LIMIT:?}")
}
