//! What goes from the drain to the lanes, and who has to account for it.
//!
//! ```text
//! drain ─► Batcher ─► Outgoing ─┬──────────────────────────► Lanes ─► NATS      no spool, or on_failure
//!                               └─► Spool ─► file ─► Outgoing ─► Lanes ─► NATS      write_ahead
//!                                     ▲                           │
//!                                     └── acknowledged / undelivered ──┘
//! ```

use std::sync::Arc;

use bytes::Bytes;
use contract::AlertDrop;

use crate::spool::{Held, SpoolTicket};
use crate::tally::{Outcome, Ticket};

/// A closed batch on its way to NATS.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The lane that closed it, and that sends it.
    pub(crate) lane: u16,
    /// Subject of the message.
    pub(crate) subject: String,
    /// `Nats-Msg-Id` of the message: the same however often it is sent.
    pub(crate) id: String,
    /// The encoded `AlertBatch`.
    pub(crate) payload: Bytes,
    /// Alerts in it.
    pub(crate) alerts: u32,
    /// Monotonic reception time of each alert's packet, ns; empty for a batch that is replayed.
    pub(crate) received_ns: Box<[u64]>,
    /// It was read back from the spool.
    pub(crate) replay: bool,
    /// The duty to account for its alerts.
    pub(crate) duty: Duty,
}

/// The duty to account for the alerts of a batch.
#[derive(Debug)]
pub(crate) enum Duty {
    /// Only memory holds the batch.
    Memory(Ticket),
    /// Only memory holds the batch; the spool will, if it does not get out.
    Held(Box<Held>),
    /// The spool holds it too.
    Spooled(SpoolTicket),
}

impl Duty {
    /// The batch is out. `outcome` is [`Outcome::Acknowledged`] or [`Outcome::Sent`].
    pub(crate) fn delivered(self, outcome: Outcome) {
        match self {
            Self::Memory(ticket) => ticket.end(outcome),
            Self::Held(held) => held.delivered(outcome),
            Self::Spooled(ticket) => ticket.delivered(outcome),
        }
    }

    /// The batch did not get out: it is lost by `cause`, or waits in the spool to be sent again.
    pub(crate) fn undelivered(self, cause: AlertDrop) {
        match self {
            Self::Memory(ticket) => ticket.end(Outcome::Dropped(cause)),
            Self::Held(held) => held.undelivered(cause),
            Self::Spooled(ticket) => drop(ticket),
        }
    }
}

impl Outgoing {
    /// Whether something else than this holds the batch, or will if it does not get out.
    pub(crate) const fn can_go_back(&self) -> bool {
        matches!(self.duty, Duty::Held(_) | Duty::Spooled(_))
    }

    /// The batch can never get out as it is: its alerts are lost by `cause`, wherever it is held.
    pub(crate) fn failed(self, cause: AlertDrop) {
        match self.duty {
            Duty::Memory(ticket) => ticket.lose(cause, &self.payload),
            Duty::Held(held) => held.failed(cause),
            Duty::Spooled(ticket) => ticket.delivered(Outcome::Dropped(cause)),
        }
    }

    /// The batch did not get out: its alerts are lost by `cause` and counted by their signatures, or it
    /// waits in the spool to be sent again.
    pub(crate) fn lost(self, cause: AlertDrop) {
        match self.duty {
            Duty::Memory(ticket) => ticket.lose(cause, &self.payload),
            duty => duty.undelivered(cause),
        }
    }
}

/// Where closed batches go next. Nothing in here may block.
pub(crate) trait Intake: Send {
    /// Takes a batch, and the duty to account for it.
    fn take(&self, batch: Outgoing);
}

/// Without a spool the lanes take batches as they come.
impl Intake for Arc<dyn Lanes> {
    fn take(&self, batch: Outgoing) {
        if let Err(batch) = self.push(batch) {
            batch.lost(AlertDrop::LaneFull);
        }
    }
}

/// The lanes, as those see them who hand them batches. Nothing in here may block.
pub(crate) trait Lanes: Send + Sync {
    /// Puts a batch into the queue of its lane; a full queue gives it back.
    #[expect(clippy::result_large_err, reason = "the batch is given back as it came")]
    fn push(&self, batch: Outgoing) -> Result<(), Outgoing>;

    /// Whether the lane can publish now.
    fn is_ready(&self, lane: u16) -> bool;

    /// Whether the lane's queue would take another batch, with room to spare for fresh ones.
    fn has_room(&self, lane: u16) -> bool;
}
