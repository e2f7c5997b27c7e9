//! Where the live sensor's alerts go: to NATS, to the EVE output, or to both.
//!
//! The ledger follows one destination: NATS where there is one, else the EVE output, else nothing, where
//! an alert is written as soon as it is read.

use std::sync::Arc;

use crate::alert::Alert;
use crate::drain::AlertSink;
use crate::eve::{EveItem, EveOutput};
use crate::nats::NatsOutput;
use crate::tally::{Outcome, Ticket};

/// The sinks of the live sensor.
pub(crate) struct Sinks {
    pub(crate) nats: Option<NatsOutput>,
    pub(crate) eve: Option<EveOutput>,
}

impl AlertSink for Sinks {
    fn alert(&mut self, alert: Alert, ticket: Ticket) {
        match (&self.nats, &self.eve) {
            (Some(nats), None) => nats.push(Arc::new(alert), ticket),
            (Some(nats), Some(eve)) => {
                let alert = Arc::new(alert);
                nats.push(Arc::clone(&alert), ticket);
                eve.push(EveItem { alert, ticket: None });
            }
            (None, Some(eve)) => {
                eve.push(EveItem { alert: Arc::new(alert), ticket: Some(ticket) });
            }
            (None, None) => ticket.end(Outcome::Written),
        }
    }
}
