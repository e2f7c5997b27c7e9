//! What the sensor has done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::{ApiState, Problem};
use crate::stats::{Snapshot, prometheus};

/// Both ledgers, counters and latencies.
#[utoipa::path(get, path = "/api/v1/stats", responses(
    (status = 200, body = Snapshot), (status = 401, body = Problem)
))]
pub(super) async fn stats(State(state): State<Arc<ApiState>>) -> Json<Snapshot> {
    Json(state.collector.snapshot())
}

/// The same for Prometheus.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 401, body = Problem)
))]
pub(super) async fn metrics(State(state): State<Arc<ApiState>>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, prometheus(&state.collector.snapshot()))
}
