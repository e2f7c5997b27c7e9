//! The duty to tell the spool what became of a batch that it holds.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use contract::AlertDrop;
use tokio::sync::oneshot;

use super::Shared;
use crate::delivery::{Duty, Outgoing};
use crate::tally::Outcome;

/// What the spool is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Keep this batch, then send it.
    Append(Outgoing),
    /// NATS did not take this batch, which only memory holds: keep it, to be sent again.
    Keep(Outgoing),
    /// This record is out.
    Delivered { record: u64, outcome: Outcome },
    /// This record did not get out; send it again later.
    Undelivered { record: u64 },
    /// Send what is done and kept again, if it was written since `since_s` (seconds since 1970). The
    /// answer: how many records.
    SendAgain { since_s: u64, answer: oneshot::Sender<u64> },
    /// No more batches come.
    End,
}

/// Stands for a record of the spool that is on its way. Dropped without a word, the record is sent again.
#[derive(Debug)]
pub(crate) struct SpoolTicket {
    record: u64,
    /// `None` once it has been told.
    spool: Option<Sender<Command>>,
}

impl SpoolTicket {
    /// A ticket for `record`.
    pub(crate) const fn new(record: u64, spool: Sender<Command>) -> Self {
        Self { record, spool: Some(spool) }
    }

    /// The record is out, or, with [`Outcome::Dropped`], can never get out.
    pub(crate) fn delivered(mut self, outcome: Outcome) {
        self.tell(Command::Delivered { record: self.record, outcome });
    }

    fn tell(&mut self, command: Command) {
        if let Some(spool) = self.spool.take() {
            // A spool that has ended keeps the record; the next start sends it again.
            let _ = spool.send(command);
        }
    }
}

impl Drop for SpoolTicket {
    fn drop(&mut self) {
        self.tell(Command::Undelivered { record: self.record });
    }
}

/// Stands for a batch that only memory holds, and that the spool gets if it does not get out. Dropped
/// without a word, it did not.
#[derive(Debug)]
pub(crate) struct Held {
    /// The same batch; `None` once it has been told what became of it.
    batch: Option<Outgoing>,
    spool: Sender<Command>,
    shared: Arc<Shared>,
}

impl Held {
    /// Puts the duty for `batch` into the hands of one of these.
    pub(super) fn of(batch: Outgoing, spool: Sender<Command>, shared: Arc<Shared>) -> Outgoing {
        let Outgoing { lane, alerts, replay, .. } = batch;
        let (subject, id, payload) =
            (batch.subject.clone(), batch.id.clone(), batch.payload.clone());
        let received_ns = batch.received_ns;
        let kept = Outgoing { received_ns: Box::default(), ..batch };
        let duty = Duty::Held(Box::new(Self { batch: Some(kept), spool, shared }));
        Outgoing { lane, subject, id, payload, alerts, received_ns, replay, duty }
    }

    /// The batch is out.
    pub(crate) fn delivered(mut self, outcome: Outcome) {
        if let Some(batch) = self.batch.take() {
            batch.duty.delivered(outcome);
        }
    }

    /// The batch can never get out as it is: its alerts are lost by `cause`.
    pub(crate) fn failed(mut self, cause: AlertDrop) {
        if let Some(batch) = self.batch.take() {
            batch.failed(cause);
        }
    }

    /// The batch did not get out: the spool gets it, or, if it takes no more, it is lost by `cause`.
    pub(crate) fn undelivered(mut self, cause: AlertDrop) {
        self.keep(cause);
    }

    fn keep(&mut self, cause: AlertDrop) {
        let Some(batch) = self.batch.take() else { return };
        if let Err(batch) = self.shared.enqueue(&self.spool, batch, Command::Keep) {
            batch.lost(cause);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keep(AlertDrop::Shutdown);
    }
}
