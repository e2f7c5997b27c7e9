//! Whether the process lives, and whether it does its work.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;
use crate::stats::Collector;

/// A worker that was not seen to poll for so long does not inspect, seconds.
const SILENT_MAX_S: f64 = 2.0;

/// Whether the sensor does its work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Packets are inspected, and alerts can be delivered.
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    /// What does not stop the work, but should be looked at.
    degraded: Vec<String>,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// The sensor does its work.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, body = Readiness), (status = 503, body = Readiness)
))]
pub(super) async fn ready(State(state): State<Arc<ApiState>>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&state.collector);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

fn readiness(collector: &Collector) -> Readiness {
    let (mut reasons, mut degraded) = (Vec::new(), Vec::new());
    for worker in &collector.workers {
        let silent_s = worker.silent_s();
        if silent_s > SILENT_MAX_S {
            reasons.push(format!("worker {} has not polled for {silent_s:.0} s", worker.index));
        }
        let panics = worker.counters.panics.get();
        if panics > 0 {
            degraded.push(format!("worker {} has caught {panics} panics", worker.index));
        }
        if worker.counters.flow_emergency.load(Ordering::Relaxed) != 0 {
            let index = worker.index;
            degraded.push(format!(
                "worker {index} has too many flows and ends them early: raise flow.flows_max"
            ));
        }
        let given_up = worker.counters.shedding.load(Ordering::Relaxed);
        if given_up > 0 {
            // Level 1 gives up severity 4 and below, each further level one more.
            let severity = 5_u32.saturating_sub(given_up);
            degraded.push(format!(
                "worker {} sheds alerts of severity {severity} and lower: its ring is nearly full",
                worker.index
            ));
        }
    }
    let spool = collector.spool_view();
    if let Some(nats) = collector.nats.as_ref().filter(|nats| !nats.health.is_ready()) {
        let says_more = nats.reasons().join("; ");
        if spool.takes_alerts() {
            degraded
                .push(format!("NATS does not take alerts, which wait in the spool; {says_more}"));
        } else {
            reasons.push(format!("NATS does not take alerts; {says_more}"));
        }
    }
    if let Some(reason) = &spool.reason {
        degraded.push(format!("the spool cannot be written: {reason}"));
    }
    if let Some(eve) = &collector.eve
        && eve.is_failing()
    {
        let list = if collector.nats.is_some() { &mut degraded } else { &mut reasons };
        list.push("the EVE output cannot be written".into());
    }
    let unconfirmed = collector.store.unconfirmed();
    if !unconfirmed.is_empty() {
        degraded.push(format!("workers {unconfirmed:?} still use older rules"));
    }
    Readiness { ready: reasons.is_empty(), reasons, degraded }
}
