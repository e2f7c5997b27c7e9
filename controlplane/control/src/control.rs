//! The control plane of the live sensor, started and stopped as one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use contract::{AlertLedger, PacketLedger};
use ring::Page;
use rules::Environment;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::alert::Enricher;
use crate::api::profiling::{self, ProfilingHandle};
use crate::api::{self, ApiState, ServerHandle};
use crate::batch::{Batcher, BatcherParts, DrainLatency, batch_limit};
use crate::config::{
    ApiConfig, ConfigError, EveConfig, NatsConfig, ProfilingConfig, RuleStoreConfig, SpoolConfig,
};
use crate::delivery::{Intake, Lanes};
use crate::drain::{Drain, DrainThread};
use crate::eve::{EveHandle, EveOptions, EveOutput};
use crate::log::LogLevels;
use crate::nats::{self, NatsError, NatsHandle};
use crate::registry::{Registry, RegistryReader};
use crate::sinks::Sinks;
use crate::spool::{self, SpoolDirectory, SpoolError, SpoolHandle};
use crate::stats::{Collector, LedgersView, PortStats, Snapshot, WorkerStats};
use crate::store::{LoadedRules, Mailboxes, RuleStore};
use crate::tally::Tally;
use crate::time::Clock;
use crate::worker::WorkerLink;

/// Pause between two rounds of freeing what workers have left behind.
const REAP_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two looks at a thread that is ending.
const JOIN_POLL: Duration = Duration::from_millis(1);
/// Least wait for the spool to write what the lanes have given up.
const SPOOL_WAIT: Duration = Duration::from_secs(1);
/// Wait for the EVE output to count what it was told to give up.
const ABANDON_WAIT: Duration = Duration::from_millis(100);

/// Who the sensor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorIdentity {
    /// Where it stands; a part of its subjects.
    pub site: String,
    /// Its name at the site; a part of its subjects.
    pub sensor: String,
    /// Start of the process, unique for each start: letters, digits and `-`.
    pub boot: String,
}

/// What the control plane is made of.
pub struct Parts {
    /// Who the sensor is.
    pub identity: SensorIdentity,
    /// Version of the sensor, for stats.
    pub version: String,
    /// The ends of every worker.
    pub workers: Vec<WorkerLink>,
    /// The page that the workers store into, and that may outlive the process; the control plane's part of
    /// the alert ledger lies on it as well.
    pub page: Arc<Page>,
    /// Names of the ports, by index.
    pub interfaces: Vec<String>,
    /// Counters of the ports.
    pub ports: Arc<dyn PortStats>,
    /// What rules texts are read against.
    pub environment: Environment,
    /// The generation that the workers start with, its number, and where it came from.
    pub initial: (LoadedRules, u32, String),
    /// `[nats]`.
    pub nats: NatsConfig,
    /// `[spool]`.
    pub spool: SpoolConfig,
    /// The spool's directory, where there is one.
    pub spool_directory: Option<SpoolDirectory>,
    /// `[eve]`.
    pub eve: EveConfig,
    /// `[api]`.
    pub api: ApiConfig,
    /// `[profiling]`.
    pub profiling: ProfilingConfig,
    /// `[rules.store]`.
    pub store: RuleStoreConfig,
    /// The levels of the sensor's own log.
    pub log: Arc<dyn LogLevels>,
}

/// Why the control plane cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// NATS.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The EVE output.
    #[error("eve.path: {path}: {error}")]
    Eve {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The API, or the profiles beside it.
    #[error("{0}")]
    Api(io::Error),
    /// The drain's thread.
    #[error("the drain's thread: {0}")]
    Thread(io::Error),
}

/// The running control plane.
pub struct Control {
    drain: DrainThread,
    nats: Option<NatsHandle>,
    spool: Option<SpoolHandle>,
    eve: Option<EveHandle>,
    api: Option<ServerHandle>,
    profiling: Option<ProfilingHandle>,
    reaper: JoinHandle<()>,
    collector: Arc<Collector>,
    store: Arc<RuleStore>,
}

