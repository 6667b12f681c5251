//! What changes something, by whomever it is asked: each act is put down with who did it.

use watershed_model::ActOutcome::{Asked, Failed};
use watershed_model::{
    self as model, ActOutcome, Audit, ConnectionName, DeadLetter, LetterId, RunId, Via, hash64,
};
use watershed_sink::FailureFilter;

use crate::access::Visitor;
use crate::control::{Kind, Refusal};
use crate::shape::Erased;
use crate::state::Server;

/// An act on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Pause,
    Resume,
    Cancel,
}

/// To what something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On<'a> {
    /// Nothing but this server.
    Server,
    Run(&'a RunId),
    Connection(&'a ConnectionName),
}

/// Which dead letters of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// This one.
    One(LetterId),
    /// All of this cause: see [`cause`].
    Cause(String),
    /// All, of one step or of every one.
    All { step: Option<String> },
}

/// Does it.
///
/// # Errors
/// Why it is not done.
pub(crate) async fn put(
    server: &Server,
    visitor: &Visitor,
    run: RunId,
    act: Act,
) -> Result<(), Refusal> {
    known(server, &run).await?;
    tracing::info!(who = visitor.who, run = run.as_str(), ?act, "asked for");
    let told = match act {
        Act::Pause => model::Act::Pause,
        Act::Resume => model::Act::Resume,
        Act::Cancel => model::Act::Cancel,
    };
    put_down(server, visitor, told, On::Run(&run), Asked).await?;
    let done = match act {
        Act::Pause => server.control.pause(run.clone()).await,
        Act::Resume => server.control.resume(run.clone()).await,
        Act::Cancel => server.control.cancel(run.clone()).await,
    };
    server.facts.touched(&run);
    if done.is_err() {
        put_down(server, visitor, told, On::Run(&run), Failed).await?;
    }
    done
}

/// Puts dead letters back. How many it were.
///
/// # Errors
/// Why they are not.
pub(crate) async fn retry(
    server: &Server,
    visitor: &Visitor,
    run: RunId,
    which: Which,
) -> Result<u64, Refusal> {
    known(server, &run).await?;
    let all = FailureFilter { run: Some(run.clone()), ..FailureFilter::default() };
    let filter = match &which {
        Which::One(id) => FailureFilter { id: Some(id.clone()), ..all },
        Which::All { step } => FailureFilter { step: step.clone(), ..all },
        Which::Cause(_) => all,
    };
    let mut letters = server.stores.sink.failures(filter).await?;
    if let Which::Cause(wanted) = &which {
        letters.retain(|letter| cause(letter) == *wanted);
    }
    let count = letters.len();
    tracing::info!(who = visitor.who, run = run.as_str(), ?which, count, "a retry is asked for");
    put_down(server, visitor, model::Act::Retry, On::Run(&run), Asked).await?;
    let count = server.control.retry(run.clone(), letters).await;
    server.facts.touched(&run);
    if count.is_err() {
        put_down(server, visitor, model::Act::Retry, On::Run(&run), Failed).await?;
    }
    count
}

/// Erases a person, by id or address. It goes on where whoever asked goes away meanwhile.
///
/// # Errors
/// Why it is not done, or not whole.
pub(crate) async fn erase(
    server: &Server,
    visitor: &Visitor,
    connection: &str,
    user: String,
) -> Result<Erased, Refusal> {
    server.configured(connection)?;
    tracing::info!(who = visitor.who, connection, "that somebody is erased is asked for");
    let (server, visitor) = (server.clone(), visitor.clone());
    let connection = ConnectionName::from(connection);
    let erasing = tokio::spawn(async move {
        let on = On::Connection(&connection);
        put_down(&server, &visitor, model::Act::Erase, on, Asked).await?;
        let erased = server.control.erase(connection.clone(), user).await;
        if erased.is_err() {
            put_down(&server, &visitor, model::Act::Erase, on, Failed).await?;
        }
        erased
    });
    let broke = |_| Refusal::new(Kind::Failed, "it broke off: ask for the same again");
    erasing.await.map_err(broke)?
}

/// Puts down who does what, before it is done; afterwards only that it failed.
///
/// # Errors
/// Where it cannot be put down: then it must not be done.
pub(crate) async fn put_down(
    server: &Server,
    visitor: &Visitor,
    act: model::Act,
    on: On<'_>,
    outcome: ActOutcome,
) -> Result<(), Refusal> {
    let (connection, run) = match on {
        On::Server => (None, None),
        On::Run(run) => {
            let row = server.stores.sink.run(run.clone()).await?;
            (row.map(|row| row.connection), Some(run.clone()))
        }
        On::Connection(connection) => (Some(connection.clone()), None),
    };
    let (at, who, via) = ((server.clock)(), visitor.who.clone(), Via::Http);
    let audit = Audit { at, who, via, act, connection, run, outcome };
    Ok(server.stores.sink.audit(audit).await?)
}

/// What dead letters of one cause have in common: step, verdict, status, code and message.
pub(crate) fn cause(letter: &DeadLetter) -> String {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let parts = [
        letter.step.as_bytes(),
        letter.verdict.as_bytes(),
        number(letter.http.map(i64::from)).as_bytes(),
        number(letter.code).as_bytes(),
        letter.message.as_bytes(),
    ]
    .map(<[u8]>::to_vec);
    format!("{:016x}", hash64(&parts.each_ref().map(Vec::as_slice)))
}

async fn known(server: &Server, run: &RunId) -> Result<(), Refusal> {
    let known = server.stores.ledger.run(run).await?.is_some()
        || server.stores.sink.run(run.clone()).await?.is_some();
    if known { Ok(()) } else { Err(Refusal::no_run(run)) }
}
