//! A worker on a paced source, and the control plane behind it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use contract::{WallOffset, crash};
use control::config::{
    ApiConfig, EveConfig, NatsConfig, ProfilingConfig, RuleStoreConfig, SpoolConfig,
};
use control::stats::{AlertLedgerView, LatencyView, NoPorts, PacketLedgerView, Snapshot};
use control::{
    Control, FixedLevels, LoadedRules, Parts, SensorIdentity, SpoolDirectory, WorkerLink,
};
use core_affinity::CoreId;
use detect::{CompileCache, Generation};
use pipeline::clock::TscClock;
use pipeline::{Ended, Seat, Settings, Worker, wire_on};
use ring::Page;
use rules::Environment;
use tokio::runtime::Runtime;

use super::PacedSource;
use super::stages::latencies;
use crate::percentiles::Row;
use crate::workload::{MARKER_RULE, marked_frame, rules_text};

/// Different frames of the source: many flows, so that all of NATS' lanes have work.
const FRAMES: u16 = 2_048;
/// Generated rules beside the one that alerts.
const RULES: usize = 1_000;
/// Longest wait until alerts can be published.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for what is on its way at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// A running sensor.
pub struct Sensor {
    runtime: Runtime,
    control: Control,
    worker: JoinHandle<Ended>,
    stop: Arc<AtomicBool>,
    started: Instant,
    /// Where the load that is measured begins.
    mark: Mark,
}

/// What a sensor keeps on disk, where [`Sensor::start`] is told to.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Directory of the spool, which writes ahead.
    pub spool: &'a Path,
    /// Bytes of the stream; beyond them its oldest messages go.
    pub stream_bytes: u64,
}

/// The sensor's sums at a moment.
#[derive(Clone, Copy)]
struct Mark {
    at: Instant,
    raised: u64,
    acknowledged: u64,
}

impl Mark {
    fn now(control: &Control) -> Self {
        let alerts = control.snapshot().ledgers.alerts;
        Self { at: Instant::now(), raised: alerts.raised, acknowledged: alerts.acknowledged }
    }
}

/// What a sensor did with its alerts.
pub struct Delivered {
    /// Where each alert ended.
    pub ledger: AlertLedgerView,
    /// Where each packet ended, after the worker's end.
    pub packets: PacketLedgerView,
    /// Alerts raised in a second, from [`Sensor::mark`] (or the start) until the worker was told to stop.
    pub raised_per_s: f64,
    /// Alerts acknowledged in a second of the same time.
    pub acknowledged_per_s: f64,
    /// Seconds of work, from the start.
    pub seconds: f64,
    /// Messages published.
    pub messages: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// To hand a message to the connection, ns.
    pub publish_ns: LatencyView,
    /// Until JetStream acknowledged a message, ns.
    pub acknowledge_ns: LatencyView,
    /// Every other latency of the sensor's statistics, by its place in them, ns.
    pub stages: Vec<Row>,
}

impl Sensor {
    /// Starts a sensor that raises `per_second` alerts and publishes them at `url`, acknowledged by
    /// JetStream. The alerts' wall time is the time-stamp counter's at the packets' reception. The worker
    /// has `cpu` if there is one. Without `kept` there is no spool, and the stream has its default size.
    ///
    /// # Errors
    /// The control plane does not start, does not reach the server, or cannot use the spool's directory.
    pub fn start(
        url: &str,
        per_second: u64,
        clock: TscClock,
        cpu: Option<CoreId>,
        kept: Option<Kept<'_>>,
    ) -> anyhow::Result<Self> {
        let text = rules_text(RULES) + MARKER_RULE;
        let environment = Environment::default();
        let cache = &mut CompileCache::new();
        let loaded = LoadedRules::compile(text.as_bytes(), "generated", &environment, cache)?;
        ensure!(loaded.counts.refused == 0, "a generated rule was refused");
        let first = |_| Generation::new(1, Arc::clone(&loaded.rules));
        // Zero, so that the subscriber can subtract without knowing how two clocks differ.
        let wall = Arc::new(WallOffset::zero());
        let boot = format!("{:x}", std::process::id());
        let path = kept.map(|kept| kept.spool.to_owned());
        let spool = SpoolConfig { path, ..SpoolConfig::default() };
        // As the binary does: with a spool the page outlives the process.
        let directory = SpoolDirectory::lock(&spool)?;
        let page = match &directory {
            Some(directory) => directory.page(&boot, 1)?,
            None => Page::heap(crash::cells(1)),
        };
        let seats = wire_on::<Box<[u8]>>(&page, &Settings::default(), &wall, first);
        let (seat, link) = seats.into_iter().next().context("one worker has one seat")?;
        let link = WorkerLink {
            index: link.index,
            counters: link.counters,
            lanes: link.lanes,
            generations: link.generations,
            retired: link.retired,
            losses: link.losses,
        };
        let nats = NatsConfig { servers: vec![url.to_owned()], ..NatsConfig::default() };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut parts = parts(link, boot, page, loaded.clone(), nats);
        if let Some(kept) = kept {
            parts.nats.stream.bytes_max = kept.stream_bytes;
        }
        (parts.spool, parts.spool_directory) = (spool, directory);
        let control = runtime.block_on(Control::start(parts))?;
        await_ready(&control)?;
        let frames = (0..FRAMES).map(marked_frame).collect();
        let source = PacedSource::new(frames, per_second, clock.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let worker = work(seat, source, clock, cpu, Arc::clone(&stop))?;
        let mark = Mark::now(&control);
        Ok(Self { runtime, control, worker, stop, started: Instant::now(), mark })
    }

    /// What comes from now on is the load that is measured: the sensor has settled.
    pub fn mark(&mut self) {
        self.mark = Mark::now(&self.control);
    }

    /// The sensor's statistics.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot()
    }

