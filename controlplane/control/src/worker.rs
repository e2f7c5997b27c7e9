//! The control plane's ends for one worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use contract::{AlertDrop, Counter, WorkerCounters};
use detect::{Generation, SignatureLosses};
use ring::RecordConsumer;
use ring::{Consumer, Producer};

/// All that joins one worker to the control plane.
pub struct WorkerLink {
    /// The worker's index.
    pub index: u16,
    /// Its counters.
    pub counters: Arc<WorkerCounters>,
    /// The reading ends of its rings, by [`contract::Lane`].
    pub lanes: [RecordConsumer; 3],
    /// Puts a generation into its mailbox.
    pub generations: Producer<Box<Generation>>,
    /// Generations that it has left, to be freed here.
    pub retired: Consumer<Box<Generation>>,
    /// What it loses of its first generation's alerts, by signature.
    pub losses: Arc<SignatureLosses>,
}

/// How far the drain has come with one worker. The drain is the only writer.
#[derive(Debug, Default)]
pub struct DrainProgress {
    /// Alerts taken from its rings, those that could not be read included.
    pub(crate) drained: Counter,
    /// Slots skipped because no record could be read from them.
    pub(crate) bad_slots: Counter,
    /// Alerts whose number is missing between two that came.
    pub(crate) sequence_gaps: Counter,
    /// Alerts that had been put into its rings when the rings were last seen empty.
    pub(crate) emptied_at: AtomicU64,
    /// Generation of the last switch passed, by lane.
    pub(crate) switched: [AtomicU32; 3],
}

impl DrainProgress {
    /// Whether the drain has passed the switch to `generation`, or to a later one, in every lane.
    #[must_use]
    pub fn has_passed(&self, generation: u32) -> bool {
        self.switched.iter().all(|lane| lane.load(Ordering::Acquire) >= generation)
    }

    /// Alerts in the rings of the worker with `counters`.
    ///
    /// Once the drain has seen the rings empty there are none, whatever the counters say: an alert that
    /// was lost in a ring shows as an imbalance, not as one that is for ever on its way.
    #[must_use]
    pub(crate) fn in_rings(&self, counters: &WorkerCounters) -> u64 {
        let put = put_into_rings(counters);
        if self.emptied_at.load(Ordering::Acquire) >= put {
            return 0;
        }
        put.saturating_sub(self.drained.get())
    }
}

/// Alerts that a worker has put into its rings.
pub(crate) fn put_into_rings(counters: &WorkerCounters) -> u64 {
    let dropped: u64 =
        AlertDrop::ALL.iter().map(|cause| counters.alert_drops[*cause as usize].get()).sum();
    counters.raised.get().saturating_sub(dropped)
}
