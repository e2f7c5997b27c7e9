//! The page that outlives a process: where its alerts had got to when it ended without notice.
//!
//! A page is a row of 64-bit cells. Workers and control plane store into their own cells while they
//! work; after a crash the next start reads them and closes the ledger of the boot that crashed. The
//! cells of each worker, and those of the control plane, are a pair of cache lines or several, so that
//! nobody writes into a line that another one writes:
//!
//! ```text
//! head: magic, workers, causes │ control plane: acknowledged, sent, written, spooled, drops by cause
//!                              │ worker 0: raised, lost before the drain by cause │ worker 1: …
//! ```
//!
//! A page may be read by a later version of the sensor. Causes are only ever appended to [`AlertDrop`];
//! every other change of the layout changes the version in [`MAGIC`].

use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::counters::AlertDrop;

/// First cell of a page: what it is, and the version of its layout. A machine of the other byte order
/// reads another number.
pub const MAGIC: u64 = u64::from_be_bytes(*b"snsrpg\0\x01");

/// Cells of a pair of cache lines.
const PAIR: usize = 16;
const MAGIC_AT: usize = 0;
const WORKERS_AT: usize = 1;
const CAUSES_AT: usize = 2;

/// Cell of the alerts that JetStream acknowledged.
pub const ACKNOWLEDGED: usize = PAIR;
/// Cell of the alerts that core NATS took.
pub const SENT: usize = PAIR + 1;
/// Cell of the alerts written to the output that is their only destination.
pub const WRITTEN: usize = PAIR + 2;
/// Cell of the alerts that the spool holds: a gauge.
pub const SPOOLED: usize = PAIR + 3;
const DROPS_AT: usize = PAIR + 4;

/// First cell of worker 0 in a page with so many causes.
const fn workers_at(causes: usize) -> usize {
    (DROPS_AT + causes).next_multiple_of(PAIR)
}

/// Cells of each worker in a page with so many causes.
const fn worker_cells(causes: usize) -> usize {
    (1 + causes).next_multiple_of(PAIR)
}

/// Cells of a page for `workers` workers.
#[must_use]
pub const fn cells(workers: u16) -> usize {
    raised(workers)
}

/// Cell of the alerts that the control plane lost by `cause`.
#[must_use]
pub const fn dropped(cause: AlertDrop) -> usize {
    DROPS_AT + cause as usize
}

/// Cell of the alerts that `worker` raised, which is the sequence of the last one.
#[must_use]
pub const fn raised(worker: u16) -> usize {
    workers_at(AlertDrop::COUNT) + worker as usize * worker_cells(AlertDrop::COUNT)
}

/// Cell of the alerts that `worker` lost before the drain by `cause`.
#[must_use]
pub const fn lost(worker: u16, cause: AlertDrop) -> usize {
    raised(worker) + 1 + cause as usize
}

/// Begins a page of zeros for `workers` workers; before anybody else stores into it.
pub fn begin(page: &[AtomicU64], workers: u16) {
    let head =
        [(WORKERS_AT, workers.into()), (CAUSES_AT, AlertDrop::COUNT as u64), (MAGIC_AT, MAGIC)];
    for (index, value) in head {
        if let Some(cell) = page.get(index) {
            // Release: the magic comes last, so that a page that has it has the rest.
            cell.store(value, Ordering::Release);
        }
    }
}

/// Why the cells are no page that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPage {
    /// Its maker ended before it had begun it: nothing was raised.
    NotBegun,
    /// It does not begin as a page of this version does.
    Foreign(u64),
    /// It was written by a later version, which knows more causes.
    Causes(u64),
    /// It says more workers than there can be.
    Workers(u64),
    /// It is shorter than its head says.
    Short {
        /// Cells that there are.
        cells: usize,
        /// Cells that its head asks for.
        wanted: usize,
    },
}

impl fmt::Display for BadPage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => {
                write!(out, "the page was not begun: the sensor ended while it started")
            }
            Self::Foreign(magic) => write!(
                out,
                "the page begins with {magic:#018x}, not with {MAGIC:#018x}: it is of another version \
                 of the sensor, of a machine of another byte order, or damaged"
            ),
            Self::Causes(causes) => write!(
                out,
                "the page counts by {causes} causes, and this version knows {}: it is of a later \
                 version of the sensor, or damaged",
                AlertDrop::COUNT
            ),
            Self::Workers(workers) => {
                write!(
                    out,
                    "the page says {workers} workers, more than there can be: it is damaged"
                )
            }
            Self::Short { cells, wanted } => {
                write!(out, "the page has {cells} cells of {wanted}: it was cut")
            }
        }
    }
}

