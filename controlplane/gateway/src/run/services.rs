//! The control plane's side of `run`: its runtime on the CPUs that workers leave, and its start.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use contract::crash;
use control::stats::PortStats;
use control::{
    Control, Parts, SensorIdentity, SpoolDirectory, StartError, WorkerLink, wall_ns_now,
};
use ring::Page;
use tokio::runtime::Runtime;

use super::{FIRST_GENERATION, Sensor};
use crate::exit::{Exit, Failure};
use crate::run::cores::Cores;

/// Most threads of the runtime; the control plane waits more than it works.
const THREADS_MAX: usize = 4;

/// A runtime on the control plane's CPUs. The calling thread, and with it the threads that it starts from
/// now on, is kept there too.
pub(super) fn runtime(cores: &Cores) -> Result<Runtime, Failure> {
    if let Some(first) = cores.control.first() {
        // Without it the system decides; the workers are pinned all the same.
        let _ = core_affinity::set_for_current(*first);
    }
    let (cpus, next) = (cores.control.clone(), AtomicUsize::new(0));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cpus.len().clamp(1, THREADS_MAX))
        .thread_name("control")
        .enable_all()
        .on_thread_start(move || {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if let Some(core) = cpus.get(turn % cpus.len().max(1)) {
                // As above.
                let _ = core_affinity::set_for_current(*core);
            }
        })
        .build()
        .map_err(|error| Failure::new(Exit::Runtime, format!("tokio runtime: {error}")))
}

/// Name of this start of the process, unlike that of any other.
pub(super) fn boot() -> String {
    format!("{:x}-{:x}", wall_ns_now(), std::process::id())
}

/// The page of this boot's ledger, in the spool's directory where there is one to publish from.
pub(super) fn page(
    sensor: &Sensor,
    boot: &str,
) -> Result<(Option<SpoolDirectory>, Arc<Page>), Failure> {
    let (config, workers) = (&sensor.config, sensor.settings.workers);
    if !config.nats.is_enabled() {
        return Ok((None, Page::heap(crash::cells(workers))));
    }
    let fail = |error| of_start(&StartError::Spool(error));
    match SpoolDirectory::lock(&config.spool).map_err(fail)? {
        Some(directory) => {
            let page = directory.page(boot, workers).map_err(fail)?;
            Ok((Some(directory), page))
        }
        None => Ok((None, Page::heap(crash::cells(workers)))),
    }
}

/// Starts drain, NATS, EVE, rule store and API.
pub(super) async fn start(
    sensor: &Sensor,
    boot: String,
    workers: Vec<WorkerLink>,
    (spool_directory, page): (Option<SpoolDirectory>, Arc<Page>),
    ports: Arc<dyn PortStats>,
    interfaces: Vec<String>,
) -> Result<Control, Failure> {
    let config = &sensor.config;
    let parts = Parts {
        identity: SensorIdentity {
            site: config.sensor.site.clone(),
            sensor: config.sensor.name.clone(),
            boot,
        },
        version: env!("CARGO_PKG_VERSION").into(),
        workers,
        page,
        interfaces,
        ports,
        environment: sensor.environment.clone(),
        initial: (sensor.rules.clone(), FIRST_GENERATION, sensor.rule_files.source()),
        nats: config.nats.clone(),
        spool: config.spool.clone(),
        spool_directory,
        eve: config.eve.clone(),
        api: config.api.clone(),
        profiling: config.profiling.clone(),
        store: config.rules.store.clone(),
        log: Arc::clone(&sensor.levels) as _,
    };
    Control::start(parts).await.map_err(|error| of_start(&error))
}

fn of_start(error: &StartError) -> Failure {
    let (exit, mend) = match error {
        StartError::Config(_) => (Exit::Usage, ""),
        StartError::Nats(_) => (Exit::Service, "; correct the [nats] section"),
        StartError::Eve { .. } => {
            (Exit::Output, "; name a file in a directory that this user may write")
        }
        // It says the mend itself.
        StartError::Spool(_) => (Exit::Output, ""),
        StartError::Api(error) => (Exit::Service, mend_of_api(error.kind())),
        StartError::Thread(_) => (Exit::Runtime, ""),
    };
    Failure::new(exit, format!("{error}{mend}"))
}

fn mend_of_api(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => {
            "; stop the process that listens there, or choose another address"
        }
        io::ErrorKind::AddrNotAvailable => "; choose an address of this machine",
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            "; check that it exists and that this user may use it"
        }
        _ => "",
    }
}
