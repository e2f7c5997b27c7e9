//! The bounds that the soak runs in: a control group of its own, for this process and all that it starts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of memory, page cache included.
pub const MEMORY_BYTES: u64 = 4 << 30;
/// CPUs.
pub const CPUS: u64 = 2;
/// Period of the CPU quota, microseconds: the kernel's default.
const PERIOD_US: u64 = 100_000;
/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// Control groups that this process is in, until it leaves.
#[derive(Debug)]
pub struct Cage {
    /// Each with the one to go back to.
    groups: Vec<(PathBuf, PathBuf)>,
    /// File with the most memory that was used.
    peak: PathBuf,
}

impl Cage {
    /// Makes a control group (version 2, or `memory` and `cpu` of version 1) and moves this process into it.
    ///
    /// # Errors
    /// The system does not permit it.
    pub fn enter() -> io::Result<Self> {
        let root = Path::new(ROOT);
        let name = format!("sensor-soak-{}", std::process::id());
        let quota = CPUS * PERIOD_US;
        let memory = MEMORY_BYTES.to_string();
        if root.join("cgroup.controllers").exists() {
            fs::write(root.join("cgroup.subtree_control"), "+memory +cpu")?;
            let group = root.join(name);
            let mut cage = Self { groups: Vec::new(), peak: group.join("memory.peak") };
            let settings = [
                ("memory.max", memory),
                ("memory.swap.max", "0".to_owned()),
                ("cpu.max", format!("{quota} {PERIOD_US}")),
            ];
            cage.join(&group, root, &settings)?;
            return Ok(cage);
        }
        let group = |controller: &str| root.join(controller).join(&name);
        let (of_memory, of_cpu) = (group("memory"), group("cpu"));
        let mut cage =
            Self { groups: Vec::new(), peak: of_memory.join("memory.max_usage_in_bytes") };
        cage.join(&of_memory, &root.join("memory"), &[("memory.limit_in_bytes", memory)])?;
        let settings =
            [("cpu.cfs_period_us", PERIOD_US.to_string()), ("cpu.cfs_quota_us", quota.to_string())];
        cage.join(&of_cpu, &root.join("cpu"), &settings)?;
        Ok(cage)
    }

    fn join(&mut self, group: &Path, back: &Path, settings: &[(&str, String)]) -> io::Result<()> {
        fs::create_dir(group)?;
        self.groups.push((group.to_owned(), back.to_owned()));
        for (file, value) in settings {
            match fs::write(group.join(file), value) {
                // A kernel without swap accounting has no such file, and no swap to forbid.
                Err(error) if *file != "memory.swap.max" => return Err(error),
                _ => {}
            }
        }
        fs::write(group.join("cgroup.procs"), std::process::id().to_string())
    }

    /// Most bytes that the group has used, page cache included; `None` where the kernel does not tell.
    #[must_use]
    pub fn peak(&self) -> Option<u64> {
        fs::read_to_string(&self.peak).ok()?.trim().parse().ok()
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        for (group, back) in &self.groups {
            // What cannot be removed is an empty group, which binds nobody.
            let _ = fs::write(back.join("cgroup.procs"), std::process::id().to_string());
            let _ = fs::remove_dir(group);
        }
    }
}
