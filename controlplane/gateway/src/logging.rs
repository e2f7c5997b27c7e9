//! The sensor's own log: `tracing` events on the standard error, as text or JSON, at levels that can be
//! changed while it runs. With the features for them, spans also go to an OTLP collector, and tasks to
//! tokio-console.

#[cfg(feature = "tokio-console")]
mod console;
mod levels;
#[cfg(feature = "otlp")]
mod otlp;
mod panics;

use std::io::IsTerminal;
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Log, LogFormat, Traces};
use crate::exit::Failure;
pub(crate) use levels::Levels;
pub(crate) use panics::tell_panics;

/// A layer of any kind.
type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// What keeps logging going; the end of it sends the spans that wait.
pub(crate) struct Logging {
    levels: Arc<Levels>,
    #[cfg(feature = "otlp")]
    _spans: Option<otlp::Spans>,
}

impl Logging {
    /// The levels, to be changed while the sensor runs.
    pub(crate) fn levels(&self) -> Arc<Levels> {
        Arc::clone(&self.levels)
    }
}

/// Starts logging to the standard error. A second call in one process changes nothing.
pub(crate) fn start(config: &Log) {
    let (printed, _) = printed(config);
    init(vec![printed]);
}

/// The same, with everything that `traces` asks for; what this build lacks was refused when the
/// configuration was checked.
///
/// # Errors
/// What is asked for cannot be set up.
#[cfg_attr(
    not(all(feature = "otlp", feature = "tokio-console")),
    allow(unused_variables, unused_mut, reason = "what a build lacks takes no settings")
)]
pub(crate) fn start_with_traces(
    config: &Log,
    traces: &Traces,
    sensor: &str,
) -> Result<Logging, Failure> {
    let (printed, levels) = printed(config);
    let mut layers = vec![printed];
    #[cfg(feature = "otlp")]
    let spans = match &traces.otlp_endpoint {
        Some(endpoint) => {
            let (layer, spans) = otlp::start(endpoint, sensor)?;
            layers.push(layer);
            Some(spans)
        }
        None => None,
    };
    #[cfg(feature = "tokio-console")]
    layers.extend(traces.console_listen.map(console::start));
    init(layers);
    Ok(Logging {
        levels: Arc::new(levels),
        #[cfg(feature = "otlp")]
        _spans: spans,
    })
}

/// What is printed, and the levels of it.
fn printed(config: &Log) -> (Boxed, Levels) {
    // The filter was checked when the configuration was loaded.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_default();
    let (filter, handle) = reload::Layer::new(filter);
    let layer = lines(config.format).with_filter(filter).boxed();
    (layer, Levels::new(config.filter.clone(), handle))
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn init(layers: Vec<Boxed>) {
    if let Err(error) = tracing_subscriber::registry().with(layers).try_init() {
        tracing::debug!(%error, "logging was started before");
    }
}
