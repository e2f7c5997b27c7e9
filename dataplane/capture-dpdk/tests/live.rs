//! What needs privileges: frames over the kernel, and hugepages. Each puts back what it changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use capture_dpdk::{Dpdk, DpdkConfig, Memory};
use common::{Runner, alone_by, capture_file, config, folder, frame, receive, receive_live, start};

/// The kernel's number of reserved hugepages.
const HUGEPAGES: &str = "/proc/sys/vm/nr_hugepages";
/// Pages of 2 MiB that the test of hugepages needs.
const PAGES: usize = 64;

/// Lets one test at a time change the number of hugepages.
static TURN: Mutex<()> = Mutex::new(());

/// Hugepages that are reserved as long as this lives.
struct Reserved {
    before: String,
    _turn: MutexGuard<'static, ()>,
}

impl Reserved {
    /// `None` when this user may not reserve, or the kernel has no memory for it.
    fn new() -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fs::read_to_string(HUGEPAGES).ok()?;
        let wanted = before.trim().parse::<usize>().ok()? + PAGES;
        fs::write(HUGEPAGES, wanted.to_string()).ok()?;
        let reserved = Self { before, _turn: turn };
        let after = fs::read_to_string(HUGEPAGES).ok()?;
        (after.trim().parse() == Ok(wanted)).then_some(reserved)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        fs::write(HUGEPAGES, self.before.trim()).unwrap();
    }
}

/// A folder with hugetlbfs as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: PathBuf) -> Option<Self> {
        fs::create_dir(&folder).ok()?;
        let mounted = run(Command::new("mount").args(["-t", "hugetlbfs", "none"]).arg(&folder));
        mounted.then_some(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run(Command::new("umount").arg(&self.0));
    }
}

/// Receives a short and a long frame with memory from hugepages.
fn receive_with(memory: Memory) {
    let path = capture_file("a.pcap", &[frame(60, 1), frame(9000, 2)]);
    let config = DpdkConfig {
        memory,
        memory_mb: PAGES as u32 * 2,
        ..config(&[&format!("net_pcap0,rx_pcap={path}")])
    };
    let mut dpdk = start(&config, 1);
    let mut source = dpdk.take_source(0).unwrap();
    let mut seed = 0;
    receive(&mut source, 2, |shown| {
        seed += 1;
        assert_eq!(shown.unwrap().bytes, frame(if seed == 1 { 60 } else { 9000 }, seed));
    });
    drop(source);
    dpdk.shutdown().unwrap();
}

#[test]
fn memory_from_hugepages() {
    let mut reserved = None;
    let prepare = |_: &Path| {
        reserved = Reserved::new();
        match &reserved {
            Some(_) => Runner::Plain,
            None => Runner::Skipped("hugepages cannot be reserved"),
        }
    };
    alone_by("memory_from_hugepages", prepare, || receive_with(Memory::InMemory));
}

#[test]
fn memory_from_a_mounted_folder() {
    let mut reserved = None;
    let mut mounted = None;
    let prepare = |folder: &Path| {
        reserved = Reserved::new();
        mounted = reserved.as_ref().and_then(|_| Mounted::new(folder.join("huge")));
        match &mounted {
            Some(_) => Runner::Plain,
            None => Runner::Skipped("hugepages cannot be reserved or mounted"),
        }
    };
    alone_by("memory_from_a_mounted_folder", prepare, || {
        receive_with(Memory::HugeDir(folder().join("huge")));
    });
}

#[test]
fn a_folder_without_hugepages() {
    let mut reserved = None;
    let prepare = |_: &Path| {
        reserved = Reserved::new();
        match &reserved {
            Some(_) => Runner::Plain,
            None => Runner::Skipped("hugepages cannot be reserved"),
        }
    };
    alone_by("a_folder_without_hugepages", prepare, || {
        let config = DpdkConfig {
            memory: Memory::HugeDir(folder()),
            memory_mb: PAGES as u32 * 2,
            ..config(&["net_null0"])
        };
        let sentence = Dpdk::start(&config, 1).map(drop).unwrap_err().to_string();
        assert!(sentence.contains("mount -t hugetlbfs"), "{sentence}");
        println!("{sentence}");
    });
}

/// A network namespace with the pair of interfaces `v0` and `v1`, as long as this lives.
struct Namespace(String);

impl Namespace {
    /// `None` when this user may not make one.
    fn new() -> Option<Self> {
        let name = format!("sensor-test-{}", process::id());
        run(Command::new("ip").args(["netns", "add", &name])).then_some(())?;
        let namespace = Self(name.clone());
        let ip = |arguments: &str| {
            run(Command::new("ip").args(["-n", &name]).args(arguments.split(' ')))
        };
        (ip("link add v0 type veth peer name v1") && ip("link set v0 up") && ip("link set v1 up"))
            .then_some(namespace)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(Command::new("ip").args(["netns", "del", &self.0]));
    }
}

/// Whether the command ran and succeeded.
fn run(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|end| end.success())
}

#[test]
fn frames_from_an_interface() {
    let mut namespace = None;
    let prepare = |_: &Path| {
        if !run(Command::new("tcpreplay").arg("--version")) {
            return Runner::Skipped("tcpreplay is not installed");
        }
        namespace = Namespace::new();
        match &namespace {
            Some(namespace) => Runner::Namespace(namespace.0.clone()),
            None => Runner::Skipped("network namespaces cannot be made"),
        }
    };
    alone_by("frames_from_an_interface", prepare, || {
        let sent: Vec<_> = (0..100).map(|seed| frame(100, seed)).collect();
        let path = capture_file("sent.pcap", &sent);
        let mut dpdk = start(&config(&["net_af_packet0,iface=v0"]), 1);
        let mut source = dpdk.take_source(0).unwrap();
        assert!(run(Command::new("tcpreplay").args(["-i", "v1", "--topspeed", &path])));
        // The kernel sends frames of its own; only ours count.
        let mut next = 0;
        receive_live(&mut source, |shown| {
            if sent.get(next).is_some_and(|frame| shown.bytes == frame.as_slice()) {
                next += 1;
            }
            next == sent.len()
        });
        let [port] = dpdk.port_stats().unwrap().try_into().unwrap();
        assert!(port.stats.link_up && port.stats.ipackets >= 100, "{port:?}");
        drop(source);
        dpdk.shutdown().unwrap();
    });
}
