//! A batch while alerts are written into it.

use alert_schema::BatchEncoder;

use crate::SensorIdentity;
use crate::tally::{Claim, Ticket};

/// One open batch; after it was closed, its tables and lists serve the next one.
pub(super) struct OpenBatch {
    pub(super) severity: u8,
    pub(super) encoder: BatchEncoder,
    /// Stands for its alerts; `None` before the first.
    pub(super) ticket: Option<Ticket>,
    /// When the packet of each alert was received.
    pub(super) received_ns: Vec<u64>,
    /// When each alert was read from its ring.
    pub(super) drained_ns: Vec<u64>,
}

impl OpenBatch {
    pub(super) fn new(identity: &SensorIdentity) -> Self {
        let SensorIdentity { site, sensor, boot } = identity;
        Self {
            severity: 0,
            encoder: BatchEncoder::new(site, sensor, boot),
            ticket: None,
            received_ns: Vec::new(),
            drained_ns: Vec::new(),
        }
    }

    /// Notes an alert that the encoder has taken.
    pub(super) fn pushed(&mut self, received_ns: u64, drained_ns: u64, claim: Claim<'_>) {
        self.received_ns.push(received_ns);
        self.drained_ns.push(drained_ns);
        match &mut self.ticket {
            Some(ticket) => claim.join(ticket),
            None => self.ticket = Some(claim.ticket()),
        }
    }
}
