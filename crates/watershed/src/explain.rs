//! What the other crates' errors mean to an operator: a way out for each.

use std::path::Path;

use watershed_engine::{Error as Engine, NoToken, exit};
use watershed_ledger::Error as Ledger;
use watershed_sink::Error as Sink;

use crate::fault::Fault;
use crate::program::program;

/// An error as it is told: message, way out, exit code.
pub(crate) fn explain(error: &anyhow::Error) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    let message = chain(error);
    let (hint, code) = way_out(error);
    let fault = Fault::failed(message).exit(code);
    match hint {
        Some(hint) => fault.hint(hint),
        None => fault.hint("-vv shows what happened before; nothing that was settled is lost"),
    }
}

/// The error and its causes, none said twice.
fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !said.ends_with(&text) {
            said = if said.is_empty() { text } else { format!("{said}: {text}") };
        }
    }
    said
}

fn way_out(error: &anyhow::Error) -> (Option<String>, u8) {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<Ledger>() {
            return of_ledger(error);
        }
        if let Some(error) = cause.downcast_ref::<Sink>() {
            return of_sink(error);
        }
        if let Some(error) = cause.downcast_ref::<NoToken>() {
            return of_token(error);
        }
        if let Some(error) = cause.downcast_ref::<Engine>() {
            match error {
                Engine::Ledger(error) => return of_ledger(error),
                Engine::Sink(error) => return of_sink(error),
                Engine::Token(error) => return of_token(error),
                error => return of_engine(error),
            }
        }
    }
    (None, exit::FAILED)
}

fn of_engine(error: &Engine) -> (Option<String>, u8) {
    let program = program();
    match error {
        Engine::NoRun(_) => (Some(format!("`{program} runs` lists them")), exit::USAGE),
        Engine::NoConnection(name) => {
            (Some(format!("configure [connections.{name}]")), exit::USAGE)
        }
        Engine::OtherRun { .. } => (
            Some(
                "leave --run-id out, or give a new one; the run that has it is left as it is"
                    .into(),
            ),
            exit::USAGE,
        ),
        Engine::AnyUser { .. } => {
            (Some("let its items come from a step that uses zoom.list_users".into()), exit::USAGE)
        }
        Engine::NoKey(name) => (
            Some(format!(
                "who was erased is remembered by keyed marks, so that nobody can tell whom: give \
                 connections.{name}.redact_key a secret of its own, such as `openssl rand -hex 32` \
                 makes, and keep it"
            )),
            exit::USAGE,
        ),
        Engine::OtherKey(name) => (
            Some(format!(
                "give connections.{name}.redact_key the value that it had then: with another one \
                 those people would come back"
            )),
            exit::USAGE,
        ),
        Engine::Nobody(_) => {
            (Some("nothing was changed; look the id or address up at Zoom".into()), exit::FAILED)
        }
        Engine::NamedByRun(run) => {
            (Some(format!("let it end, or end it: `{program} cancel {run}`")), exit::FAILED)
        }
        Engine::Files(_) => {
            (Some("check files.url; the same command again does the rest".into()), exit::FAILED)
        }
        Engine::Stored { run, .. } => (
            Some(format!("use the version that began it, or start anew: `{program} cancel {run}`")),
            exit::FAILED,
        ),
        Engine::Program(_) => {
            (Some("use the version of this program that began it".into()), exit::FAILED)
        }
        Engine::Expand(_) => (
            Some("give another --input there, or change the workflow; nothing was begun".into()),
            exit::USAGE,
        ),
        Engine::Inputs(_) => {
            (Some("change `inputs` of the schedule in the workflow file".into()), exit::USAGE)
        }
        Engine::Store(_) => (
            Some(format!("what was settled is kept: mend it, then `{program} resume`")),
            exit::FAILED,
        ),
        Engine::Protocol(_) => (Some("this is a defect: please report it".into()), exit::FAILED),
        Engine::Ledger(_) | Engine::Sink(_) | Engine::Token(_) => (None, exit::FAILED),
    }
}

fn of_token(error: &NoToken) -> (Option<String>, u8) {
    match error {
        NoToken::Fatal { connection, .. } => (
            Some(format!(
                "check account id, client id and client secret of connections.{connection}, and \
                 that the app is activated; then `{} doctor`",
                program()
            )),
            exit::USAGE,
        ),
        NoToken::Later { .. } => {
            (Some("try again later; check the network and token_url".into()), exit::FAILED)
        }
    }
}

