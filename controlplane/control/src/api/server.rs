//! The listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::auth::Guard;
use super::{ApiState, router};
use crate::config::ApiConfig;

/// A running server.
pub(crate) struct ServerHandle {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// Binds and serves the API.
///
/// # Errors
/// The address cannot be bound, or the token not read.
pub(crate) async fn start(config: &ApiConfig, state: ApiState) -> io::Result<ServerHandle> {
    let token = config.token_file.as_deref();
    let guard = Guard::new("api", token, config.allow_unauthenticated_loopback)?;
    let listener = listen("api.listen", config.listen).await?;
    let places = Arc::new(Semaphore::new(config.requests_max));
    let router = router(&Arc::new(state), guard);
    let router = router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let places = Arc::clone(&places);
        async move {
            // The semaphore is never closed; a request that waits holds nothing but its connection.
            let _place = places.acquire().await;
            next.run(request).await
        }
    }));
    let server = serve(listener, router)?;
    tracing::info!(address = %server.address, "API");
    Ok(server)
}

/// Binds `address`, which is the value of `key`.
pub(super) async fn listen(key: &str, address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{key}: {address}: {error}")))
}

/// Serves until the handle says otherwise.
pub(super) fn serve(listener: TcpListener, router: Router) -> io::Result<ServerHandle> {
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async {
        // An error means that the handle is gone, which stops the server as well.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move { serve.await });
    Ok(ServerHandle { address, stop, task })
}

impl ServerHandle {
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
