//! `watershed worker`: executes the tasks of all runs until it is told to stop.
//!
//! Each account has a conversation with the ledger of its own: what stalls or is refused in one
//! does not touch the others. Beside it, the runs are tended: one that has ended gets its
//! evidence, one that the ledger has lost is rebuilt from the dataset.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::net::TcpListener;
use watershed_engine::{Connection, Ending, Stopping, exit};
use watershed_model::{AccountId, ConnectionName};
use watershed_server::{Access, WorkerMetrics, serve_metrics};

use super::dispatch::Call;
use super::resume::restored;
use super::serve::access;
use crate::cli::Worker;
use crate::connect;
use crate::execution::{Signals, receiving};
use crate::fault::Fault;
use crate::freshness;
use crate::notify::{Notice, Notifier, notifying};
use crate::output::Output;
use crate::program::program;
use crate::settings::Settings;
use crate::site::Site;

/// How often the runs are tended: what the ledger has lost is rebuilt so soon.
pub(super) const TEND: Duration = Duration::from_millis(500);
/// A connection that was refused is tried again after this.
const AGAIN: Duration = Duration::from_secs(30);
/// How often it is looked whether anything fresh has come.
const WATCH: Duration = Duration::from_secs(600);
/// Runs that are looked at.
const RUNS_MAX: u32 = 1_000;

/// Works until a stop is asked for.
pub(crate) async fn worker(args: Worker, call: Call) -> Result<u8> {
    let signals = Signals::listen(call.out, call.settings.worker.shutdown_grace_ms)?;
    let Some(at) = args.metrics.or(call.settings.worker.metrics) else {
        return working(args, call, &signals).await;
    };
    let access = access(&call.settings, at, &call.vars)?;
    let listener = TcpListener::bind(at).await.map_err(|error| {
        Fault::failed(format!("listen on {at}: {error}"))
            .hint("choose another --metrics; port 0 takes a free one")
    })?;
    call.out.remark(format!("metrics on http://{}/metrics", listener.local_addr()?));
    let counted = WorkerMetrics::record().expect("nobody else records in this process");
    tokio::select! {
        ended = working(args, call, &signals) => ended,
        ended = telling(listener, access, counted) => ended,
    }
}

/// Tells its metrics for as long as it works.
async fn telling(listener: TcpListener, access: Access, counted: WorkerMetrics) -> Result<u8> {
    serve_metrics(listener, access, counted).await;
    pending().await
}

/// The same, told by others when to stop.
pub(super) async fn working(args: Worker, call: Call, signals: &Signals) -> Result<u8> {
    let Call { mut settings, vars, out } = call;
    if let Some(concurrency) = args.concurrency {
        settings.worker.concurrency = concurrency;
    }
    let names: Vec<String> = match args.connections.as_slice() {
        [] => settings.connections.keys().cloned().collect(),
        named => named.to_vec(),
    };
    let mut accounts: BTreeMap<AccountId, Vec<Connection>> = BTreeMap::new();
    for name in &names {
        let (by, account) = settings.connection(Some(name))?;
        let connection = connect::connection(by, account, &vars)?;
        if let Some(guess) = connect::tier_guess(by, account) {
            out.warning(guess);
        }
        accounts.entry(connection.account.clone()).or_default().push(connection);
    }
    if accounts.is_empty() {
        return Err(Fault::usage("no connection is configured")
            .hint("add a [connections.NAME] section to watershed.toml")
            .into());
    }
    let (notifier, sending) = notifying(settings.notify.hook.as_ref());
    let part = settings.worker.concurrency.div_ceil(u16::try_from(accounts.len()).unwrap_or(1));
    settings.worker.concurrency = part.max(1);
    let held = settings.store.hold()?;
    out.remark(format!("working for {} on {}", names.join(", "), settings.store));
    let work = accounts.into_values().map(|of| one(&settings, of, signals, &notifier, out));
    try_join_all(work).await?;
    drop(held);
    sending.end(notifier).await;
    Ok(exit::COMPLETE)
}

