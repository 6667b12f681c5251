//! A state file of an older program is brought along, its open work with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use watershed_ledger::tables::{Counts, Task};
use watershed_ledger::{Command, Error, Reply};
use watershed_ledger_sqlite::{SqliteLedger, hold};
use watershed_model::{Limits, Millis, RunState};

use crate::desk::{Desk, run};

/// A file of version 2 with open work of every kind: chunks, leases, a listing under way, a
/// delayed task, a dead letter.
const VERSION_2: &str = include_str!("version_2.sql");

struct Older {
    folder: TempDir,
    /// The items of its chunks and tasks that are not closed, with their `once` hashes.
    items: BTreeSet<(String, Option<u64>)>,
}

fn older() -> Older {
    let folder = tempfile::tempdir().expect("a folder for the state");
    let connection = Connection::open(folder.path().join("state.db")).expect("a file");
    connection.execute_batch(VERSION_2).expect("the older state is written");
    let open = "SELECT item, once FROM item JOIN chunk ON chunk.id = item.chunk
                WHERE position >= next
                UNION ALL
                SELECT item, once FROM item JOIN chunk ON chunk.id = item.chunk JOIN lease
                ON lease.body ->> '$.of.range.chunk' = chunk.id
                JOIN json_each(lease.body, '$.open') AS task
                ON task.key = position - (lease.body ->> '$.of.range.from')
                WHERE task.value";
    let mut statement = connection.prepare(open).expect("the older state is asked");
    let mut items: BTreeSet<(String, Option<u64>)> = statement
        .query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned)))
        })
        .and_then(Iterator::collect)
        .expect("the older state is read");
    drop(statement);
    let mut statement = connection.prepare("SELECT body FROM task").expect("it is asked");
    let bodies = statement
        .query_map([], |row| row.get::<_, String>(0))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .expect("the older state is read");
    items.extend(bodies.iter().map(|body| {
        let task: Task = serde_json::from_str(body).expect("a task");
        (task.item, task.once)
    }));
    drop(statement);
    drop(connection);
    Older { folder, items }
}

#[test]
fn a_file_of_version_2_is_opened_and_its_run_goes_on_to_its_end() {
    let older = older();
    assert!(older.items.len() >= 10, "{} items are open", older.items.len());
    let mut desk = Desk::at(older.folder);
    assert_eq!(desk.open(), older.items.len() as u64);
    // Whoever held the leases is gone, and the day's budget is another one.
    let taken = desk.says(&Command::Takeover { worker: desk.worker.clone() });
    assert!(matches!(taken, Reply::TakenOver { tasks } if tasks > 0), "{taken:?}");
    let limits = Limits::default();
    desk.says(&Command::SetLimits {
        account: "acme".into(),
        limits,
        days: Vec::new(),
        recount: None,
    });
    let mut seen = BTreeSet::new();
    desk.an_hour_passes();
    desk.works(
        |leased| {
            seen.insert((leased.item.clone(), leased.once));
            Vec::new()
        },
        |_| false,
    );
    assert_eq!(seen, older.items);
    let view = desk.view();
    assert_eq!((view.state, desk.open()), (RunState::Complete, 0));
    assert_eq!(view.steps.iter().map(|step| step.failed).sum::<u64>(), 1);
}

/// The counts of the run.
fn counts(desk: &Desk) -> Counts {
    let connection = Connection::open(desk.path()).expect("the state opens");
    let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let body = connection.query_row("SELECT body FROM counts", [], read).expect("it is asked");
    serde_json::from_str(&body).expect("counts")
}

#[test]
fn what_a_file_of_version_2_has_open_is_counted_by_month() {
    let mut desk = Desk::at(older().folder);
    let open = counts(&desk).steps;
    let months: Vec<_> = open.iter().map(|step| step.months.clone()).collect();
    // Only the last step goes newest first.
    assert_eq!(months, [BTreeMap::new(), BTreeMap::new(), [(24_308, 1), (24_313, 1)].into()]);
    let leased: Vec<u64> = open.iter().map(|step| step.leased).collect();
    assert_eq!(leased, [0, 3, 2]);
    desk.says(&Command::Takeover { worker: desk.worker.clone() });
    desk.says(&Command::SetLimits {
        account: "acme".into(),
        limits: Limits::default(),
        days: Vec::new(),
        recount: None,
    });
    desk.an_hour_passes();
    desk.works(|_| Vec::new(), |_| false);
    for step in counts(&desk).steps {
        assert_eq!((step.open, step.leased, step.months.len()), (0, 0, 0));
    }
}

#[test]
fn keys_of_a_file_of_version_2_are_still_taken() {
    let older = older();
    let desk = Desk::at(older.folder);
    let connection = Connection::open(desk.path()).expect("the state opens");
    let held = "SELECT connection, operation, key FROM once
                JOIN once_name ON once_name.number = once.name";
    let mut statement = connection.prepare(held).expect("the state is asked");
    let keys: BTreeSet<(String, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect)
        .expect("the state is read");
    let before = Connection::open_in_memory().expect("a database");
    before.execute_batch(VERSION_2).expect("the older state is written");
    let mut statement = before.prepare("SELECT connection, operation, key FROM once").unwrap();
    let kept: BTreeSet<(String, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect)
        .expect("the older state is read");
    assert!(kept.len() > 10 && kept.iter().any(|(_, name, _)| name.starts_with("dead:")));
    assert_eq!(keys, kept);
}

#[test]
fn who_only_looks_brings_a_file_along_unless_somebody_executes_on_it() {
    let older = older();
    let path = older.folder.path().join("state.db");
    let looks = || {
        let ledger = SqliteLedger::open_existing(&path, Arc::new(|| Millis(0)))?;
        ledger.expect("the file is there").run_at(&run(), Millis(0))
    };
    let held = hold(&path).expect("nobody executes");
    assert!(matches!(looks(), Err(Error::Held { .. })));
    drop(held);
    let seen = looks().expect("the file is brought along").expect("the run is known");
    let open: u64 = seen.steps.iter().map(|step| step.open).sum();
    assert_eq!(open, older.items.len() as u64);
}

#[test]
fn a_file_of_version_2_gives_room_back_once_it_is_brought_along() {
    let desk = Desk::at(older().folder);
    let connection = Connection::open(desk.path()).expect("the state opens");
    let read = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
    let mode = connection.pragma_query_value(None, "auto_vacuum", read).expect("it is read");
    assert_eq!(mode, 2, "incremental");
}
