//! A control plane that is fed by hand: records are pushed into the ring of a worker that is not there, as fast as
//! what follows takes them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::ensure;
use contract::{Slot, WorkerCounters, crash};
use control::config::{NatsConfig, SpoolConfig};
use control::stats::{AlertLedgerView, Snapshot};
use control::{Control, LoadedRules, SpoolDirectory, WorkerLink};
use detect::{CompileCache, Generation, SignatureLosses};
use ring::{Consumer, Page, Producer, RecordProducer, record_ring, spsc};
use rules::Environment;
use tokio::runtime::Runtime;

use super::sensor::parts;
use crate::alerts::{PAYLOAD_BYTES, record_slots, write_record};
use crate::workload::MARKER_RULE;

/// Slots of the ring.
const RING_SLOTS: usize = 1 << 14;
/// Alerts on their way at most: far fewer than the queues take, so that none is dropped.
const IN_FLIGHT_MAX: u64 = 8_192;
/// Alerts between two looks at how many are on their way.
const STRIDE: u64 = 512;
/// Pause between two looks at what is waited for.
const POLL: Duration = Duration::from_micros(100);
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// A control plane, and the writing end of its worker's ring.
pub struct Feed {
    runtime: Runtime,
    control: Control,
    ring: RecordProducer,
    counters: Arc<WorkerCounters>,
    page: Arc<Page>,
    slots: Box<[Slot]>,
    raised: u64,
    /// The worker's other ends, which have nothing to do.
    _idle: Idle,
}

/// Ends of a worker to which nothing comes: its other rings, and its mailbox.
type Idle = ([RecordProducer; 2], Consumer<Box<Generation>>, Producer<Box<Generation>>);

impl Feed {
    /// Starts a control plane that publishes as `nats` says; with `spool.path`, over a spool.
    ///
    /// # Errors
    /// It does not start, or the spool's directory cannot be used.
    pub fn start(nats: NatsConfig, spool: SpoolConfig) -> anyhow::Result<Self> {
        let cache = &mut CompileCache::new();
        let text = MARKER_RULE.as_bytes();
        let loaded = LoadedRules::compile(text, "feed", &Environment::default(), cache)?;
        let counters = Arc::new(WorkerCounters::default());
        counters.generation.store(1, Ordering::Release);
        let (ring, alerts) = record_ring(RING_SLOTS);
        let ((log_end, logs), (bulk_end, bulk)) = (record_ring(0), record_ring(0));
        let (generations, mailbox) = spsc(2);
        let (left, retired) = spsc(2);
        let link = WorkerLink {
            index: 0,
            counters: Arc::clone(&counters),
            lanes: [alerts, logs, bulk],
            generations,
            retired,
            losses: Arc::new(SignatureLosses::new(loaded.rules.signatures().len())),
        };
        let boot = format!("{:x}", std::process::id());
        let directory = SpoolDirectory::lock(&spool)?;
        let page = match &directory {
            Some(directory) => directory.page(&boot, 1)?,
            None => Page::heap(crash::cells(1)),
        };
        crash::begin(&page, 1);
        let mut parts = parts(link, boot, Arc::clone(&page), loaded, nats);
        (parts.spool, parts.spool_directory) = (spool, directory);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let control = runtime.block_on(Control::start(parts))?;
        let _idle = ([log_end, bulk_end], mailbox, left);
        let slots = record_slots();
        Ok(Self { runtime, control, ring, counters, page, slots, raised: 0, _idle })
    }

    /// Raises `count` alerts; waits while too many are on their way.
    ///
    /// # Errors
    /// What follows takes none.
    pub fn raise(&mut self, count: u64) -> anyhow::Result<()> {
        let payload = [0x2E; PAYLOAD_BYTES];
        for _ in 0..count {
            if self.raised.is_multiple_of(STRIDE) {
                let least = (self.raised + STRIDE).saturating_sub(IN_FLIGHT_MAX);
                self.until(|stats| ended(&stats.ledgers.alerts) >= least)?;
            }
            self.raised += 1;
            self.counters.raised.increment();
            self.page.cell(crash::raised(0)).store(self.raised, Ordering::Relaxed);
            while self.ring.push(write_record(&mut self.slots, self.raised, &payload)).is_err() {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Alerts raised so far.
    #[must_use]
    pub const fn raised(&self) -> u64 {
        self.raised
    }

    /// Waits until every alert that was raised is acknowledged, on disk, or lost, and asserts that none is lost.
    ///
    /// # Errors
    /// It did not come to that.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.until(|stats| ended(&stats.ledgers.alerts) == self.raised)?;
        let drops = self.control.snapshot().ledgers.alerts.drops;
        ensure!(drops.values().sum::<u64>() == 0, "alerts were lost: {drops:?}");
        Ok(())
    }

    /// Waits until the statistics are as `holds` wants them.
    ///
    /// # Errors
    /// They did not come to be.
    pub fn until(&self, holds: impl Fn(&Snapshot) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let stats = self.control.snapshot();
            if holds(&stats) {
                return Ok(());
            }
            ensure!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {:?}", stats.ledgers.alerts);
            std::thread::sleep(POLL);
        }
    }

    /// The statistics.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot()
    }

    /// Ends the control plane.
    ///
    /// # Errors
    /// Alerts do not add up.
    pub fn finish(self) -> anyhow::Result<()> {
        let (_, alerts) = self.runtime.block_on(self.control.shutdown(LIMIT));
        ensure!(alerts.imbalance() == 0, "alerts do not add up: {alerts:?}");
        Ok(())
    }
}

/// Alerts that are not on their way any more, or wait on disk.
fn ended(alerts: &AlertLedgerView) -> u64 {
    alerts.acknowledged + alerts.sent + alerts.spooled + alerts.drops.values().sum::<u64>()
}
