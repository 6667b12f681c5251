//! What a server and its schema must be, before anything is written.
//!
//! Guarantee: tables of another program, and those of a newer version of this one, are left
//! as they are.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use watershed_sink::Error;

use crate::fault::{Fault, TO_PRIMARY};
use crate::layout::version;
use crate::pool::Access;
use crate::table::Tables;

const SERVER: &str = include_str!("../sql/server.sql");
const RELATIONS: &str = include_str!("../sql/relations.sql");
const META: &str = include_str!("../sql/version.sql");

/// The tables of the state.
pub(crate) const STATE: [&str; 11] = [
    "_meta",
    "_accounts",
    "_runs",
    "_failures",
    "_coverage",
    "_listings",
    "_members",
    "_days",
    "_inbox",
    "_left_out",
    "_audit",
];

/// PostgreSQL 14: older ones get no fixes any more.
const SERVER_MIN: i32 = 140_000;

/// What is there.
pub(crate) struct Found {
    /// The version of the state tables; 0: there are none.
    pub version: u32,
    /// The columns of each of our tables.
    pub tables: BTreeMap<String, Vec<String>>,
}

/// Refuses a server that cannot serve as a sink.
pub(crate) async fn examine(client: &impl GenericClient, access: Access) -> Result<(), Fault> {
    let server = client.query_one(SERVER, &[]).await?;
    let version: &str = server.try_get("version")?;
    if server.try_get::<_, i32>("number")? < SERVER_MIN {
        let why = format!("it is PostgreSQL {version}");
        return Err(Fault::Unfit(why, "use PostgreSQL 14 or a later one"));
    }
    let encoding: &str = server.try_get("encoding")?;
    if encoding != "UTF8" {
        return Err(Fault::Unfit(
            format!("its encoding is {encoding}, which cannot hold every name"),
            "make a database for it: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
        ));
    }
    if server.try_get::<_, Option<&str>>("schema")?.is_none() {
        return Err(Fault::Unfit(
            "its search_path names no schema that is there".to_owned(),
            "make that schema, or name another one in sink.url",
        ));
    }
    if access == Access::Write {
        let only_reads = [("replica", "a replica"), ("read_only", "set to only read")];
        for (column, what) in only_reads {
            if server.try_get(column)? {
                return Err(Fault::Unfit(format!("it is {what}"), TO_PRIMARY));
            }
        }
    }
    Ok(())
}

/// What of ours is there; refuses what is not ours, and what is too new.
pub(crate) async fn recognise(
    client: &impl GenericClient,
    tables: &Tables,
    place: &str,
) -> Result<Found, Fault> {
    let names: Vec<&str> = names(tables);
    let mut found = Found { version: 0, tables: BTreeMap::new() };
    for row in client.query(RELATIONS, &[&names]).await? {
        found.tables.insert(row.try_get("name")?, row.try_get("columns")?);
    }
    let ours = found.tables.get("_meta").is_some_and(|columns| {
        ["program", "version"].iter().all(|wanted| columns.iter().any(|c| c == wanted))
    });
    if !ours {
        let Some((name, _)) = found.tables.first_key_value() else { return Ok(found) };
        return Err(Fault::Unfit(
            format!("its schema has a table {name} of another program"),
            "choose another database, or another schema: ?options=-c%20search_path%3Dzoom",
        ));
    }
    let said: Option<i32> =
        client.query_opt(META, &[]).await?.map(|row| row.try_get("version")).transpose()?;
    found.version = u32::try_from(said.unwrap_or_default())
        .map_err(|_| Fault::Unreadable(format!("its format is said to be {said:?}")))?;
    if found.version > version() {
        let (path, found) = (place.into(), found.version);
        return Err(Error::NewerVersion { path, found, known: version() }.into());
    }
    Ok(found)
}

/// Refuses what a program that only looks would have to bring up to date first.
pub(crate) fn up_to_date(found: &Found, place: &str) -> Result<(), Fault> {
    if found.version < version() {
        let (path, found) = (place.into(), found.version);
        return Err(Error::OlderVersion { path, found, known: version() }.into());
    }
    Ok(())
}

/// Refuses a user who could not make the tables that are not there.
pub(crate) async fn may_be_made(client: &impl GenericClient, found: &Found) -> Result<(), Fault> {
    let server = client.query_one(SERVER, &[]).await?;
    if found.version == 0 && !server.try_get::<_, bool>("may_create")? {
        return Err(Fault::Unfit(
            "this user may make no tables in its schema".to_owned(),
            "grant it: GRANT CREATE ON SCHEMA … TO …, or let one that has it begin",
        ));
    }
    Ok(())
}

/// The names of our tables.
pub(crate) fn names(tables: &Tables) -> Vec<&'static str> {
    STATE.into_iter().chain(tables.all().map(|table| table.name)).collect()
}
