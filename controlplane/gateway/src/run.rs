//! `run`: live traffic until stopped.
//!
//! ```text
//! rules ─► compile ─┐                            ┌─► worker-0 … N: pinned threads (Crew)
//! source ─► open ───┼─► wire ─► control plane ───┤
//! cores ─► plan ────┘                            └─► supervise: signals, ends of workers, wall clock
//! ```
//!
//! What can be wrong with the configuration shows before the first packet is taken: the control plane is
//! up before a worker starts, and ends after the last one.

mod cores;
#[cfg(feature = "dpdk")]
mod dpdk;
#[cfg(feature = "test-hooks")]
mod hooks;
mod services;
mod sources;
mod supervise;
mod workers;

use std::sync::Arc;

use contract::WallOffset;
use control::stats::{NoPorts, PortStats};
use control::{LoadedRules, RuleDiagnostic, WorkerLink, wall_ns_now};
use detect::Generation;
use pipeline::clock::TscClock;
use pipeline::{Link, Seat, Settings};
use rules::Environment;

use crate::cli::Run;
use crate::config::{Config, SourceKind};
use crate::exit::{Exit, Failure};
use crate::logging::Levels;
use crate::rulefiles::{self, RuleText};
use crate::settings;
use cores::Cores;
use sources::FileQueue;
use workers::{Crew, WorkerSource};

/// The generation that workers start with.
const FIRST_GENERATION: u32 = 1;

/// Runs the command.
///
/// # Errors
/// What is wrong before the start, or what ended the sensor; the exit code says which.
pub fn run(args: &Run) -> Result<(), Failure> {
    let config = args.config.load()?;
    let logging =
        crate::logging::start_with_traces(&config.log, &config.traces, &config.sensor.name)?;
    let sensor = Sensor::prepare(config, logging.levels())?;
    match sensor.config.capture.source {
        SourceKind::Pcap => run_pcap(sensor),
        SourceKind::Dpdk => run_dpdk(sensor),
    }
}

fn run_pcap(sensor: Sensor) -> Result<(), Failure> {
    let pcap = &sensor.config.capture.pcap;
    let Some(path) = &pcap.path else {
        let message = "capture.pcap.path is not set; name a capture file, or set capture.source";
        return Err(Failure::new(Exit::Usage, message));
    };
    let queues = FileQueue::all(path, pcap.repeat, sensor.settings.workers)?;
    sensor.watch(queues, Arc::new(NoPorts), Vec::new())
}

#[cfg(feature = "dpdk")]
fn run_dpdk(sensor: Sensor) -> Result<(), Failure> {
    let started = dpdk::Ports::start(&sensor.config.capture.dpdk, sensor.settings.workers)?;
    let ports: Arc<dyn PortStats> = Arc::clone(&started.ports) as _;
    let ended = sensor.watch(started.sources, ports, started.interfaces);
    started.ports.shutdown();
    ended
}

#[cfg(not(feature = "dpdk"))]
fn run_dpdk(_: Sensor) -> Result<(), Failure> {
    let message =
        "this build has no DPDK; set capture.source to \"pcap\", or build with the feature dpdk";
    Err(Failure::new(Exit::Usage, message))
}

/// What a sensor needs beside its packets.
struct Sensor {
    config: Config,
    settings: Settings,
    cores: Cores,
    rule_files: RuleText,
    environment: Environment,
    rules: LoadedRules,
    clock: TscClock,
    wall: Arc<WallOffset>,
    levels: Arc<Levels>,
}

impl Sensor {
    /// Reads the rules and plans the CPUs.
    fn prepare(config: Config, levels: Arc<Levels>) -> Result<Self, Failure> {
        let environment = rulefiles::environment(&config.rules)?;
        let rule_files = RuleText::read(&config.rules.files)?;
        let rules = rule_files.compile(&environment)?;
        tell_rules(&rules);
        let allowed = core_affinity::get_core_ids().unwrap_or_default();
        let workers = &config.workers;
        let cores = cores::plan(workers.count, &workers.cores, &allowed).map_err(|core| {
            let message =
                format!("workers.cores: this process may not use CPU {core}; name another");
            Failure::new(Exit::Usage, message)
        })?;
        let (settings, clock) = (settings::live(&config), TscClock::new());
        let wall = Arc::new(WallOffset::zero());
        supervise::refresh(&wall, &clock, wall_ns_now());
        Ok(Self { config, settings, cores, rule_files, environment, rules, clock, wall, levels })
    }

    /// Starts control plane and workers on `sources`, one for each worker, and stays until the end.
    fn watch<S: WorkerSource>(
        self,
        sources: Vec<S>,
        ports: Arc<dyn PortStats>,
        interfaces: Vec<String>,
    ) -> Result<(), Failure> {
        let rules = &self.rules.rules;
        let first = |_| Generation::new(FIRST_GENERATION, Arc::clone(rules));
        let boot = services::boot();
        let (directory, page) = services::page(&self, &boot)?;
        let (seats, links): (Vec<Seat<S::Owned>>, Vec<Link>) =
            pipeline::wire_on(&page, &self.settings, &self.wall, first).into_iter().unzip();
        #[cfg(feature = "test-hooks")]
        hooks::arm(&links.iter().map(|link| Arc::clone(&link.hooks)).collect::<Vec<_>>())?;
        let runtime = services::runtime(&self.cores)?;
        runtime.block_on(async {
            // First, so that a signal during the start ends the sensor in order.
            let signals = supervise::Signals::listen()?;
            let links = links.into_iter().map(worker_link).collect();
            let control =
                services::start(&self, boot, links, (directory, page), ports, interfaces).await?;
            let seats = seats.into_iter().zip(sources).collect();
            let crew = Crew::start(seats, &self.cores.workers, &self.clock);
            supervise::until_end(control, crew, signals, &self).await
        })
    }
}

fn worker_link(link: Link) -> WorkerLink {
    let Link { index, counters, lanes, generations, retired, losses, .. } = link;
    WorkerLink { index, counters, lanes, generations, retired, losses }
}

/// Says what was loaded, and what was not.
fn tell_rules(rules: &LoadedRules) {
    tell_refused(&rules.diagnostics);
    let counts = &rules.counts;
    let by = rulefiles::refused_by(counts);
    tracing::info!(loaded = counts.loaded, refused = counts.refused, ?by, "rules");
    if counts.loaded == 0 {
        tracing::warn!("no rule is loaded: nothing will alert until rules come over the API");
    }
}

/// Says why rules were refused, at the level `debug`: there may be thousands.
fn tell_refused(diagnostics: &[RuleDiagnostic]) {
    for said in diagnostics.iter().filter(|said| said.is_error()) {
        tracing::debug!("{}", rulefiles::Said(said));
    }
}
