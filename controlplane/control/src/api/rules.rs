//! The rules in use, and others in their place.

#![allow(unused_qualifications, reason = "utoipa's macros qualify the types of queries")]

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiState, Problem};
use crate::store::{
    ActivateError, Activation, GenerationInfo, LoadedRules, Policy, RuleCounts, RuleDiagnostic,
};

/// How much is told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    /// Add the rules as written, and what was said about their text.
    #[serde(default)]
    full: bool,
}

/// The rules in use.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesShown {
    /// The active generation.
    #[serde(flatten)]
    generation: GenerationInfo,
    /// Generations that are not freed yet, the active one included.
    live: Vec<u32>,
    /// Workers that have not confirmed the active generation.
    unconfirmed_workers: Vec<u16>,
    /// The rules as written, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// What was said about the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Vec<RuleDiagnostic>>,
}

/// The rules in use.
#[utoipa::path(get, path = "/api/v1/rules", params(ShowQuery), responses(
    (status = 200, body = RulesShown), (status = 400, body = Problem), (status = 401, body = Problem)
))]
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Json<RulesShown>, Problem> {
    let Query(query) = query.map_err(|error| bad_query(&error, "full=true"))?;
    let store = &state.store;
    Ok(Json(RulesShown {
        generation: store.info(),
        live: store.live(),
        unconfirmed_workers: store.unconfirmed(),
        text: query.full.then(|| store.text()),
        diagnostics: query.full.then(|| store.diagnostics()),
    }))
}

/// What is done with a text of which a rule is refused.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivateQuery {
    /// Activate the rules that load, and tell the others. Without it, one refused rule keeps everything
    /// as it is.
    #[serde(default)]
    partial: bool,
}

/// A text was activated.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activated {
    /// The new generation.
    #[serde(flatten)]
    generation: GenerationInfo,
    /// Workers that use it.
    confirmed_workers: usize,
    /// Workers that have not confirmed it in time: they use the old one until they can switch.
    unconfirmed_workers: Vec<u16>,
    /// What was said about the text.
    diagnostics: Vec<RuleDiagnostic>,
}

/// Puts a rules text in the place of the rules in use.
#[utoipa::path(put, path = "/api/v1/rules", params(ActivateQuery),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, description = "Every worker uses it", body = Activated),
        (status = 202, description = "Some workers have not confirmed it", body = Activated),
        (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, description = "The text is too long", body = Problem),
        (status = 422, description = "Nothing was changed; every diagnostic", body = Problem),
        (status = 503, description = "A worker has no room for it", body = Problem),
    )
)]
pub(super) async fn activate(
    State(state): State<Arc<ApiState>>,
    query: Result<Query<ActivateQuery>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| bad_query(&error, "partial=true"))?;
    let text = body.map_err(|error| too_long(&error, state.store.text_bytes_max()))?;
    let policy = if query.partial { Policy::Partial } else { Policy::Strict };
    let store = Arc::clone(&state.store);
    // A client that goes away does not stop an activation half-way.
    let activation = tokio::spawn(async move { store.activate(text, "api", policy).await });
    let done = activation.await.map_err(|error| ActivateError::Failed(error.to_string()));
    match done.flatten() {
        Ok(activation) => Ok(activated(activation)),
        Err(error) => Err(refused(error)),
    }
}

fn activated(activation: Activation) -> Response {
    let Activation { generation, diagnostics, confirmed, unconfirmed } = activation;
    let status = if unconfirmed.is_empty() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let body = Activated {
        generation,
        confirmed_workers: confirmed,
        unconfirmed_workers: unconfirmed,
        diagnostics,
    };
    (status, Json(body)).into_response()
}

fn bad_query(error: &QueryRejection, known: &str) -> Problem {
    let mend = format!("{known} is all that can be asked here");
    Problem::new(error.status(), "The query means nothing", error.body_text(), mend)
}

fn too_long(error: &BytesRejection, bytes_max: usize) -> Problem {
    let mend = format!("send at most {bytes_max} bytes, or raise rules.store.text_bytes_max");
    Problem::new(error.status(), "The rules text was not read", error.body_text(), mend)
}

fn refused(error: ActivateError) -> Problem {
    let detail = error.to_string();
    let unchanged = "The rules are unchanged";
    let with_rules = |loaded: LoadedRules, mend: &str| {
        let counts = RuleCounts::from(&loaded.counts);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, unchanged, detail.clone(), mend)
            .with_rules(counts, loaded.diagnostics)
    };
    match error {
        ActivateError::Refused(loaded) => with_rules(
            *loaded,
            "mend the rules that diagnostics name, or add ?partial=true to do without them",
        ),
        ActivateError::Empty(loaded) => with_rules(*loaded, "send a rules file as the body"),
        ActivateError::Limit(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, unchanged, detail, "send fewer rules")
        }
        ActivateError::Stuck(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            unchanged,
            detail,
            "retry when the workers answer again; /readyz and /api/v1/stats show them",
        ),
        ActivateError::Failed(_) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            unchanged,
            detail,
            "look into the sensor's log",
        ),
    }
}
