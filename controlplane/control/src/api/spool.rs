//! What waits on disk, and sending again what is kept there.

#![allow(unused_qualifications, reason = "utoipa's macros qualify the types of queries")]

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiState, Problem};
use crate::spool::SpoolView;

/// The spool; `state` is `off` where there is none.
#[utoipa::path(get, path = "/api/v1/spool", responses(
    (status = 200, body = SpoolView), (status = 401, body = Problem)
))]
pub(super) async fn show(State(state): State<Arc<ApiState>>) -> Json<SpoolView> {
    Json(state.collector.spool_view())
}

/// What is sent again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayQuery {
    /// Batches written since then, seconds since 1970; everything that is kept without it.
    #[serde(default)]
    since: u64,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    /// Batches that wait to be sent again now.
    batches: u64,
}

/// Sends again what NATS has acknowledged and `spool.keep_acknowledged_s` has kept, for a server that has
/// lost it. The ids are the same, so that a server that has not drops it within its duplicate window.
#[utoipa::path(post, path = "/api/v1/spool/replay", params(ReplayQuery), responses(
    (status = 200, body = Replayed), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)
))]
pub(super) async fn replay(
    State(state): State<Arc<ApiState>>,
    query: Result<Query<ReplayQuery>, QueryRejection>,
) -> Result<Json<Replayed>, Problem> {
    let Query(query) = query.map_err(|error| {
        let mend = "use since=SECONDS, whole seconds since 1970, or nothing";
        Problem::new(StatusCode::BAD_REQUEST, "Bad query", error.body_text(), mend)
    })?;
    let Some(spool) = &state.collector.spool else {
        let mend = "set spool.path and spool.keep_acknowledged_s";
        return Err(Problem::new(StatusCode::CONFLICT, "No spool", "nothing is kept", mend));
    };
    match spool.send_again(query.since).await {
        Some(batches) => Ok(Json(Replayed { batches })),
        None => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The spool is ending",
            "the sensor is being stopped",
            "ask again once it has started",
        )),
    }
}
