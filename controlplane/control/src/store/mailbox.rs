//! The mailboxes of the workers: generations out, confirmations and what is left behind back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::WorkerCounters;
use detect::{Generation, SignatureLosses};
use ring::{Consumer, Producer};

use crate::worker::DrainProgress;

/// The control plane's end of one worker's mailbox.
pub(crate) struct Mailbox {
    pub(crate) worker: u16,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) progress: Arc<DrainProgress>,
    pub(crate) generations: Producer<Box<Generation>>,
    pub(crate) retired: Consumer<Box<Generation>>,
    /// What the worker loses of the alerts of the generation that it started with.
    pub(crate) first_losses: Arc<SignatureLosses>,
}

impl Mailbox {
    fn confirmed(&self) -> u32 {
        self.counters.generation.load(Ordering::Acquire)
    }
}

/// All mailboxes. The lock is held for moments, never across a wait.
#[derive(Clone)]
pub(crate) struct Mailboxes(Arc<Mutex<Vec<Mailbox>>>);

impl Mailboxes {
    pub(crate) fn new(mailboxes: Vec<Mailbox>) -> Self {
        Self(Arc::new(Mutex::new(mailboxes)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Mailbox>> {
        // Nothing in here is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of workers.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// What the workers lose of the alerts of the generation that they started with.
    pub(crate) fn first_losses(&self) -> Vec<Arc<SignatureLosses>> {
        self.lock().iter().map(|mailbox| Arc::clone(&mailbox.first_losses)).collect()
    }

    /// Workers whose mailbox has no room.
    pub(crate) fn full(&self) -> Vec<u16> {
        let mut mailboxes = self.lock();
        let full = mailboxes
            .iter_mut()
            .filter_map(|mailbox| (mailbox.generations.free() == 0).then_some(mailbox.worker));
        full.collect()
    }

    /// Puts a generation into every mailbox; the caller has seen that each has room, and is the only
    /// one that puts.
    #[allow(clippy::vec_box, reason = "a mailbox holds boxes, so that a worker swaps pointers")]
    pub(crate) fn publish(&self, generations: Vec<Box<Generation>>) {
        for (mailbox, generation) in self.lock().iter_mut().zip(generations) {
            if mailbox.generations.push(generation).is_err() {
                tracing::error!(worker = mailbox.worker, "the worker's mailbox is full");
            }
        }
    }

    /// Workers that have not confirmed `generation`, or a later one.
    pub(crate) fn unconfirmed(&self, generation: u32) -> Vec<u16> {
        let mailboxes = self.lock();
        let late = mailboxes.iter().filter(|mailbox| mailbox.confirmed() < generation);
        late.map(|mailbox| mailbox.worker).collect()
    }

    /// What the workers have left behind.
    #[allow(clippy::vec_box, reason = "a mailbox holds boxes, so that a worker swaps pointers")]
    pub(crate) fn retired(&self) -> Vec<Box<Generation>> {
        let mut retired = Vec::new();
        for mailbox in self.lock().iter_mut() {
            retired.extend(std::iter::from_fn(|| mailbox.retired.pop()));
        }
        retired
    }

    /// Whether nothing refers to a generation before `generation` any more.
    pub(crate) fn has_passed(&self, generation: u32) -> bool {
        self.lock().iter().all(|mailbox| {
            mailbox.confirmed() >= generation && mailbox.progress.has_passed(generation)
        })
    }
}
