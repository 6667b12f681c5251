//! Log lines on stderr, above the progress bars. URLs are logged without query, secrets never.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::env_names;
use crate::output::Output;
use crate::progress;
use crate::settings::{LogFormat, Vars};

/// Begins to write them. Only the first call of a process counts.
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
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Beside)
        .with_ansi(out.colour_err);
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
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
