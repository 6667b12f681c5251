//! The inbox in the database.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use watershed_model::{ConnectionName, EventKey, InboxEvent, Millis};
use watershed_sink::{Inbox, InboxCount, Pending, Taken, Waiting};

use crate::erase;
use crate::fault::Fault;
use crate::pool::{begin, begin_beside, client, lock_of_inbox};
use crate::read::{all, page};
use crate::sink::PostgresSink;
use crate::state::{counted, millis, millis_or_none, parsed, text};
use crate::text::{kept, kept_json};
use crate::value::{Instant, Json};

const PUT_EVENTS: &str = include_str!("../sql/put_events.sql");
const WAITING_EVENTS: &str = include_str!("../sql/waiting_events.sql");
const EVENTS_DONE: &str = include_str!("../sql/events_done.sql");
const FORGET_EVENTS: &str = include_str!("../sql/forget_events.sql");
const EVENT_BACKLOG: &str = include_str!("../sql/event_backlog.sql");

impl Inbox for PostgresSink {
    fn keep(
        &self,
        events: Vec<InboxEvent>,
        erased: BTreeMap<ConnectionName, u64>,
    ) -> Pending<'_, Vec<Taken>> {
        self.writing(async move { keep(self.pool(), &events, &erased).await })
    }

    fn waiting(
        &self,
        connection: ConnectionName,
        after: Option<i64>,
        limit: u32,
    ) -> Pending<'_, Vec<Waiting>> {
        self.reading(async move {
            let of = kept(connection.as_str());
            let after = after.unwrap_or(i64::MIN);
            let client = client(self.pool()).await?;
            all(&client, WAITING_EVENTS, &[&of, &after, &page(limit)], waiting).await
        })
    }

    fn done(&self, connection: ConnectionName, keys: Vec<EventKey>, at: Millis) -> Pending<'_, ()> {
        self.writing(async move {
            let keys: Vec<_> = keys.iter().map(|key| kept(key.as_str())).collect();
            let mut client = client(self.pool()).await?;
            let act = begin(&mut client, &[]).await?;
            let statement = act.prepare_cached(EVENTS_DONE).await?;
            let of = kept(connection.as_str());
            act.execute(&statement, &[&of, &keys, &Instant::at(at)]).await?;
            act.commit().await?;
            Ok(())
        })
    }

    fn forget(&self, done_before: Millis, limit: u32) -> Pending<'_, u64> {
        self.writing(async move {
            let mut client = client(self.pool()).await?;
            let act = begin(&mut client, &[]).await?;
            let statement = act.prepare_cached(FORGET_EVENTS).await?;
            let before = Instant::at(done_before);
            let forgotten = act.execute(&statement, &[&before, &page(limit)]).await?;
            act.commit().await?;
            Ok(forgotten)
        })
    }

    fn backlog(&self) -> Pending<'_, Vec<InboxCount>> {
        self.reading(async move {
            let client = client(self.pool()).await?;
            all(&client, EVENT_BACKLOG, &[], |row| {
                Ok(InboxCount {
                    connection: ConnectionName(text(row, "connection")?),
                    waiting: counted(row.try_get("waiting")?)?,
                    since: millis_or_none(row, "since")?,
                })
            })
            .await
        })
    }
}

async fn keep(
    pool: &Pool,
    events: &[InboxEvent],
    erased: &BTreeMap<ConnectionName, u64>,
) -> Result<Vec<Taken>, Fault> {
    let key = |event: &InboxEvent| (event.connection.clone(), event.key.clone());
    let mut seen = BTreeSet::new();
    let rows: Vec<&InboxEvent> = events.iter().filter(|event| seen.insert(key(event))).collect();
    let connections: Vec<_> = rows.iter().map(|e| kept(e.connection.as_str())).collect();
    let keys: Vec<_> = rows.iter().map(|e| kept(e.key.as_str())).collect();
    let names: Vec<_> = rows.iter().map(|e| kept(&e.event)).collect();
    let happened: Vec<_> = rows.iter().map(|e| e.event_at.map(Instant::at)).collect();
    let received: Vec<_> = rows.iter().map(|e| Instant::at(e.received_at)).collect();
    let bodies: Vec<_> = rows.iter().map(|e| Json(kept_json(&e.body))).collect();
    let mut client = client(pool).await?;
    let of: BTreeSet<&ConnectionName> = events.iter().map(|event| &event.connection).collect();
    let locks: BTreeSet<i64> = of.iter().map(|connection| lock_of_inbox(connection)).collect();
    let act = begin_beside(&mut client, &locks.into_iter().collect::<Vec<_>>()).await?;
    erase::knows(&act, &of, erased).await?;
    let statement = act.prepare_cached(PUT_EVENTS).await?;
    let told = act
        .query(&statement, &[&connections, &keys, &names, &happened, &received, &bodies])
        .await?;
    let read =
        |row: &Row| Ok((ConnectionName(text(row, "connection")?), EventKey(text(row, "key")?)));
    let mut new = told.iter().map(read).collect::<Result<BTreeSet<_>, Fault>>()?;
    act.commit().await?;
    // Of several of one key the first is the new one.
    let taken = |event| if new.remove(&key(event)) { Taken::New } else { Taken::Known };
    Ok(events.iter().map(taken).collect())
}

fn waiting(row: &Row) -> Result<Waiting, Fault> {
    Ok(Waiting {
        place: row.try_get("place")?,
        event: InboxEvent {
            connection: ConnectionName(text(row, "connection")?),
            key: EventKey(text(row, "key")?),
            event: text(row, "event")?,
            event_at: millis_or_none(row, "event_at")?,
            received_at: millis(row, "received_at")?,
            body: parsed(row.try_get("body")?)?,
        },
    })
}
