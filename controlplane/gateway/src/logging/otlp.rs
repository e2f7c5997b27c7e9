//! Spans of the control plane to an OTLP collector, over HTTP with protobuf.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;

use super::Boxed;
use crate::exit::{Exit, Failure};

/// What is sent: our own spans. Those of libraries, the exporter's among them, are not.
const TARGETS: [&str; 2] = ["control", "sensor_gateway"];

/// The way of spans to the collector; what waits is sent when it is dropped.
pub(super) struct Spans(SdkTracerProvider);

/// A layer that sends spans to `endpoint`, from a thread of its own. The collector may be down.
pub(super) fn start(endpoint: &str, sensor: &str) -> Result<(Boxed, Spans), Failure> {
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| {
        Failure::new(Exit::Usage, format!("traces.otlp_endpoint: {endpoint}: {error}"))
    })?;
    let resource = Resource::builder()
        .with_service_name("sensor-gateway")
        .with_attribute(opentelemetry::KeyValue::new("service.instance.id", sensor.to_owned()))
        .build();
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    let wanted = Targets::new().with_targets(TARGETS.map(|target| (target, Level::INFO)));
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("sensor-gateway"));
    Ok((layer.with_filter(wanted).boxed(), Spans(provider)))
}

impl Drop for Spans {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::debug!(%error, "not every span reached the collector");
        }
    }
}
