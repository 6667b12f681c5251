//! `watershed estimate`: what a run would cost, told before it.

use std::sync::Arc;

use anyhow::Result;
use watershed_engine::{Sampling, exit};
use watershed_sink::SqliteSink;

use super::dispatch::Call;
use super::run::asked;
use crate::cli::{Estimate, What};
use crate::expense::expense;
use crate::program::quoted;
use crate::site::Site;
use crate::store::Store;

/// The part of the share that sampling calls take beside a process that executes.
const BESIDE: f64 = 0.1;

/// Tells it. `run` is the id that the run would have.
pub(crate) async fn estimate(args: Estimate, run: Option<String>, call: Call) -> Result<u8> {
    let words = words(&args.what, run.as_deref());
    let (request, connection) = asked(args.what, run, &call)?;
    let Call { settings, out, .. } = call;
    let site = Site::to_estimate(&settings, vec![connection]).await?;
    let part = if executes(&settings.store) { BESIDE } else { 1.0 };
    let scratch = Arc::new(SqliteSink::in_memory(watershed_zoom::catalogue()).await?);
    out.remark("asking the account some sampling calls; nothing is written");
    let how = Sampling { calls_max: args.sample, part, scratch };
    let told = site.engine.estimate(request, how).await?;
    if out.json {
        out.object(&told)?;
    } else {
        out.text(&expense(&told, &words, out.colour))?;
    }
    Ok(exit::COMPLETE)
}

/// The words that begin the run itself.
fn words(args: &What, run: Option<&str>) -> String {
    let mut words = vec![quoted(&args.workflow)];
    let mut option = |name: &str, value: &str| words.push(format!("{name} {}", quoted(value)));
    if let Some(connection) = &args.connection {
        option("--connection", connection);
    }
    for (input, value) in &args.inputs {
        option("--input", &format!("{input}={value}"));
    }
    if let Some(run) = run {
        option("--run-id", run);
    }
    words.join(" ")
}

/// Whether a process executes on the ledger: of a Redis that is supposed. Makes no file.
fn executes(store: &Store) -> bool {
    match store {
        Store::File(path) => path.exists() && store.hold().is_err_and(|error| error.is_held()),
        #[cfg(feature = "redis")]
        Store::Redis(_) => true,
    }
}
