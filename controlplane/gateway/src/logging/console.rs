//! The control plane's tasks for tokio-console. Only with `--cfg tokio_unstable` does tokio tell of them.

use std::net::SocketAddr;

use console_subscriber::ConsoleLayer;
use tracing::Metadata;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;

use super::Boxed;

/// A layer that serves `listen`, from a thread and a runtime of its own.
pub(super) fn start(listen: SocketAddr) -> Boxed {
    let layer = ConsoleLayer::builder().server_addr(listen).spawn();
    layer.with_filter(filter_fn(is_of_tokio)).boxed()
}

/// Whether it tells of a task or a resource, rather than of the sensor.
fn is_of_tokio(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target.starts_with("tokio") || target.starts_with("runtime")
}