impl Control {
    /// Starts everything. Needs a tokio runtime with time and I/O; NATS may be down.
    ///
    /// # Errors
    /// A setting, a file or an address cannot be used.
    pub async fn start(mut parts: Parts) -> Result<Self, StartError> {
        parts.nats.validate()?;
        parts.spool.validate()?;
        parts.spool.validate_with(&parts.nats)?;
        parts.eve.validate()?;
        parts.api.validate()?;
        parts.profiling.validate()?;
        parts.store.validate()?;
        let clock = Clock::new();
        let latency = Arc::new(DrainLatency::default());
        let tally = Tally::on(&parts.page);
        let publishing = start_nats(&mut parts, &clock, &latency, &tally).await?;
        let Publishing { batcher, nats, spool } = publishing.unwrap_or_default();
        let (eve_output, eve) = start_eve(&parts.eve)?.unzip();
        let nats_status = nats.as_ref().map(NatsHandle::status);
        let eve_counters = eve_output.as_ref().map(|output| Arc::clone(output.counters()));
        let registry = Arc::new(Registry::default());
        let reader = RegistryReader::new(Arc::clone(&registry));
        let enricher = Enricher::new(reader, &parts.interfaces);
        let sinks = Sinks { batcher, eve: eve_output, clock, latency: Arc::clone(&latency) };
        let mut drain = Drain::new(enricher, Arc::clone(&tally), sinks);
        let (workers, mailboxes) = attach(&mut drain, parts.workers);
        let (initial, number, source) = parts.initial;
        let store = Arc::new(RuleStore::new(
            parts.store,
            parts.environment,
            mailboxes,
            registry,
            initial,
            (number, &source),
        ));
        let collector = Arc::new(Collector {
            identity: parts.identity,
            version: parts.version,
            started: std::time::Instant::now(),
            workers,
            tally,
            latency,
            nats: nats_status,
            eve: eve_counters,
            spool: spool.as_ref().map(SpoolHandle::control),
            store: Arc::clone(&store),
            ports: parts.ports,
        });
        let profiling = profiling::start(&parts.profiling).await.map_err(StartError::Api)?;
        let api = if parts.api.enabled {
            let (collector, store) = (Arc::clone(&collector), Arc::clone(&store));
            let state = ApiState { collector, store, log: parts.log };
            Some(api::start(&parts.api, state).await.map_err(StartError::Api)?)
        } else {
            None
        };
        let drain = DrainThread::start(drain).map_err(StartError::Thread)?;
        let reaper = tokio::spawn(reap(Arc::clone(&collector), Arc::clone(&store)));
        Ok(Self { drain, nats, spool, eve, api, profiling, reaper, collector, store })
    }

    /// Where the API listens; `None` where there is none.
    #[must_use]
    pub fn api_address(&self) -> Option<SocketAddr> {
        self.api.as_ref().map(|api| api.address)
    }

    /// Where profiles are to be had; `None` where they are off, or the port was taken.
    #[must_use]
    pub fn profiling_address(&self) -> Option<SocketAddr> {
        self.profiling.as_ref().map(ProfilingHandle::address)
    }

    /// The rules, for reloads that do not come over the API.
    #[must_use]
    pub const fn rules(&self) -> &Arc<RuleStore> {
        &self.store
    }

    /// Opens the EVE file anew, as after a rotation; nothing where there is none.
    pub fn reopen_eve(&self) {
        if let Some(eve) = &self.eve {
            eve.reopen();
        }
    }

    /// Everything that `/api/v1/stats` shows.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.collector.snapshot()
    }

    /// Ends everything; the workers have ended before. Empties the rings, publishes what waits, and
    /// waits for acknowledgements, all within `limit`; alerts that are still on their way then are
    /// counted as `shutdown`. The ledgers as they ended.
    pub async fn shutdown(self, limit: Duration) -> (PacketLedger, AlertLedger) {
        let deadline = Instant::now() + limit;
        if let Some(profiling) = self.profiling {
            profiling.finish(deadline).await;
        }
        if let Some(api) = self.api {
            api.finish(deadline).await;
        }
        self.reaper.abort();
        if let Some(nats) = &self.nats {
            nats.announce_end();
        }
        // The drain's end closes the queues behind it, which ends the sinks.
        self.drain.stop();
        ended(deadline, || self.drain.is_finished()).await;
        if let Some(nats) = self.nats {
            nats.finish(deadline).await;
        }
        // The lanes have told what became of every batch; what did not get out stays in the spool.
        let spooled = match &self.spool {
            Some(spool) => {
                ended(deadline.max(Instant::now() + SPOOL_WAIT), || spool.is_finished()).await
            }
            None => false,
        };
        if let Some(eve) = self.eve
            && !ended(deadline, || eve.is_finished()).await
        {
            eve.abandon();
            ended(Instant::now() + ABANDON_WAIT, || eve.is_finished()).await;
        }
        self.store.reap();
        let (packets, alerts) = self.collector.ledgers();
        let ledgers = LedgersView { packets: (&packets).into(), alerts: (&alerts).into() };
        // Numbers and names always serialise.
        let ledgers = serde_json::to_string(&ledgers).unwrap_or_default();
        tracing::info!(%ledgers, "control plane ended");
        if let Some(spool) = self.spool.filter(|_| spooled) {
            spool.close_ledger();
        }
        (packets, alerts)
    }
}

