//! Where the live sensor's alerts go: to NATS, to the EVE output, or to both.
//!
//! The ledger follows one destination: NATS where there is one, else the EVE output, else nothing, where
//! an alert is written as soon as it is read.

use std::sync::Arc;

use crate::alert::AlertView;
use crate::batch::{Batcher, DrainLatency};
use crate::drain::AlertSink;
use crate::eve::{EveItem, EveOutput};
use crate::tally::{Claim, Outcome};
use crate::time::Clock;

/// The sinks of the live sensor.
pub(crate) struct Sinks {
    pub(crate) batcher: Option<Batcher>,
    pub(crate) eve: Option<EveOutput>,
    pub(crate) clock: Clock,
    pub(crate) latency: Arc<DrainLatency>,
}

impl AlertSink for Sinks {
    fn alert(&mut self, alert: &AlertView<'_>, claim: Claim<'_>) {
        let now = self.clock.now_ns();
        let after = u64::from(alert.header.raised_after_ns);
        self.latency.detection.record(after);
        let raised_ns = alert.header.rx_ns.saturating_add(after);
        self.latency.queueing.record(now.saturating_sub(raised_ns));
        match (&mut self.batcher, &self.eve) {
            (Some(batcher), eve) => {
                batcher.push(alert, now, claim);
                if let Some(eve) = eve {
                    eve.push(EveItem { alert: Arc::new(alert.to_alert()), ticket: None });
                }
            }
            (None, Some(eve)) => {
                let alert = Arc::new(alert.to_alert());
                eve.push(EveItem { alert, ticket: Some(claim.ticket()) });
            }
            (None, None) => claim.end(Outcome::Written),
        }
    }

    fn round_ended(&mut self) {
        if let Some(batcher) = &mut self.batcher {
            batcher.round_ended();
        }
    }

    fn ended(&mut self) {
        if let Some(batcher) = &mut self.batcher {
            batcher.close_every_batch();
        }
    }
}
