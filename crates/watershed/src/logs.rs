//! Log lines on stderr, above the progress bars, and traces where they are asked for. URLs are
//! logged without query, secrets never.

use std::io::{self, Write};
use std::sync::OnceLock;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, registry};
use watershed_telemetry::Traces;

use crate::built;
use crate::env_names;
use crate::output::Output;
use crate::progress;
use crate::settings::{LogFormat, Vars};

/// The traces of this process, where it sends any.
static TRACES: OnceLock<Traces> = OnceLock::new();

/// Begins to send traces, where the environment asks for them.
pub(crate) fn begin_traces(out: &Output, vars: &Vars) {
    let variable = |name: &str| vars.get(name).cloned();
    if watershed_telemetry::wanted(&variable)
        && let Some(why) = built::no_traces()
    {
        out.warning(why);
    }
    match Traces::begin(&variable) {
        Ok(Some(traces)) => drop(TRACES.set(traces)),
        Ok(None) => {}
        Err(error) => out.warning(error.to_string()),
    }
}

/// Sends what is left of them: the last that this process does.
pub(crate) fn end() {
    if let Some(traces) = TRACES.get() {
        traces.end();
    }
}

/// Begins to write lines. Only the first call of a process counts.
pub(crate) fn begin(out: &Output, verbose: u8, format: LogFormat, vars: &Vars) {
    let by_flag = match verbose {
        0 if out.quiet => "error",
        0 => "warn",
        1 => "watershed=info,warn",
        2 => "watershed=debug,warn",
        _ => "watershed=trace,info",
    };
    let filter = vars.get(env_names::LOG).filter(|text| !text.is_empty());
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(by_flag));
    let lines = tracing_subscriber::fmt::layer().with_writer(Beside).with_ansi(out.colour_err);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let mut layers = vec![lines.with_filter(filter).boxed()];
    layers.extend(TRACES.get().map(Traces::layer));
    let _ = registry().with(layers).try_init();
}

/// Writes whole lines to stderr with the bars out of the way.
struct Beside;

impl<'a> MakeWriter<'a> for Beside {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

/// One event: written when it is complete.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Nobody is left to tell of a stderr that is closed.
        progress::beside(|| drop(io::stderr().lock().write_all(&self.0)));
    }
}