impl core::error::Error for BadPage {}

/// What one worker had done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashedWorker {
    /// Alerts that it had raised; the sequence of the last one.
    pub raised: u64,
    /// Alerts lost before the drain, by [`AlertDrop`].
    pub lost: [u64; AlertDrop::COUNT],
}

/// The alert ledger of a boot, as its page says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashLedger {
    /// The workers, by index.
    pub workers: Vec<CrashedWorker>,
    /// Alerts that JetStream had acknowledged.
    pub acknowledged: u64,
    /// Alerts that core NATS had taken.
    pub sent: u64,
    /// Alerts written to the output that was their only destination.
    pub written: u64,
    /// Alerts that the spool held. What is found in the spool's files is surer, and may be put here
    /// before [`CrashLedger::lost_at_crash`] is asked.
    pub spooled: u64,
    /// Alerts that the control plane had lost, by [`AlertDrop`].
    pub drops: [u64; AlertDrop::COUNT],
}

impl CrashLedger {
    /// Reads the cells of a page.
    ///
    /// # Errors
    /// [`BadPage`]; any cells whatever can be given.
    pub fn read(page: &[u64]) -> Result<Self, BadPage> {
        let head = |index| page.get(index).copied().unwrap_or_default();
        match head(MAGIC_AT) {
            0 => return Err(BadPage::NotBegun),
            MAGIC => {}
            magic => return Err(BadPage::Foreign(magic)),
        }
        let causes = match usize::try_from(head(CAUSES_AT)) {
            Ok(causes) if causes <= AlertDrop::COUNT => causes,
            _ => return Err(BadPage::Causes(head(CAUSES_AT))),
        };
        let workers = u16::try_from(head(WORKERS_AT));
        let workers = usize::from(workers.map_err(|_| BadPage::Workers(head(WORKERS_AT)))?);
        let (first, each) = (workers_at(causes), worker_cells(causes));
        let wanted = first + workers * each;
        let short = BadPage::Short { cells: page.len(), wanted };
        let blocks = page.get(first..wanted).ok_or(short)?.chunks_exact(each);
        let mut ledger = Self {
            workers: blocks.map(|block| CrashedWorker::read(block, causes)).collect(),
            acknowledged: head(ACKNOWLEDGED),
            sent: head(SENT),
            written: head(WRITTEN),
            spooled: head(SPOOLED),
            drops: [0; AlertDrop::COUNT],
        };
        // A page of fewer causes has none of the later ones.
        ledger.drops[..causes].copy_from_slice(&page[DROPS_AT..DROPS_AT + causes]);
        Ok(ledger)
    }

    /// Alerts that the workers had raised.
    #[must_use]
    pub fn raised(&self) -> u64 {
        sum(self.workers.iter().map(|worker| worker.raised))
    }

    /// Alerts lost by `cause`, before the drain and after it.
    #[must_use]
    pub fn dropped(&self, cause: AlertDrop) -> u64 {
        let before = self.workers.iter().map(|worker| worker.lost[cause as usize]);
        sum(before.chain([self.drops[cause as usize]]))
    }

    /// Alerts that had ended: delivered, in the spool, or lost for a known cause.
    #[must_use]
    pub fn ended(&self) -> u64 {
        let drops = AlertDrop::ALL.iter().map(|cause| self.dropped(*cause));
        sum(drops.chain([self.acknowledged, self.sent, self.written, self.spooled]))
    }

    /// Alerts that were on their way when the process ended, and are lost: in the rings, in the control
    /// plane, or in memory waiting for NATS.
    ///
    /// 0 when more have ended than were raised, as when the spool's files hold a batch that NATS had
    /// acknowledged already.
    #[must_use]
    pub fn lost_at_crash(&self) -> u64 {
        self.raised().saturating_sub(self.ended())
    }
}

impl CrashedWorker {
    fn read(block: &[u64], causes: usize) -> Self {
        let mut lost = [0; AlertDrop::COUNT];
        lost[..causes].copy_from_slice(&block[1..=causes]);
        Self { raised: block[0], lost }
    }
}

/// The sum of counts that a damaged page may have made too large for one.
fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests;
