//! `watershed up`: serve, schedule and worker in one process, until it is told to stop.
//!
//! Each is what its own command is; they share the stop alone. The server takes no more, no tick
//! is decided any more, and what is in flight settles: all at once, since none needs another.

use anyhow::Result;
use tokio::try_join;
use watershed_engine::exit;
use watershed_server::WorkerMetrics;

use super::dispatch::Call;
use super::{schedule, serve, worker};
use crate::cli::{Serve, Up, Worker};
use crate::execution::Signals;

/// What is scheduled where nothing is said.
const NIGHTLY: &str = "zoom-reconcile";

/// Runs all three.
pub(crate) async fn up(args: Up, call: Call) -> Result<u8> {
    let Call { mut settings, vars, out } = call;
    let scheduled = settings.scheduled.get_or_insert_with(|| vec![NIGHTLY.to_owned()]);
    let nothing_scheduled = scheduled.is_empty();
    let signals = Signals::listen(out, settings.worker.shutdown_grace_ms)?;
    let call = || Call { settings: settings.clone(), vars: vars.clone(), out };
    let schedules = async {
        if nothing_scheduled {
            return Ok(exit::COMPLETE);
        }
        schedule::starting(call(), &signals).await
    };
    let worker = Worker { concurrency: None, connections: Vec::new(), metrics: None };
    // What this one counts stands among the server's.
    let counted = WorkerMetrics::record();
    try_join!(
        serve::serving(Serve { listen: args.listen }, call(), &signals, counted),
        worker::working(worker, call(), &signals),
        schedules,
    )?;
    Ok(exit::COMPLETE)
}
