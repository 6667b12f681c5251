//! `watershed serve`: dashboard, API, webhooks, health and metrics over HTTP, until it is told to
//! stop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use watershed_engine::{Stopping, exit};
use watershed_ledger::Ledger;
use watershed_model::ConnectionName;
use watershed_server::{
    Access, Parts, Role, Say, Server, TOKEN_MIN, Token, WorkerMetrics, serve as serve_on,
};
use watershed_sink::{Error as SinkError, Sink};
use watershed_zoom::webhook::{Desk as Hooks, Signer};

use super::dispatch::Call;
use super::schedule::scheduled;
use super::worker::{TEND, waits};
use crate::cli::Serve;
use crate::connect;
use crate::control::Desk;
use crate::data::Served;
use crate::execution::Signals;
use crate::fault::Fault;
use crate::output::Output;
use crate::settings::{Account, Settings, Vars};
use crate::site::Site;
use crate::store::clock;

/// Where the webhooks of a connection come in.
const WEBHOOKS: &str = "/webhooks/zoom/";

/// The stores that a server speaks to.
type Stores = (Arc<dyn Ledger>, Served);

/// Serves until a stop is asked for.
pub(crate) async fn serve(args: Serve, call: Call) -> Result<u8> {
    let signals = Signals::listen(call.out, call.settings.worker.shutdown_grace_ms)?;
    serving(args, call, &signals, None).await
}

/// The same, told by others when to stop.
pub(super) async fn serving(
    args: Serve,
    call: Call,
    signals: &Signals,
    worker: Option<WorkerMetrics>,
) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let listen = args.listen.unwrap_or(settings.server.listen);
    let access = access(&settings, listen, &vars)?;
    let desks = desks(&settings, &vars)?;
    let stop = signals.stop();
    let (ledger, Served { sink, inbox, map }) = tokio::select! {
        stores = once_there(&settings, out) => stores?,
        () = stop.reached(Stopping::Drain) => return Ok(exit::COMPLETE),
    };
    same_accounts(&*sink, &desks).await?;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Fault::failed(format!("listen on {listen}: {error}"))
            .hint("choose another --listen; port 0 takes a free one")
    })?;
    let base = format!("http://{}", listener.local_addr()?);
    tell(&base, &desks, out)?;
    let grace = u64::try_from(settings.worker.shutdown_grace_ms).unwrap_or_default();
    let grace = Duration::from_millis(grace);
    let control = Arc::new(controls(&settings, &vars, (&ledger, &sink), out)?);
    let say: Say = Arc::new(move |text: &str| out.say(text));
    let clock = clock();
    let parts =
        Parts { ledger, sink, inbox, map, clock, base, say, desks, access, control, worker, grace };
    let server = Server::new(parts);
    server.say_link();
    tokio::select! {
        () = serve_on(listener, server, stop.reached(Stopping::Drain)) => {}
        () = stop.reached(Stopping::Now) => {}
    }
    Ok(exit::COMPLETE)
}

/// What the dashboard needs of the whole program.
fn controls(
    settings: &Settings,
    vars: &Vars,
    (ledger, sink): (&Arc<dyn Ledger>, &Arc<dyn Sink>),
    out: Output,
) -> Result<Desk> {
    // Where credentials cannot be read, all is shown all the same; only a run that the ledger has
    // lost cannot be resumed from there.
    let connections = settings
        .connections
        .iter()
        .filter_map(|(name, account)| connect::connection(name, account, vars).ok());
    let site = Site::of(settings, Arc::clone(ledger), Arc::clone(sink), connections.collect())?;
    let scheduled = match settings.scheduled.as_deref() {
        None | Some([]) => Vec::new(),
        Some(_) => scheduled(settings, &out)?,
    };
    Ok(Desk { site, settings: settings.clone(), vars: vars.clone(), scheduled })
}

