//! Spans on their way to the collector: a bounded queue, a thread of its own, a time limit.
//!
//! What is in the queue goes out in batches; what finds it full is dropped. So a collector that is
//! down or hangs costs its traces and nothing else. The thread's own calls make no spans: only
//! those of [`TARGET`] are heard of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer, Registry};

use crate::{Error, Variable, told, wanted};

/// The spans that are sent: those of tasks and their calls.
const TARGET: &str = "watershed::phase";
/// What these call themselves, where `OTEL_SERVICE_NAME` says nothing else.
const SERVICE: &str = "watershed";
/// A process that ends waits so long for what has not been sent.
const LAST: Duration = Duration::from_secs(2);
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// Traces on their way out.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send, where the environment asks for it.
    ///
    /// # Errors
    /// Where what it asks for cannot be done.
    pub fn begin(variable: Variable<'_>) -> Result<Option<Traces>, Error> {
        if !wanted(variable) {
            return Ok(None);
        }
        let set = |name: &&&str| variable(name).is_some_and(|it| !it.is_empty());
        if let Some(name) = PROTOCOLS.iter().find(set)
            && variable(name).is_some_and(|protocol| protocol != "http/protobuf")
        {
            return Err(Error::Protocol(name));
        }
        // Where somebody has chosen the process's cryptography before, it is his.
        rustls::crypto::ring::default_provider().install_default().ok();
        let otlp = Otlp::builder().with_http().build().map_err(|_| Error::Unusable)?;
        let named = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"].map(variable);
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if !named.into_iter().flatten().any(|it| !it.is_empty()) {
            resource = resource.with_service_name(SERVICE);
        }
        let sender = Sender { otlp, lost: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(sender)
            .build();
        Ok(Some(Traces(provider)))
    }

    /// What hears of spans.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::DEBUG))
            .boxed()
    }

    /// Sends what is left, within [`LAST`]. What ends later is lost.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::debug!(%error, "the last traces did not go out");
        }
    }
}

/// Sends batches, less what must not go out, and tells when the collector begins to fail.
#[derive(Debug)]
struct Sender {
    otlp: Otlp,
    lost: AtomicBool,
}

impl SpanExporter for Sender {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(told::shape);
        let spans = batch.len();
        let sent = self.otlp.export(batch).await;
        let before = self.lost.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !before => {
                tracing::warn!(spans, %error, "traces are lost: the collector does not take them");
            }
            Ok(()) if before => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}
