//! The levels of the sensor's own log.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiState, Problem};

/// Longest filter, in bytes.
const FILTER_BYTES_MAX: usize = 4_096;

/// The levels in use.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogShown {
    /// The filter as it was written (`info,async_nats=warn`).
    filter: String,
}

/// The levels in use.
#[utoipa::path(get, path = "/api/v1/log", responses(
    (status = 200, body = LogShown), (status = 401, body = Problem)
))]
pub(super) async fn show(State(state): State<Arc<ApiState>>) -> Json<LogShown> {
    Json(LogShown { filter: state.log.filter() })
}

/// Puts other levels in their place, until the sensor ends.
#[utoipa::path(put, path = "/api/v1/log",
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, body = LogShown),
        (status = 400, description = "Not a filter; nothing was changed", body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, description = "The filter is too long", body = Problem),
    )
)]
pub(super) async fn set(
    State(state): State<Arc<ApiState>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<LogShown>, Problem> {
    let body = body.map_err(|error| refused(error.status(), error.body_text()))?;
    if body.len() > FILTER_BYTES_MAX {
        let detail = format!("the filter is longer than {FILTER_BYTES_MAX} bytes");
        return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let filter = String::from_utf8_lossy(&body);
    let filter = filter.trim();
    if filter.is_empty() {
        return Err(refused(StatusCode::BAD_REQUEST, "the body is empty"));
    }
    state.log.set_filter(filter).map_err(|reason| {
        refused(StatusCode::BAD_REQUEST, format!("{filter:?} is not used: {reason}"))
    })?;
    tracing::info!(filter, "log levels were changed over the API");
    Ok(Json(LogShown { filter: state.log.filter() }))
}

fn refused(status: StatusCode, detail: impl Into<String>) -> Problem {
    let mend = "send levels as the body: info, or by part info,control=debug";
    Problem::new(status, "The log's levels are unchanged", detail, mend)
}
