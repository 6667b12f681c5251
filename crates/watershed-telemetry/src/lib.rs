//! Traces: each task a span, sent to an OpenTelemetry collector. A feature of the build, `otel`.
//!
//! Configured by the variables that OpenTelemetry defines (docs/telemetry.md); off where they name
//! no endpoint. `wanted` reads them, `sent` sends, `told` decides what of a span goes out.

#[cfg(not(feature = "otel"))]
mod left_out;
#[cfg(feature = "otel")]
mod sent;
#[cfg(feature = "otel")]
mod told;
mod wanted;

#[cfg(not(feature = "otel"))]
pub use left_out::Traces;
#[cfg(feature = "otel")]
pub use sent::Traces;
pub use wanted::{Variable, wanted};

/// Whether this build can send traces.
pub const OTEL: bool = cfg!(feature = "otel");

/// Why no traces are sent although somebody asked for them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variables do not make an exporter. What they hold is not told: it may be a secret.
    #[error(
        "traces are not sent: an OTEL_… variable cannot be used; OTEL_EXPORTER_OTLP_ENDPOINT is \
         an address such as http://127.0.0.1:4318"
    )]
    Unusable,
    /// Another protocol is asked for than the one that is spoken.
    #[error(
        "traces are not sent: {0} asks for another protocol than http/protobuf, the one that is \
         spoken (a collector takes it on port 4318)"
    )]
    Protocol(&'static str),
}