/// Who may ask what.
///
/// # Errors
/// Where others could ask and there is no token, or a token that can be guessed.
pub(super) fn access(
    settings: &Settings,
    listen: SocketAddr,
    vars: &Vars,
) -> Result<Access, Fault> {
    let way_out = "openssl rand -hex 32 makes one: name it as server.token = { env = \"NAME\" }";
    let of = &settings.server;
    let named = [
        ("token", Role::Erase, &of.token),
        ("operate_token", Role::Operate, &of.operate_token),
        ("read_token", Role::Read, &of.read_token),
    ];
    let mut tokens = Vec::new();
    for (name, role, reference) in named {
        let Some(reference) = reference else { continue };
        let key = format!("server.{name}");
        let secret = reference.read(&key, vars)?;
        if secret.expose_secret().chars().count() < TOKEN_MIN {
            return Err(Fault::usage(format!(
                "{key}: it has fewer than {TOKEN_MIN} characters, and could be guessed"
            ))
            .hint(way_out));
        }
        tokens.push(Token { who: name.to_owned(), role, secret });
    }
    if of.token.is_none() && !listen.ip().is_loopback() {
        return Err(Fault::usage(format!(
            "listen on {listen}: others than this machine could ask, and there is no token"
        ))
        .hint(way_out));
    }
    Ok(Access::new(of.hosts.clone(), tokens))
}

/// The connections that webhooks may come for.
fn desks(settings: &Settings, vars: &Vars) -> Result<BTreeMap<ConnectionName, Hooks>, Fault> {
    let mut desks = BTreeMap::new();
    for (name, account) in &settings.connections {
        if let Some(desk) = desk(name, account, vars)? {
            desks.insert(ConnectionName::from(name.as_str()), desk);
        }
    }
    Ok(desks)
}

/// Where the webhooks of a connection come in; `None` without a secret.
pub(super) fn desk(name: &str, account: &Account, vars: &Vars) -> Result<Option<Hooks>, Fault> {
    let Some(secret) = &account.webhook_secret else { return Ok(None) };
    let what = |key: &str| format!("connections.{name}.{key}");
    let secret = secret.read(&what("webhook_secret"), vars)?;
    let id = account.account_id.read_plain(&what("account_id"), vars)?;
    Ok(Some(Hooks {
        signer: Signer::new(secret.expose_secret().as_bytes()),
        account: id.into(),
        redacted: !account.redact.is_empty() || account.redact_key.is_some(),
        agreed: connect::agreed(name, account, vars)?,
    }))
}

/// The stores, opened as soon as they answer.
async fn once_there(settings: &Settings, out: Output) -> Result<Stores> {
    let mut told = false;
    loop {
        match open(settings).await {
            Err(error) if waits(&error) => {
                if !told {
                    out.say(format!("waiting: {error}"));
                    told = true;
                }
                tokio::time::sleep(TEND).await;
            }
            opened => return opened,
        }
    }
}

async fn open(settings: &Settings) -> Result<Stores> {
    let served = settings.sink.open_served().await?;
    Ok((settings.store.open().await?, served))
}

/// Makes sure that the data of each connection is of the account that its events will be of.
async fn same_accounts(sink: &dyn Sink, desks: &BTreeMap<ConnectionName, Hooks>) -> Result<()> {
    for (name, desk) in desks {
        if let Some(stored) = sink.account(name.clone()).await?
            && stored != desk.account
        {
            let (connection, given) = (name.clone(), desk.account.clone());
            return Err(SinkError::OtherAccount { connection, stored, given }.into());
        }
    }
    Ok(())
}

/// Says where it listens, and what for.
fn tell(base: &str, desks: &BTreeMap<ConnectionName, Hooks>, out: Output) -> Result<()> {
    let webhooks: BTreeMap<&str, String> =
        desks.keys().map(|name| (name.as_str(), format!("{base}{WEBHOOKS}{name}"))).collect();
    if out.json {
        out.object(&json!({ "base": base, "webhooks": webhooks }))?;
    } else {
        out.line(format!("listening on {base}"))?;
    }
    for url in webhooks.values() {
        out.remark(format!("webhooks come in at {url}"));
    }
    if webhooks.is_empty() {
        out.remark("no connection has a webhook_secret: every webhook is refused");
    }
    Ok(())
}
