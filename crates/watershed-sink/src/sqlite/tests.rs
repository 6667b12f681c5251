//! Faults of the system, planted on the connections themselves.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, ffi};
use serde_json::json;
use tempfile::TempDir;
use watershed_model::{Catalogue, Dataset, Field, FieldType, Millis, Record, Row};

use super::SqliteSink;
use super::fault::Fault;
use super::read;
use crate::{Batch, Error, Sink, Write};

static NOTES: Dataset = Dataset {
    name: "notes",
    record: &Record {
        name: "note",
        fields: &[Field { name: "text", ty: FieldType::Text, secret: false }],
    },
    asked: &[],
};

const CATALOGUE: Catalogue = Catalogue { operations: &[], datasets: &[&NOTES] };

async fn open(directory: &TempDir) -> SqliteSink {
    SqliteSink::open(&directory.path().join("zoom.db"), CATALOGUE).await.unwrap()
}

fn notes(count: usize) -> Batch {
    let row = |n| Row {
        dataset: &NOTES,
        key: format!("n{n}"),
        record: json!({ "text": "x".repeat(1000) }),
        asked: Arc::default(),
    };
    let write = Write {
        connection: "acme".into(),
        run: "run-1".into(),
        fetched_at: Millis(1),
        rows: (0..count).map(row).collect(),
        coverage: Vec::new(),
        listing: None,
        part: None,
    };
    Batch { writes: vec![write], ..Batch::default() }
}

async fn count(sink: &SqliteSink) -> u64 {
    sink.counts("acme".into()).await.unwrap()["notes"]
}

#[tokio::test]
async fn what_a_run_covered_is_found_by_an_index() {
    let directory = TempDir::new().unwrap();
    let sink = open(&directory).await;
    let plan = sink.on_writer(|connection| {
        let mut statement =
            connection.prepare(&["EXPLAIN QUERY PLAN ", read::COVERAGE_COUNTS].concat())?;
        let unknown = [rusqlite::types::Null; 5];
        let lines = statement.query_map(unknown, |row| row.get::<_, String>("detail"))?;
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
    });
    let plan = plan.await.unwrap();
    assert!(plan.contains("USING INDEX _coverage_run (run=?)"), "{plan}");
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_leaves_no_half_batch() {
    let directory = TempDir::new().unwrap();
    let sink = open(&directory).await;
    sink.write(notes(1).into()).await.unwrap();
    let limit = |pages: u32| {
        sink.on_writer(move |connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(())
        })
    };
    limit(30).await.unwrap();
    let full = sink.write(notes(500).into()).await.unwrap_err();
    assert!(matches!(full, Error::Full { .. }) && full.waits(), "{full:?}");
    assert_eq!(count(&sink).await, 1);

    limit(100_000).await.unwrap();
    sink.write(notes(500).into()).await.unwrap();
    assert_eq!(count(&sink).await, 500);
}

#[tokio::test]
async fn a_connection_on_which_the_system_failed_is_never_used_again() {
    let directory = TempDir::new().unwrap();
    let sink = open(&directory).await;
    sink.write(notes(1).into()).await.unwrap();
    let mark = |connection: &mut Connection| {
        Ok(connection.execute_batch("CREATE TEMP TABLE this_very_connection (x)")?)
    };
    let marked = |connection: &mut Connection| {
        Ok(connection.query_row("SELECT count(*) > 0 FROM temp.sqlite_schema", [], |row| {
            row.get::<_, bool>(0)
        })?)
    };
    sink.on_writer(mark).await.unwrap();
    assert!(sink.on_writer(marked).await.unwrap());

    let failed = sink
        .on_writer::<()>(|_| {
            let code = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
            Err(Fault::Sqlite(rusqlite::Error::SqliteFailure(code, None)))
        })
        .await
        .unwrap_err();
    assert!(matches!(failed, Error::Io { .. }) && failed.waits(), "{failed:?}");
    assert!(!sink.on_writer(marked).await.unwrap());
    sink.write(notes(5).into()).await.unwrap();
    assert_eq!(count(&sink).await, 5);
    assert!(sink.check().await.unwrap().durable);
}

#[tokio::test]
async fn nothing_of_the_journal_is_left_behind_after_the_system_failed() {
    let directory = TempDir::new().unwrap();
    let sink = open(&directory).await;
    sink.write(notes(20).into()).await.unwrap();
    let journal = directory.path().join("zoom.db-wal");
    assert!(std::fs::metadata(&journal).unwrap().len() > 0);
    let fail = |_: &mut Connection| -> Result<(), Fault> {
        let code = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
        Err(Fault::Sqlite(rusqlite::Error::SqliteFailure(code, None)))
    };
    sink.on_writer(fail).await.unwrap_err();
    sink.on_writer(|_| Ok(())).await.unwrap();
    assert_eq!(std::fs::metadata(&journal).unwrap().len(), 0);
    assert_eq!(count(&sink).await, 20);
}

#[test]
fn each_thing_that_sqlite_says_has_its_reaction() {
    let said = |code| {
        let failure = ffi::Error::new(code);
        Fault::Sqlite(rusqlite::Error::SqliteFailure(failure, None)).at(Path::new("zoom.db"))
    };
    assert!(matches!(said(ffi::SQLITE_FULL), Error::Full { .. }));
    assert!(matches!(said(ffi::SQLITE_BUSY), Error::Busy { .. }));
    assert!(matches!(said(ffi::SQLITE_LOCKED), Error::Busy { .. }));
    assert!(matches!(said(ffi::SQLITE_IOERR), Error::Io { .. }));
    assert!(matches!(said(ffi::SQLITE_IOERR_WRITE), Error::Io { .. }));
    assert!(matches!(said(ffi::SQLITE_CANTOPEN), Error::CannotOpen { .. }));
    assert!(matches!(said(ffi::SQLITE_CORRUPT), Error::Corrupt { .. }));
    assert!(matches!(said(ffi::SQLITE_NOTADB), Error::NotADatabase { .. }));
    assert!(matches!(said(ffi::SQLITE_READONLY), Error::ReadOnly { .. }));
    assert!(matches!(said(ffi::SQLITE_CONSTRAINT), Error::Refused { .. }));
    assert_eq!(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC).code, ErrorCode::SystemIoFailure);
}

#[tokio::test]
async fn a_panicking_act_closes_the_sink_and_hangs_nobody() {
    let sink = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    let lost = sink.on_writer::<()>(|_| panic!("planted")).await;
    assert!(matches!(lost, Err(Error::Closed)), "{lost:?}");
    assert!(matches!(sink.write(notes(1).into()).await, Err(Error::Closed)));
}

#[tokio::test]
async fn who_makes_the_file_at_once_with_others_waits_for_them() {
    for _ in 0..40 {
        let directory = TempDir::new().unwrap();
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let path = directory.path().join("zoom.db");
                tokio::spawn(async move { SqliteSink::open(&path, CATALOGUE).await })
            })
            .collect();
        for opened in opened {
            let sink = opened.await.unwrap().unwrap();
            assert_eq!(count(&sink).await, 0);
        }
    }
}
