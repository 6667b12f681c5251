//! `watershed webhook send`: a signed sample event, to test a deployment.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;
use watershed_engine::exit;
use watershed_model::Millis;
use watershed_zoom::webhook::{CHALLENGE, Desk, EVENTS, Heads, Received, sample};

use super::dispatch::Call;
use super::serve::desk;
use crate::cli::{Send, Webhook, WebhookCommand};
use crate::fault::Fault;

/// As long as Zoom waits for an answer, and some time for a connection.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read: that of a challenge has some hundred bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Does it.
pub(crate) async fn webhook(args: Webhook, call: Call) -> Result<u8> {
    let WebhookCommand::Send(args) = args.command;
    send(args, call).await
}

async fn send(args: Send, call: Call) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let (name, account) = settings.connection(args.connection.as_deref())?;
    let Some(desk) = desk(name, account, &vars)? else {
        return Err(Fault::usage(format!("connections.{name} has no webhook_secret"))
            .hint("add webhook_secret = { env = \"ZOOM_WEBHOOK_SECRET\" } and export it")
            .into());
    };
    let to = address(&args.to, name)?;
    let now = Millis::from(Timestamp::now());
    let body = sample(&args.event, &desk.account, now).ok_or_else(|| unknown(&args.event))?;
    let body = body.to_string();
    let sent = Sent { at: (now.0 / 1_000).to_string(), body };
    let signature = desk.signer.sign(&sent.at, sent.body.as_bytes());
    let began = Instant::now();
    let (status, answer) = post(&to, &sent, &signature).await?;
    let took = began.elapsed().as_millis();
    let taken = match status {
        200 if args.event == CHALLENGE => expected(&desk, &sent, &signature, now) == Some(answer),
        200 | 204 => args.event != CHALLENGE,
        _ => false,
    };
    if out.json {
        let to = to.as_str();
        out.object(&json!({ "event": args.event, "to": to, "status": status, "taken": taken }))?;
    }
    if !taken {
        return Err(refused(status, &to, name).into());
    }
    if !out.json {
        out.line(format!("{}: taken ({status}, {took} ms)", args.event))?;
    }
    Ok(exit::COMPLETE)
}

/// What is sent.
struct Sent {
    /// Seconds, as text.
    at: String,
    body: String,
}

/// The endpoint: of a server's address alone, that of the connection.
fn address(to: &str, connection: &str) -> Result<Url, Fault> {
    let wrong = |why: &str| {
        Fault::usage(format!("--to: {why}"))
            .hint("write https://HOST, or the whole address of the endpoint")
    };
    let mut url = Url::parse(to).map_err(|error| wrong(&format!("no URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("it is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a secret has no place on a command line"));
    }
    if url.path() == "/" {
        url.set_path(&format!("/webhooks/zoom/{connection}"));
    }
    Ok(url)
}

fn unknown(event: &str) -> Fault {
    let names = || EVENTS.iter().map(|row| row.name).chain([CHALLENGE]);
    let alike = |name: &&str| strsim::jaro_winkler(name, event);
    let nearest = names().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let mut hint = String::new();
    if let Some(name) = nearest.filter(|name| alike(name) > 0.75) {
        hint = format!("did you mean {name}? ");
    }
    let all = names().collect::<Vec<_>>().join(", ");
    Fault::usage(format!("no event {event:?} is known")).hint(format!("{hint}known are: {all}"))
}

async fn post(to: &Url, sent: &Sent, signature: &str) -> Result<(u16, Value), Fault> {
    // Where somebody has chosen the process's cryptography before, it is his.
    rustls::crypto::ring::default_provider().install_default().ok();
    let host = to.host_str().unwrap_or("-").to_owned();
    let failed = |error: reqwest::Error| {
        let why = anyhow::Error::from(error.without_url()).root_cause().to_string();
        Fault::failed(format!("send to {host}: {why}"))
            .hint("is it there, and does its certificate name this host? `watershed serve` serves")
    };
    let client = reqwest::Client::builder()
        .user_agent(concat!("watershed/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(failed)?;
    let request = client
        .post(to.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("x-zm-request-timestamp", &sent.at)
        .header("x-zm-signature", signature)
        .body(sent.body.clone());
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_MAX {
            break;
        }
    }
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// What whoever knows the secret answers to the challenge.
fn expected(desk: &Desk, sent: &Sent, signature: &str, now: Millis) -> Option<Value> {
    let heads = Heads { timestamp: &sent.at, signature };
    match desk.receive(heads, sent.body.as_bytes(), now) {
        Ok(Received::Challenge(reply)) => Some(reply),
        _ => None,
    }
}

fn refused(status: u16, to: &Url, connection: &str) -> Fault {
    let host = to.host_str().unwrap_or("-");
    let hint = match status {
        200..=299 => "something else than Watershed answers there".to_owned(),
        300..=399 => "Zoom follows no redirect: give the address that it leads to".to_owned(),
        401 => format!(
            "there is no connection {connection} with this webhook_secret there, or the clocks \
             are hours apart"
        ),
        403 => {
            "the account_id there is another one, or server.hosts does not list this name".into()
        }
        404 | 405 => "no endpoint is there: it is https://HOST/webhooks/zoom/CONNECTION".to_owned(),
        503 => {
            "its sink does not keep events now: its log says why, and so does /readyz".to_owned()
        }
        _ => "its log says why".to_owned(),
    };
    Fault::failed(format!("{host} answered {status}")).hint(hint)
}
