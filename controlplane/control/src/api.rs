//! The HTTP API: health, stats, metrics, rules, the spool and the log's levels; and, on a port of its own,
//! profiles.
//!
//! `/api/v1/openapi.json` describes it; routes and description are made from the same list, and a test
//! asks the server for everything that the description promises.

mod auth;
mod health;
mod log;
mod problem;
pub(crate) mod profiling;
mod rules;
mod server;
mod spool;
mod stats;

use std::sync::Arc;

use auth::Guard;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router, middleware};
use problem::Problem;
pub(crate) use server::{ServerHandle, start};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::log::LogLevels;
use crate::stats::Collector;
use crate::store::RuleStore;

/// What the handlers share.
pub(crate) struct ApiState {
    pub(crate) collector: Arc<Collector>,
    pub(crate) store: Arc<RuleStore>,
    pub(crate) log: Arc<dyn LogLevels>,
}

/// The path of the description.
const OPENAPI_PATH: &str = "/api/v1/openapi.json";

fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(stats::stats))
        .routes(routes!(stats::metrics))
        .routes(routes!(rules::show, rules::activate))
        .routes(routes!(spool::show))
        .routes(routes!(spool::replay))
        .routes(routes!(log::show, log::set))
}

/// The description of the API.
#[must_use]
pub fn openapi() -> OpenApi {
    describe(routes().into_openapi())
}

fn describe(mut openapi: OpenApi) -> OpenApi {
    openapi.info.title = "Sensor Gateway".into();
    openapi.info.version = env!("CARGO_PKG_VERSION").into();
    openapi.info.description =
        Some("Health, stats, metrics, rules, spool and log levels of one sensor.".into());
    openapi.info.license = None;
    openapi
}

/// The router over `state`, behind `guard`.
fn router(state: &Arc<ApiState>, guard: Guard) -> Router {
    let (router, openapi) = routes().split_for_parts();
    let description = describe(openapi);
    router
        .route(OPENAPI_PATH, get(move || async move { Json(description) }))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn_with_state(Arc::new(guard), auth::guard))
        .layer(DefaultBodyLimit::max(state.store.text_bytes_max()))
        .with_state(Arc::clone(state))
}
