//! The environment abstraction layer (EAL): started once, in a thread of its own.

use std::{
    ffi::{CString, c_char},
    fs, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use dpdk_sys::{rte_dev_probe, rte_eal_cleanup, rte_eal_init};

use crate::{
    error::{Error, check},
    info::PortInfo,
    log,
    thread::Registrar,
};

/// Whether EAL has been started in this process: a second start fails in DPDK, also after a clean-up.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Held by everything that needs DPDK's memory; EAL is cleaned up only when nobody holds it.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// Threads that are registered with EAL and so have mempool caches.
    pub(crate) workers: AtomicUsize,
    /// Ports that have been opened; an id is not used again in a process.
    opened: Mutex<Vec<u16>>,
}

impl Lease {
    /// Marks port `id` as opened.
    pub(crate) fn open(&self, id: u16) -> Result<(), Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.contains(&id) {
            return Err(Error::PortOpen(id));
        }
        opened.push(id);
        Ok(())
    }
}

/// The running environment.
///
/// `rte_eal_init` pins its thread, and every thread made from it inherits that. Therefore it runs in a
/// thread of its own, the main lcore, whose CPU set is that of the caller: nothing is pinned. Workers
/// are the caller's threads, registered with [`Registrar::register`].
#[derive(Debug)]
pub struct Eal {
    lease: Arc<Lease>,
    stop: Sender<()>,
    thread: Option<JoinHandle<i32>>,
}

impl Eal {
    /// Starts EAL with `arguments` (without program name, core list and log level, which are set here)
    /// and sends its log, errors only, to `log`, which may be called from any thread.
    ///
    /// # Errors
    /// [`Error::AlreadyStarted`] on the second start in a process, [`Error::Call`] when `rte_eal_init`
    /// fails, [`Error::Thread`] when there is no thread or no CPU for it.
    pub fn start(arguments: &[String], log: fn(&str)) -> Result<Self, Error> {
        let arguments = command_line(arguments)?;
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(Error::AlreadyStarted);
        }
        log::begin();
        log::redirect(log);
        let (started, result) = mpsc::channel();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("eal-main".to_owned())
            .spawn(move || main_lcore(arguments, &started, &stopped))?;
        match result.recv() {
            Ok(Ok(())) => Ok(Self { lease: Arc::default(), stop, thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Thread(io::Error::other("it ended during its start"))),
        }
    }

    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Registers worker threads; may be cloned and sent.
    #[must_use]
    pub fn registrar(&self) -> Registrar {
        Registrar::new(Arc::clone(&self.lease))
    }

    /// Adds a device, named as for EAL's `--vdev`: `net_pcap0,rx_pcap=a.pcap`.
    ///
    /// Unlike a `--vdev` argument, a failure can be told apart from that of another device.
    ///
    /// # Errors
    /// [`Error::Call`] when no driver is found or the driver refuses the device.
    pub fn probe(&self, device: &str) -> Result<(), Error> {
        let text = c_string(device)?;
        log::begin();
        // SAFETY: EAL runs (`self`), and DPDK copies the text.
        let result = unsafe { rte_dev_probe(text.as_ptr()) };
        check("rte_dev_probe", device, result)
    }

    /// The ports that exist now, in the order of their numbers.
    ///
    /// # Errors
    /// [`Error::Call`] when a driver does not tell what its port can do.
    pub fn ports(&self) -> Result<Vec<PortInfo>, Error> {
        PortInfo::all()
    }

    /// Ends EAL.
    ///
    /// # Errors
    /// [`Error::InUse`] when a port, pool, queue, mbuf or registered thread still needs it; EAL is then
    /// left to the end of the process. [`Error::Call`] when `rte_eal_cleanup` fails.
    pub fn cleanup(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        // `get_mut` sees every drop of another lease before it returns `Some`.
        if Arc::get_mut(&mut self.lease).is_none() {
            let users = "ports, pools, queues or registered threads".to_owned();
            return Err(Error::InUse { object: "the DPDK environment".to_owned(), users });
        }
        log::begin();
        let ended = self.stop.send(()).is_ok();
        let result = thread.join().unwrap_or(-1);
        if ended { check("rte_eal_cleanup", "the DPDK environment", result) } else { Ok(()) }
    }
}

impl Drop for Eal {
    fn drop(&mut self) {
        // What is in use is kept, which is all that can be done here.
        let _ = self.end();
    }
}

/// The life of EAL's main thread: start, wait, clean up.
fn main_lcore(
    arguments: Vec<CString>,
    started: &Sender<Result<(), Error>>,
    stopped: &Receiver<()>,
) -> i32 {
    // EAL keeps pointers into its arguments for the life of the process: they are leaked.
    let mut argv: Vec<*mut c_char> = arguments.into_iter().map(CString::into_raw).collect();
    let argc = i32::try_from(argv.len()).unwrap_or(i32::MAX);
    argv.push(std::ptr::null_mut());
    // SAFETY: `argv` has `argc` strings and a closing NULL, and lives for ever.
    let result = unsafe { rte_eal_init(argc, argv.leak().as_mut_ptr()) };
    if result < 0 {
        let _ = started.send(Err(Error::from_errno("rte_eal_init", "the DPDK environment")));
        return result;
    }
    let _ = started.send(Ok(()));
    match stopped.recv() {
        // SAFETY: EAL runs, and nobody holds a lease any more.
        Ok(()) => unsafe { rte_eal_cleanup() },
        // The owner went away while something was in use.
        Err(_) => 0,
    }
}

/// EAL's arguments: the main lcore may use the CPUs that this thread may use, so that it is not pinned.
fn command_line(arguments: &[String]) -> Result<Vec<CString>, Error> {
    let cores = format!("0@({})", allowed_cpus()?);
    let own = ["sensor", "--lcores", &cores, "--log-level=error"];
    own.into_iter().chain(arguments.iter().map(String::as_str)).map(c_string).collect()
}

/// The CPUs of this thread as the kernel lists them, such as `0-3,8`.
fn allowed_cpus() -> io::Result<String> {
    let status = fs::read_to_string("/proc/thread-self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .map(|list| list.trim().to_owned())
        .ok_or_else(|| io::Error::other("the kernel does not list the CPUs of this thread"))
}

pub(crate) fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::Nul(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Eal, command_line};
    use crate::Error;

    #[test]
    fn the_main_lcore_may_use_every_cpu() {
        let words = command_line(&["--no-huge".to_owned()]).unwrap();
        let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        let ["sensor", "--lcores", cores, "--log-level=error", "--no-huge"] = words[..] else {
            panic!("{words:?}")
        };
        assert!(cores.starts_with("0@(") && cores.ends_with(')') && cores.len() > 4, "{cores}");
    }

    #[test]
    fn a_nul_byte_is_refused_before_the_start() {
        let result = Eal::start(&["a\0b".to_owned()], |_| {});
        assert!(matches!(result, Err(Error::Nul(_))), "{result:?}");
    }
}
