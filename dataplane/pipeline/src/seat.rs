//! Where a worker sits: its ends of everything that joins it to the others and to the control plane.

use std::sync::Arc;

use contract::{WallOffset, WorkerCounters, crash};
use detect::{Generation, SignatureLosses};
use ring::{Consumer, Page, Producer, RecordConsumer, RecordProducer, record_ring};

use crate::handover::Mesh;
#[cfg(feature = "test-hooks")]
use crate::hooks::Hooks;
use crate::report::CrashCells;
use crate::settings::Settings;

/// Generations that fit a worker's mailbox, and the way back.
pub const GENERATIONS_WAITING_MAX: usize = 4;

/// All that a worker needs beside a source and a clock. Made by [`wire`], used up by
/// [`crate::Worker::new`].
pub struct Seat<F> {
    pub(crate) index: u16,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) wall: Arc<WallOffset>,
    pub(crate) lanes: [RecordProducer; 3],
    pub(crate) crash: CrashCells,
    pub(crate) generations: Consumer<Box<Generation>>,
    pub(crate) retired: Producer<Box<Generation>>,
    pub(crate) first: Box<Generation>,
    pub(crate) mesh: Mesh<F>,
    #[cfg(feature = "test-hooks")]
    pub(crate) hooks: Arc<Hooks>,
}

/// The control plane's ends for one worker.
pub struct Link {
    /// The worker's index.
    pub index: u16,
    /// Its counters.
    pub counters: Arc<WorkerCounters>,
    /// The reading ends of its rings, by [`contract::Lane`].
    pub lanes: [RecordConsumer; 3],
    /// Puts a generation into its mailbox.
    pub generations: Producer<Box<Generation>>,
    /// Generations that it has left, to be freed by the control plane.
    pub retired: Consumer<Box<Generation>>,
    /// What it loses of its first generation's alerts, by signature.
    pub losses: Arc<SignatureLosses>,
    /// Faults on purpose.
    #[cfg(feature = "test-hooks")]
    pub hooks: Arc<Hooks>,
}

/// Joins `settings.workers` workers to each other and to the control plane.
///
/// `first` makes the generation that a worker starts with; `wall` turns monotonic into wall time.
#[must_use]
pub fn wire<F: Send>(
    settings: &Settings,
    wall: &Arc<WallOffset>,
    first: impl FnMut(u16) -> Box<Generation>,
) -> Vec<(Seat<F>, Link)> {
    wire_on(&Page::heap(crash::cells(settings.workers)), settings, wall, first)
}

/// The same, on a page that may outlive the process; it is begun here, and each worker keeps its cells of
/// it as [`crash`] lays them out.
///
/// # Panics
/// The page has fewer than [`crash::cells`] cells.
#[must_use]
pub fn wire_on<F: Send>(
    page: &Arc<Page>,
    settings: &Settings,
    wall: &Arc<WallOffset>,
    mut first: impl FnMut(u16) -> Box<Generation>,
) -> Vec<(Seat<F>, Link)> {
    crash::begin(page, settings.workers);
    let meshes = Mesh::all(settings.workers, settings.handover_frames);
    let seat = |(index, mesh)| {
        let counters = Arc::new(WorkerCounters::default());
        let [alerts, logs, bulk] = settings.lane_slots.map(record_ring);
        let (mailbox, generations) = ring::spsc(GENERATIONS_WAITING_MAX);
        // One more than can wait, and the one that the worker holds: the way back is never full.
        let (retired, left) = ring::spsc(GENERATIONS_WAITING_MAX + 2);
        #[cfg(feature = "test-hooks")]
        let hooks = Arc::new(Hooks::default());
        let first = first(index);
        let link = Link {
            index,
            counters: Arc::clone(&counters),
            lanes: [alerts.1, logs.1, bulk.1],
            generations: mailbox,
            retired: left,
            losses: Arc::clone(&first.losses),
            #[cfg(feature = "test-hooks")]
            hooks: Arc::clone(&hooks),
        };
        let seat = Seat {
            index,
            settings: settings.clone(),
            counters,
            wall: Arc::clone(wall),
            lanes: [alerts.0, logs.0, bulk.0],
            crash: CrashCells::of(page, index),
            generations,
            retired,
            first,
            mesh,
            #[cfg(feature = "test-hooks")]
            hooks,
        };
        (seat, link)
    };
    (0..settings.workers).zip(meshes).map(seat).collect()
}
