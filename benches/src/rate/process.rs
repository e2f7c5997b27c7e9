//! Child processes and the CPU time of their threads.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// Longest wait for a process to end after it was asked to.
const END_LIMIT: Duration = Duration::from_secs(10);

/// Packets, and what they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Packets received.
    pub packets: u64,
    /// CPU time of the thread that received them.
    pub cpu_ns: u64,
    /// Wall time.
    pub wall_ns: u64,
}

impl Rate {
    /// Nanoseconds of CPU time for a packet.
    #[must_use]
    pub fn ns_per_packet(&self) -> f64 {
        self.cpu_ns as f64 / self.packets.max(1) as f64
    }

    /// Million packets per second of CPU time.
    #[must_use]
    pub fn mpps(&self) -> f64 {
        1e3 / self.ns_per_packet()
    }
}

/// CPU time of every thread of a process at one moment.
pub(super) struct Reading {
    at: Instant,
    cpu_ns: BTreeMap<u32, u64>,
}

impl Reading {
    /// Reads the scheduler's account of each thread of process `pid`.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let mut cpu_ns = BTreeMap::new();
        let tasks = format!("/proc/{pid}/task");
        for entry in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
            let entry = entry?;
            // A thread may end between the two looks.
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let thread = entry.file_name().to_string_lossy().parse()?;
            let ran = text.split_whitespace().next().context("an empty schedstat")?;
            cpu_ns.insert(thread, ran.parse()?);
        }
        Ok(Self { at: Instant::now(), cpu_ns })
    }

    /// Time that has passed since `earlier`.
    pub(super) fn after(&self, earlier: &Self) -> Duration {
        self.at - earlier.at
    }

    /// What `packets` took since `earlier`: the CPU time of the thread that used most.
    pub(super) fn since(&self, earlier: &Self, packets: u64) -> anyhow::Result<Rate> {
        let used = self.cpu_ns.iter().map(|(thread, ns)| {
            ns - earlier.cpu_ns.get(thread).copied().unwrap_or_default().min(*ns)
        });
        let cpu_ns = used.max().unwrap_or_default();
        ensure!(packets > 0 && cpu_ns > 0, "no packets came, or no thread ran");
        let wall_ns = self.after(earlier).as_nanos() as u64;
        Ok(Rate { packets, cpu_ns, wall_ns })
    }
}

/// A child that does not outlive its value.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn spawn(command: &mut Command, install: &str) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("{program} does not start; {install}"));
        Ok(Self(child?))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Whether it still runs.
    pub(super) fn check(&mut self, what: &str) -> anyhow::Result<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{what} ended by itself, {status}"),
        }
    }

    /// Asks it to end, in order.
    pub(super) fn terminate(mut self) -> anyhow::Result<()> {
        let pid = self.pid().to_string();
        ensure!(Command::new("kill").args(["-TERM", &pid]).status()?.success(), "kill {pid}");
        let asked = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                ensure!(status.success(), "process {pid} ended with {status}");
                return Ok(());
            }
            ensure!(asked.elapsed() < END_LIMIT, "process {pid} does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Rate, Reading};

    #[test]
    fn the_busiest_thread_counts() {
        let at = Instant::now();
        let earlier = Reading { at, cpu_ns: [(1, 50), (2, 100)].into() };
        let later = Reading { at, cpu_ns: [(1, 60), (2, 2_100), (3, 900)].into() };
        let rate = later.since(&earlier, 100).unwrap();
        assert_eq!(rate, Rate { packets: 100, cpu_ns: 2_000, wall_ns: 0 });
        assert!((rate.mpps() - 50.0).abs() < 1e-9);
        assert!(later.since(&earlier, 0).is_err());
    }

    #[test]
    fn this_process_has_threads() {
        let reading = Reading::of(std::process::id()).unwrap();
        assert!(!reading.cpu_ns.is_empty());
    }
}