fn of_ledger(error: &Ledger) -> (Option<String>, u8) {
    let program = program();
    match error {
        Ledger::Held { .. } => (
            Some(format!(
                "one process at a time executes on a state file: wait for it, stop it, or look on \
                 with `{program} status --follow`"
            )),
            exit::USAGE,
        ),
        Ledger::NoRun(_) => (Some(format!("`{program} runs` lists them")), exit::USAGE),
        Ledger::OtherRun { .. } => {
            (Some("leave --run-id out, or give a new one".into()), exit::USAGE)
        }
        Ledger::Illegal { run, .. } => {
            (Some(format!("`{program} status {run}` tells how it stands")), exit::USAGE)
        }
        // Files are brought along; Redis is not.
        Ledger::Version { found, known, .. } if found < known => (
            Some(
                "let the program that wrote it end its runs, or stop its workers and delete its \
                 keys (ws:*): the runs go on from the dataset; nothing was changed"
                    .into(),
            ),
            exit::USAGE,
        ),
        Ledger::Version { .. } => (
            Some("use the program that wrote it, or a later one; nothing was changed".into()),
            exit::USAGE,
        ),
        Ledger::Full { place } => (
            Some(format!("make room where {place} is; nothing that was settled is lost")),
            exit::FAILED,
        ),
        Ledger::Unreachable { place, .. } => (
            Some(format!("check that {place} is there, and may be read and written")),
            exit::FAILED,
        ),
        Ledger::Refused { place, .. } => {
            (Some(format!("check `store.url`, and the user and rights at {place}")), exit::USAGE)
        }
        Ledger::Unfit { way_out, .. } => (Some(way_out.clone()), exit::USAGE),
        Ledger::Corrupt { place, .. } => (
            Some(format!(
                "move {place} away and give the same command again: the run goes on from the \
                 dataset, which holds all that is complete"
            )),
            exit::FAILED,
        ),
    }
}

fn of_sink(error: &Sink) -> (Option<String>, u8) {
    match error {
        Sink::Full { path } => (
            Some(format!(
                "make room where {} is; nothing that was settled is lost",
                path.display()
            )),
            exit::FAILED,
        ),
        Sink::Busy { .. } => {
            (Some("try again when the other process is done".into()), exit::FAILED)
        }
        Sink::Io { path, .. } if is_server(path) => (
            Some("look into the server's log and at its disk; then go on with `resume`".into()),
            exit::FAILED,
        ),
        Sink::Io { .. } | Sink::Moved { .. } => {
            (Some("check the disk; then go on with `resume`".into()), exit::FAILED)
        }
        Sink::CannotOpen { path, .. } | Sink::ReadOnly { path } => {
            (Some(format!("check that {} may be read and written", path.display())), exit::FAILED)
        }
        Sink::Missing { .. } => (Some("begin with `run zoom-backfill`".into()), exit::FAILED),
        Sink::NewerVersion { .. } => {
            (Some("use the program that wrote it; nothing was changed".into()), exit::USAGE)
        }
        Sink::OlderVersion { .. } => {
            (Some("`run` or `resume` bring it up to date".into()), exit::USAGE)
        }
        Sink::OtherAccount { .. } => (
            Some(
                "a wrong account looks as if everything had been deleted: give the other account \
                  another name under [connections.NAME], or another sink.url"
                    .into(),
            ),
            exit::USAGE,
        ),
        Sink::Corrupt { path, .. } if is_server(path) => (
            Some("look into the server's log; restore its tables, or use an empty database".into()),
            exit::FAILED,
        ),
        Sink::Corrupt { path, .. } => (
            Some(format!(
                "restore a copy of {0}, or move it away and run anew; \
                 `sqlite3 {0} .recover` saves what can be read",
                path.display()
            )),
            exit::FAILED,
        ),
        Sink::NotADatabase { path } | Sink::Foreign { path } => (
            Some(format!("point sink.url to another file: {} is not ours", path.display())),
            exit::USAGE,
        ),
        Sink::Unreachable { place, .. } => (
            Some(format!("check that {place} runs and can be reached; then go on with `resume`")),
            exit::FAILED,
        ),
        Sink::Unusable { .. } => {
            (Some("or point sink.url elsewhere; nothing was changed".into()), exit::USAGE)
        }
        Sink::Erased { .. } => {
            (Some("give the same command again: it knows of it then".into()), exit::FAILED)
        }
        _ => (Some("this is a defect: please report it".into()), exit::FAILED),
    }
}

/// Whether a sink's place is a server rather than a file.
fn is_server(place: &Path) -> bool {
    place.to_str().is_some_and(|place| place.contains("://"))
}
