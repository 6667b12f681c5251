//! The inbox in the file.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, TransactionBehavior, named_params};
use watershed_model::{ConnectionName, EventKey, InboxEvent, Millis};

use super::erase;
use super::fault::Fault;
use super::read::all;
use super::sink::SqliteSink;
use super::state::{counted, instant, instant_or_none, parsed};
use crate::{Inbox, InboxCount, Pending, Taken, Waiting};

const PUT_EVENT: &str = include_str!("../../sql/put_event.sql");
const WAITING_EVENTS: &str = include_str!("../../sql/waiting_events.sql");
const EVENT_DONE: &str = include_str!("../../sql/event_done.sql");
const FORGET_EVENTS: &str = include_str!("../../sql/forget_events.sql");
const EVENT_BACKLOG: &str = include_str!("../../sql/event_backlog.sql");

impl Inbox for SqliteSink {
    fn keep(
        &self,
        events: Vec<InboxEvent>,
        erased: BTreeMap<ConnectionName, u64>,
    ) -> Pending<'_, Vec<Taken>> {
        self.on_writer(move |connection| keep(connection, &events, &erased))
    }

    fn waiting(
        &self,
        connection: ConnectionName,
        after: Option<i64>,
        limit: u32,
    ) -> Pending<'_, Vec<Waiting>> {
        self.on_reader(move |reader| {
            let params = named_params! {
                ":connection": connection.as_str(),
                ":after": after.unwrap_or(i64::MIN),
                ":limit": limit,
            };
            all(reader, WAITING_EVENTS, params, waiting)
        })
    }

    fn done(&self, connection: ConnectionName, keys: Vec<EventKey>, at: Millis) -> Pending<'_, ()> {
        self.on_writer(move |writer| {
            let act = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for key in &keys {
                act.prepare_cached(EVENT_DONE)?.execute(named_params! {
                    ":connection": connection.as_str(),
                    ":key": key.as_str(),
                    ":at": at.to_string(),
                })?;
            }
            act.commit()?;
            Ok(())
        })
    }

    fn forget(&self, done_before: Millis, limit: u32) -> Pending<'_, u64> {
        self.on_writer(move |writer| {
            let params = named_params! { ":before": done_before.to_string(), ":limit": limit };
            Ok(writer.prepare_cached(FORGET_EVENTS)?.execute(params)? as u64)
        })
    }

    fn backlog(&self) -> Pending<'_, Vec<InboxCount>> {
        self.on_reader(|reader| {
            all(reader, EVENT_BACKLOG, [], |row| {
                Ok(InboxCount {
                    connection: ConnectionName(row.get("connection")?),
                    waiting: counted(row.get("waiting")?)?,
                    since: instant_or_none(row.get("since")?)?,
                })
            })
        })
    }
}

fn keep(
    connection: &mut Connection,
    events: &[InboxEvent],
    erased: &BTreeMap<ConnectionName, u64>,
) -> Result<Vec<Taken>, Fault> {
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let connections: BTreeSet<_> = events.iter().map(|event| &event.connection).collect();
    for connection in connections {
        erase::knows(&act, connection, erased.get(connection).copied().unwrap_or(0))?;
    }
    let mut taken = Vec::with_capacity(events.len());
    for event in events {
        let changed = act.prepare_cached(PUT_EVENT)?.execute(named_params! {
            ":connection": event.connection.as_str(),
            ":key": event.key.as_str(),
            ":event": event.event,
            ":event_at": event.event_at.map(|at| at.to_string()),
            ":received_at": event.received_at.to_string(),
            ":body": event.body.to_string(),
        })?;
        taken.push(if changed > 0 { Taken::New } else { Taken::Known });
    }
    act.commit()?;
    Ok(taken)
}

fn waiting(row: &Row<'_>) -> Result<Waiting, Fault> {
    Ok(Waiting {
        place: row.get("place")?,
        event: InboxEvent {
            connection: ConnectionName(row.get("connection")?),
            key: EventKey(row.get("key")?),
            event: row.get("event")?,
            event_at: instant_or_none(row.get("event_at")?)?,
            received_at: instant(&row.get::<_, String>("received_at")?)?,
            body: parsed(&row.get::<_, String>("body")?)?,
        },
    })
}