/// From alerts to NATS.
#[derive(Default)]
struct Publishing {
    batcher: Option<Batcher>,
    nats: Option<NatsHandle>,
    spool: Option<SpoolHandle>,
}

/// Starts the lanes, the spool before them, and what fills them.
async fn start_nats(
    parts: &mut Parts,
    clock: &Clock,
    latency: &Arc<DrainLatency>,
    tally: &Arc<Tally>,
) -> Result<Option<Publishing>, StartError> {
    if !parts.nats.is_enabled() {
        return Ok(None);
    }
    let bytes_max = batch_limit();
    let (lanes, nats) = nats::start(&parts.nats, &parts.identity, clock, &bytes_max).await?;
    let lanes: Arc<dyn Lanes> = Arc::new(lanes);
    let boot = &parts.identity.boot;
    let (next, spool): (Box<dyn Intake>, _) = match parts.spool_directory.take() {
        Some(directory) => {
            let (config, count) = (&parts.spool, parts.nats.lanes);
            let (intake, spool) = spool::start(directory, config, boot, &lanes, count, tally)?;
            (Box::new(intake), Some(spool))
        }
        None => (Box::new(lanes), None),
    };
    let batcher = Batcher::new(BatcherParts {
        identity: parts.identity.clone(),
        lanes: parts.nats.lanes,
        window_ns: parts.nats.window_us.saturating_mul(1_000),
        bytes_max,
        clock: clock.clone(),
        latency: Arc::clone(latency),
        next,
    });
    Ok(Some(Publishing { batcher: Some(batcher), nats: Some(nats), spool }))
}

fn start_eve(config: &EveConfig) -> Result<Option<(EveOutput, EveHandle)>, StartError> {
    let Some(path) = &config.path else { return Ok(None) };
    let options = EveOptions { payload: config.payload, packet_number: false };
    let started = EveOutput::start(config, path, options);
    started.map(Some).map_err(|error| StartError::Eve { path: path.display().to_string(), error })
}

/// Gives each end of every worker to whom it belongs.
fn attach(drain: &mut Drain<Sinks>, links: Vec<WorkerLink>) -> (Vec<WorkerStats>, Mailboxes) {
    let (mut workers, mut mailboxes) = (Vec::new(), Vec::new());
    for WorkerLink { index, counters, lanes, generations, retired, losses } in links {
        let progress = drain.attach(Arc::clone(&counters), lanes);
        workers.push(WorkerStats::new(index, Arc::clone(&counters), Arc::clone(&progress)));
        mailboxes.push(crate::store::Mailbox {
            worker: index,
            counters,
            progress,
            generations,
            retired,
            first_losses: losses,
        });
    }
    (workers, Mailboxes::new(mailboxes))
}

/// Frees what workers have left behind, and sees whether they poll, until it is stopped.
async fn reap(collector: Arc<Collector>, store: Arc<RuleStore>) {
    let mut rounds = tokio::time::interval(REAP_PAUSE);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        store.reap();
        for worker in &collector.workers {
            worker.silent_s();
        }
    }
}

/// Waits until `is_finished`, or until the deadline; whether it is.
async fn ended(deadline: Instant, is_finished: impl Fn() -> bool) -> bool {
    while !is_finished() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(JOIN_POLL).await;
    }
    true
}
