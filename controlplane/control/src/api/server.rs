//! The listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{self, Next};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::auth::Guard;
use super::{ApiState, router};
use crate::config::ApiConfig;
use crate::stats::Collector;
use crate::store::RuleStore;

/// The running server.
pub(crate) struct ApiHandle {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// Binds and serves.
///
/// # Errors
/// The address cannot be bound, or the token not read.
pub(crate) async fn start(
    config: &ApiConfig,
    collector: Arc<Collector>,
    store: Arc<RuleStore>,
) -> io::Result<ApiHandle> {
    let guard = Guard::of(config)?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        io::Error::new(error.kind(), format!("api.listen: {}: {error}", config.listen))
    })?;
    let address = listener.local_addr()?;
    let state = Arc::new(ApiState { collector, store, guard });
    let places = Arc::new(Semaphore::new(config.requests_max));
    let router = router(&state).layer(middleware::from_fn(move |request: Request, next: Next| {
        let places = Arc::clone(&places);
        async move {
            // The semaphore is never closed; a request that waits holds nothing but its connection.
            let _place = places.acquire().await;
            next.run(request).await
        }
    }));
    let (stop, stopped) = oneshot::channel();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async {
        // An error means that the handle is gone, which stops the server as well.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move { serve.await });
    tracing::info!(%address, "API");
    Ok(ApiHandle { address, stop, task })
}

impl ApiHandle {
    /// Takes no new connections, and waits for the requests that are being answered.
    pub(crate) async fn finish(self, deadline: Instant) {
        // The server may have ended by itself.
        let _ = self.stop.send(());
        let mut task = self.task;
        if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
            task.abort();
        }
    }
}
