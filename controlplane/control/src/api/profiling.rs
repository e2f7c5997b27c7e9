//! Profiles of the running sensor over HTTP, on a port of their own, in the places where Go programs have
//! them: `go tool pprof http://127.0.0.1:6060/debug/pprof/profile?seconds=30`.

mod query;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, middleware};
use query::{Format, ProfileQuery};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::auth::{self, Guard};
use super::problem::Problem;
use super::server::{ServerHandle, listen, serve};
use crate::config::ProfilingConfig;
use crate::profiling::{CpuProfile, ProfileError, heap};

/// The page that lists what there is.
const INDEX: &str = include_str!("profiling/index.html");

/// What the handlers share.
struct ProfilingState {
    config: ProfilingConfig,
    /// The place of the CPU profile, and that of the heap profile.
    cpu: Arc<Semaphore>,
    heap: Arc<Semaphore>,
    /// Whether the sensor is ending.
    ending: watch::Receiver<bool>,
}

/// The running server.
pub(crate) struct ProfilingHandle {
    server: ServerHandle,
    ending: watch::Sender<bool>,
}

/// Binds and serves; `None` if it is switched off. A port that is taken (by another sensor on this machine,
/// say) is no reason not to inspect packets: that is told, and there are no profiles.
///
/// # Errors
/// The address cannot be bound for another reason, the token not read, or the heap not sampled.
pub(crate) async fn start(config: &ProfilingConfig) -> io::Result<Option<ProfilingHandle>> {
    if !config.enabled {
        return Ok(None);
    }
    let guard = Guard::new("profiling", config.token_file.as_deref(), false)?;
    if config.heap {
        let activated = heap::activate().await;
        activated.map_err(|error| io::Error::other(format!("profiling.heap: {error}")))?;
    }
    let listener = match listen("profiling.listen", config.listen).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!("{error}; there are no profiles of this sensor: choose another port");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let (ending, ended) = watch::channel(false);
    let state = ProfilingState {
        config: config.clone(),
        cpu: Arc::new(Semaphore::new(1)),
        heap: Arc::new(Semaphore::new(1)),
        ending: ended,
    };
    let server = serve(listener, router(state, guard))?;
    tracing::info!(address = %server.address, "profiles");
    Ok(Some(ProfilingHandle { server, ending }))
}

impl ProfilingHandle {
    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Ends a profile that is being taken, and the server.
    pub(crate) async fn finish(self, deadline: Instant) {
        self.ending.send_replace(true);
        self.server.finish(deadline).await;
    }
}

fn router(state: ProfilingState, guard: Guard) -> Router {
    Router::new()
        .route("/debug/pprof", get(|| async { Redirect::permanent("/debug/pprof/") }))
        .route("/debug/pprof/", get(|| async { Html(INDEX) }))
        .route("/debug/pprof/profile", get(cpu))
        .route("/debug/pprof/heap", get(heap))
        .route("/debug/pprof/cmdline", get(command_line))
        .fallback(|| async { nowhere(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            nowhere(StatusCode::METHOD_NOT_ALLOWED, "profiles are asked for by GET")
        })
        .layer(middleware::from_fn_with_state(Arc::new(guard), auth::guard))
        .with_state(Arc::new(state))
}

/// A CPU profile and its place, which is free again once the profile has ended.
struct Running {
    profile: CpuProfile,
    _place: OwnedSemaphorePermit,
}

/// Takes a CPU profile. It ends early, unanswered, when the client goes away.
async fn cpu(
    State(state): State<Arc<ProfilingState>>,
    query: Result<Query<ProfileQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let wanted = query::checked(query, &state.config)?;
    let place = place(&state.cpu)?;
    let running = blocking(move || {
        Ok(Running { profile: CpuProfile::start(wanted.frequency_hz)?, _place: place })
    });
    let running = running.await?;
    let mut ending = state.ending.clone();
    tokio::select! {
        () = tokio::time::sleep(wanted.length) => {}
        _ = ending.wait_for(|ending| *ending) => return Err(sensor_ends()),
    }
    let format = wanted.format;
    let bytes = blocking(move || match format {
        Format::Pprof => running.profile.pprof(),
        Format::Flamegraph => running.profile.flamegraph(),
    });
    let bytes = bytes.await?;
    Ok(match format {
        Format::Pprof => pprof_file("profile.pb.gz", bytes),
        Format::Flamegraph => ([(header::CONTENT_TYPE, "image/svg+xml")], bytes).into_response(),
    })
}

/// Tells what the heap holds.
async fn heap(State(state): State<Arc<ProfilingState>>) -> Result<Response, Problem> {
    if !state.config.heap {
        return Err(heap_is_off());
    }
    let place = place(&state.heap)?;
    let bytes = blocking(move || {
        let _place = place;
        heap::pprof().map_err(|error| ProfileError::Failed(error.to_string()))
    });
    Ok(pprof_file("heap.pb.gz", bytes.await?))
}

async fn command_line() -> impl IntoResponse {
    let words: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words.join("\0"))
}

fn pprof_file(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}

/// Runs what takes its time beside the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProfileError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    match done.map_err(|error| ProfileError::Failed(error.to_string())).flatten() {
        Ok(done) => Ok(done),
        Err(ProfileError::Running) => Err(already_running()),
        Err(ProfileError::Failed(reason)) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "No profile was taken",
            reason,
            "look into the sensor's log",
        )),
    }
}

fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(places).try_acquire_owned().map_err(|_| already_running())
}

fn already_running() -> Problem {
    let detail = "another profile of this kind is being taken";
    let mend = "ask again when it has ended";
    Problem::new(StatusCode::CONFLICT, "A profile is running", detail, mend)
}

fn sensor_ends() -> Problem {
    let detail = "the sensor is ending, and the profile with it";
    let mend = "ask again when the sensor has been started";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The profile was cut short", detail, mend)
}

fn heap_is_off() -> Problem {
    let (detail, mend) = if cfg!(feature = "heap-profile") {
        ("allocations are not sampled", "set profiling.heap = true and start the sensor again")
    } else {
        (
            "this build has no heap profiler",
            "build sensor-gateway with the feature jemalloc, and set profiling.heap = true",
        )
    };
    Problem::new(StatusCode::NOT_FOUND, "Heap profiles are off", detail, mend)
}

fn nowhere(status: StatusCode, detail: &str) -> Problem {
    let title = status.canonical_reason().unwrap_or("Refused");
    Problem::new(status, title, detail, "GET /debug/pprof/ lists what there is")
}
