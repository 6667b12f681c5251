//! Connections: a few, each set up the same way before anything is asked.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Transaction,
};
use watershed_model::ConnectionName;
use watershed_model::hash64;

use crate::fault::Fault;
use crate::place::Place;
use crate::tls;

const SESSION: &str = include_str!("../sql/session.sql");
const SESSION_READ_ONLY: &str = include_str!("../sql/session_read_only.sql");
const BEGIN: &str = include_str!("../sql/begin.sql");
const BEGIN_BESIDE: &str = include_str!("../sql/begin_beside.sql");

/// 8: one process writes a batch at a time, and reads a little beside it; a server of default
/// settings takes 100 connections, so a dozen processes.
const CONNECTIONS_MAX: usize = 8;
/// 30 s: who waits longer for a connection of its own process waits for something stuck.
const FREE_MAX: Duration = Duration::from_secs(30);
/// 90 s: the server ends a statement after 60; this is for one that cannot even say so.
const ACT_MAX: Duration = Duration::from_secs(90);

/// What the handle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// The pool of a place. Connects to nothing yet.
pub(crate) fn pool(place: &Place, access: Access) -> Result<Pool, Fault> {
    let tls = tls::client(&place.trust, &place.shown)?;
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(place.config.clone(), tls, config);
    let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        Box::pin(async move {
            client.batch_execute(SESSION).await.map_err(HookError::Backend)?;
            if access == Access::Read {
                client.batch_execute(SESSION_READ_ONLY).await.map_err(HookError::Backend)?;
            }
            Ok(())
        })
    });
    Pool::builder(manager)
        .max_size(CONNECTIONS_MAX)
        .wait_timeout(Some(FREE_MAX))
        .runtime(Runtime::Tokio1)
        .post_create(prepare)
        .build()
        .map_err(|_| Fault::TooLong("no pool could be made"))
}

/// A connection of the pool.
pub(crate) async fn client(pool: &Pool) -> Result<Object, Fault> {
    Ok(pool.get().await?)
}

/// Runs an act for as long as it may take.
pub(crate) async fn within<T>(act: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(ACT_MAX, act).await {
        Ok(done) => done,
        Err(_) => Err(Fault::TooLong("it did not answer in time")),
    }
}

/// A transaction whose commit survives a power loss, with these locks, which its end frees.
/// Each is taken in order, so that two who want the same wait for each other in one direction.
pub(crate) async fn begin<'a>(
    client: &'a mut Object,
    locks: &[i64],
) -> Result<Transaction<'a>, Fault> {
    let act = client.transaction().await?;
    let statement = act.prepare_cached(BEGIN).await?;
    let row = act.query_one(&statement, &[&locks]).await?;
    durable(row.try_get("synchronous_commit")?)?;
    Ok(act)
}

/// As [`begin`], with locks that others who begin so may have too.
pub(crate) async fn begin_beside<'a>(
    client: &'a mut Object,
    locks: &[i64],
) -> Result<Transaction<'a>, Fault> {
    let act = begin(client, &[]).await?;
    let statement = act.prepare_cached(BEGIN_BESIDE).await?;
    act.query_one(&statement, &[&locks]).await?;
    Ok(act)
}

/// Refuses a level of `synchronous_commit` at which an acknowledged row may be lost.
pub(crate) fn durable(level: &str) -> Result<(), Fault> {
    match level {
        "on" | "remote_apply" => Ok(()),
        level => Err(Fault::Unfit(
            format!("it keeps synchronous_commit={level} whatever is asked of it"),
            "let the server, the role and any proxy between allow synchronous_commit=on: \
             without it rows that were acknowledged can be lost",
        )),
    }
}

/// The lock of who writes for a connection: what a batch does to stored rows is decided on
/// what is read before, so one writes at a time.
pub(crate) fn lock_of(connection: &ConnectionName) -> i64 {
    hash64(&[b"watershed sink", connection.as_str().as_bytes()]).cast_signed()
}

/// The lock of who erases somebody, which all who keep events share: none comes in unseen.
pub(crate) fn lock_of_inbox(connection: &ConnectionName) -> i64 {
    hash64(&[b"watershed sink", connection.as_str().as_bytes(), b"inbox"]).cast_signed()
}

/// The lock of who adds to the audit log.
pub(crate) fn lock_of_audit() -> i64 {
    hash64(&[b"watershed sink", b"audit", b"log"]).cast_signed()
}

/// The lock of who brings the tables up to date.
pub(crate) fn lock_of_tables() -> i64 {
    hash64(&[b"watershed sink", b"tables", b"migrate"]).cast_signed()
}