/// Works for one account.
async fn one(
    settings: &Settings,
    connections: Vec<Connection>,
    signals: &Signals,
    notifier: &Notifier,
    out: Output,
) -> Result<()> {
    let lanes: Vec<ConnectionName> = connections.iter().map(|c| c.name.clone()).collect();
    let stop = signals.stop();
    let site = tokio::select! {
        site = once_there(settings, connections, out) => site?,
        () = stop.reached(Stopping::Drain) => return Ok(()),
    };
    loop {
        let mut again = AGAIN;
        let work = site.engine.work(None, site.worker(None), stop.clone());
        tokio::pin!(work);
        let mut look = tokio::time::interval(TEND);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let receiving = receiving(&site, out);
        let watching = watching(&site, &lanes, notifier);
        tokio::pin!(receiving, watching);
        let ending = loop {
            tokio::select! {
                ending = &mut work => break ending,
                () = &mut receiving => {}
                () = &mut watching => {}
                _ = look.tick() => {
                    // Stores that do not answer are the engine's to tell of.
                    if let Err(error) = tend(&site, &lanes, notifier, out).await {
                        tracing::debug!(%error, "the runs could not be tended");
                    }
                }
            }
        };
        match ending.map_err(anyhow::Error::from) {
            // It went away before anything was begun; what is begun waits by itself.
            Err(error) if waits(&error) => {
                out.say(format!("waiting: {error}"));
                again = TEND;
            }
            Err(error) => return Err(error),
            Ok(Ending::Stopped | Ending::Run(_)) => {
                return match tend(&site, &lanes, notifier, out).await {
                    // Whoever works next writes what has ended.
                    Err(error) if waits(&error) => Ok(()),
                    tended => tended,
                };
            }
            Ok(Ending::Fatal(why)) => {
                for lane in &lanes {
                    notifier.tell(Notice::refused(lane, site.now()));
                }
                out.say(format!(
                    "{why}\nthe runs of {} are paused, nothing is lost: mend the credential, check \
                     it with `{1} doctor`, then `{1} resume --detach RUN`",
                    lanes.iter().map(ConnectionName::as_str).collect::<Vec<_>>().join(", "),
                    program()
                ));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(again) => {}
            () = stop.reached(Stopping::Drain) => return Ok(()),
        }
    }
}

/// The stores, opened as soon as they answer: a server that starts after its workers is nothing
/// unusual.
pub(super) async fn once_there(
    settings: &Settings,
    connections: Vec<Connection>,
    out: Output,
) -> Result<Site> {
    let mut told = false;
    loop {
        match Site::to_command(settings, connections.clone()).await {
            Err(error) if waits(&error) => {
                if !told {
                    out.say(format!("waiting: {error}"));
                    told = true;
                }
                tokio::time::sleep(TEND).await;
            }
            opened => {
                if told {
                    out.remark("the stores answer");
                }
                return opened;
            }
        }
    }
}

/// Whether it is about a store that may answer later.
pub(super) fn waits(error: &anyhow::Error) -> bool {
    let engine = error.downcast_ref::<watershed_engine::Error>();
    let ledger = error.downcast_ref::<watershed_ledger::Error>();
    let sink = error.downcast_ref::<watershed_sink::Error>();
    engine.is_some_and(watershed_engine::Error::waits)
        || ledger.is_some_and(watershed_ledger::Error::waits)
        || sink.is_some_and(watershed_sink::Error::waits)
}

/// Tells whether anything fresh has come, for as long as it is polled; of each stretch that is
/// behind, once.
async fn watching(site: &Site, lanes: &[ConnectionName], notifier: &Notifier) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    loop {
        for lane in lanes {
            let now = site.now();
            let since = now + -site.settings.notify.fresh_within_ms;
            // Stores that do not answer are the engine's to tell of.
            let Ok(fresh) = freshness::of(&*site.sink, lane).await else { continue };
            if let Some(notice) = freshness::stale(&fresh, lane, (since, now))
                && let Notice::NothingFresh { id, .. } = &notice
                && told.insert(id.clone())
            {
                notifier.tell(notice);
            }
        }
        tokio::time::sleep(WATCH).await;
    }
}

/// Writes the evidence of runs that have ended, and rebuilds those that the ledger has lost.
async fn tend(
    site: &Site,
    lanes: &[ConnectionName],
    notifier: &Notifier,
    out: Output,
) -> Result<()> {
    for lane in lanes {
        for head in site.sink.run_heads(Some(lane.clone()), RUNS_MAX).await? {
            if head.state.ended() {
                continue;
            }
            match site.ledger.run(&head.id).await? {
                Some(view) if view.state.ended() => {
                    let standing = site.engine.record(&head.id).await?;
                    notifier.tell(Notice::run_ended(&standing.report, site.now()));
                    out.remark(format!("run {} is {}", head.id, view.state.name()));
                }
                Some(_) => {}
                None => {
                    if let Some(row) = site.sink.run(head.id).await? {
                        restored(site, &row).await?;
                    }
                }
            }
        }
    }
    Ok(())
}