    /// Stops the worker, delivers what is on its way, and ends.
    ///
    /// # Errors
    /// The worker did not end because it was told to, or alerts do not add up.
    pub fn finish(self) -> anyhow::Result<Delivered> {
        let seconds = self.started.elapsed().as_secs_f64();
        let end = Mark::now(&self.control);
        self.stop.store(true, Ordering::Relaxed);
        match self.worker.join() {
            Ok(Ended::Stopped) => {}
            other => bail!("the worker ended by itself: {other:?}"),
        }
        let last = self.control.snapshot();
        let stages = latencies(&serde_json::to_value(&last)?);
        let nats = last.nats.context("alerts are published")?;
        let (_, alerts) = self.runtime.block_on(self.control.shutdown(DRAIN_LIMIT));
        ensure!(alerts.imbalance() == 0, "alerts do not add up: {alerts:?}");
        let loaded = (end.at - self.mark.at).as_secs_f64();
        let per_second = |alerts: u64| alerts as f64 / loaded;
        Ok(Delivered {
            ledger: AlertLedgerView::from(&alerts),
            packets: last.ledgers.packets,
            raised_per_s: per_second(end.raised - self.mark.raised),
            acknowledged_per_s: per_second(end.acknowledged - self.mark.acknowledged),
            seconds,
            messages: nats.messages,
            bytes: nats.bytes,
            publish_ns: nats.publish_enqueue_ns,
            acknowledge_ns: nats.publish_ack_ns,
            stages,
        })
    }
}

/// A control plane of one worker.
pub(super) fn parts(
    link: WorkerLink,
    boot: String,
    page: Arc<Page>,
    loaded: LoadedRules,
    nats: NatsConfig,
) -> Parts {
    Parts {
        identity: SensorIdentity { site: "bench".into(), sensor: "e2e".into(), boot },
        version: env!("CARGO_PKG_VERSION").into(),
        workers: vec![link],
        page,
        interfaces: vec!["memory".into()],
        ports: Arc::new(NoPorts),
        environment: Environment::default(),
        initial: (loaded, 1, "generated".into()),
        nats,
        spool: SpoolConfig::default(),
        spool_directory: None,
        eve: EveConfig::default(),
        api: ApiConfig { enabled: false, ..ApiConfig::default() },
        profiling: ProfilingConfig { enabled: false, ..ProfilingConfig::default() },
        store: RuleStoreConfig::default(),
        log: Arc::new(FixedLevels),
    }
}

fn await_ready(control: &Control) -> anyhow::Result<()> {
    let started = Instant::now();
    while !control.snapshot().nats.is_some_and(|nats| nats.ready) {
        ensure!(started.elapsed() < READY_LIMIT, "the sensor does not reach its NATS server");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Starts the worker's thread, on `cpu`.
fn work(
    seat: Seat<Box<[u8]>>,
    source: PacedSource,
    clock: TscClock,
    cpu: Option<CoreId>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<Ended>> {
    std::thread::Builder::new().name("worker-0".into()).spawn(move || {
        if let Some(cpu) = cpu {
            // Without it the system decides, and the figures are noisier.
            let _ = core_affinity::set_for_current(cpu);
        }
        Worker::new(seat, source, clock).run(&stop)
    })
}
