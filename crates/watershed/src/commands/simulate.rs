//! `watershed simulate`: a simulated Zoom account as a server of its own.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use watershed_zoom_sim::{Account, Server, Spec};

use crate::cli::Simulate;
use crate::fault::Fault;
use crate::output::Output;

/// Serves until a signal comes.
pub(crate) async fn simulate(args: Simulate, out: Output) -> Result<u8> {
    let wrong = |flag: &'static str| {
        move |error: watershed_zoom_sim::SpecError| {
            Fault::usage(format!("{flag}: {error}"))
                .hint("`watershed simulate --help` has examples")
        }
    };
    let mut spec = Spec {
        users: args.users,
        seed: args.seed,
        number: args.number,
        tier: args.tier.parse().map_err(wrong("--tier"))?,
        scopes: args.scopes,
        latency_ms: args.latency,
        meetings_per_user: args.meetings,
        media_kib: args.media_kib,
        media_kib_per_second: args.media_kib_per_second,
        now: Timestamp::now(),
        ..Spec::default()
    };
    if let Some(limits) = &args.limits {
        spec.limits = limits.parse().map_err(wrong("--limits"))?;
    }
    if let Some(faults) = &args.faults {
        spec.faults = faults.parse().map_err(wrong("--faults"))?;
    }
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let server =
        Server::start(Arc::new(Account::new(spec)), args.listen).await.map_err(|error| {
            Fault::failed(format!("listen on {}: {error}", args.listen))
                .hint("choose another --listen; port 0 takes a free one")
        })?;
    out.object(&server.ready_line())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(0)
}
