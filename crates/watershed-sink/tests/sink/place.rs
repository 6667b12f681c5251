//! A SQLite file in a directory of its own, and how the suite looks into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value as Stored;
use serde_json::{Value, json};
use tempfile::TempDir;
use watershed_model::Catalogue;
use watershed_sink::{CoverageMap, Error, Inbox, Sink, SqliteSink, Write};
use watershed_sink_test::{CATALOGUE, Later, batch, instant};

/// A file in a directory of its own, gone with the value.
pub(crate) struct Place {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn place() -> Place {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data").join("zoom.db");
    Place { _directory: directory, path }
}

/// For the suite.
pub(crate) fn make() -> Box<dyn watershed_sink_test::Place> {
    Box::new(place())
}

pub(crate) async fn open(place: &Place) -> SqliteSink {
    SqliteSink::open(&place.path, CATALOGUE).await.unwrap()
}

pub(crate) async fn write(sink: &dyn Sink, write: Write) {
    sink.write(batch(vec![write]).into()).await.unwrap();
}

/// What one cell holds, asked of the file by a connection of the test's own.
pub(crate) fn cell(path: &Path, column: &str, key: &str) -> rusqlite::types::Value {
    rusqlite::Connection::open(path)
        .unwrap()
        .query_row(&format!("SELECT \"{column}\" FROM people WHERE _key = ?1"), [key], |row| {
            row.get(0)
        })
        .unwrap()
}

/// The same, of a cell that holds text or nothing.
pub(crate) fn text(path: &Path, column: &str, key: &str) -> Option<String> {
    match cell(path, column, key) {
        rusqlite::types::Value::Text(text) => Some(text),
        rusqlite::types::Value::Null => None,
        other => panic!("{column} of {key} is {other:?}"),
    }
}

/// Runs statements on the file, as some other program would.
pub(crate) fn meddle(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

const PLANTED: &str = "CREATE TRIGGER planted BEFORE INSERT ON _failures
     BEGIN SELECT RAISE(ABORT, 'planted'); END";

impl watershed_sink_test::Place for Place {
    fn beside(&self) -> Box<dyn watershed_sink_test::Place> {
        make()
    }

    fn open(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>> {
        Box::pin(async move {
            let sink = SqliteSink::open(&self.path, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Sink>)
        })
    }

    fn open_inbox(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Inbox>, Error>> {
        Box::pin(async move {
            let sink = SqliteSink::open(&self.path, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Inbox>)
        })
    }

    fn open_map(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn CoverageMap>, Error>> {
        Box::pin(async move {
            let sink = SqliteSink::open(&self.path, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn CoverageMap>)
        })
    }

    fn open_read_only(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>> {
        Box::pin(async move {
            let sink = SqliteSink::open_read_only(&self.path, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Sink>)
        })
    }

    fn look(&self, column: &str, key: &str) -> Later<'_, Value> {
        let found = match (column, cell(&self.path, column, key)) {
            (_, Stored::Null) => Value::Null,
            ("verified", Stored::Integer(yes)) => json!(yes == 1),
            (_, Stored::Integer(number)) => json!(number),
            (_, Stored::Real(number)) => json!(number),
            ("groups" | "_raw", Stored::Text(text)) => serde_json::from_str(&text).unwrap(),
            (column, Stored::Text(text)) if column.ends_with("_at") => instant(&text),
            (_, Stored::Text(text)) => json!(text),
            (column, other) => panic!("{column} of {key} is {other:?}"),
        };
        Box::pin(async { found })
    }

    fn columns(&self) -> Later<'_, Vec<String>> {
        let columns = rusqlite::Connection::open(&self.path)
            .unwrap()
            .prepare("SELECT name FROM pragma_table_info('people')")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        Box::pin(async { columns })
    }

    fn meddle(&self, sql: &str) -> Later<'_, ()> {
        meddle(&self.path, sql);
        Box::pin(async {})
    }

    fn plant(&self, planted: bool) -> Later<'_, ()> {
        watershed_sink_test::Place::meddle(
            self,
            if planted { PLANTED } else { "DROP TRIGGER planted" },
        )
    }

    fn set_version(&self, version: u32) -> Later<'_, ()> {
        watershed_sink_test::Place::meddle(self, &format!("PRAGMA user_version = {version}"))
    }

    fn version(&self) -> u32 {
        8
    }

    fn meta(&self) -> Later<'_, u32> {
        let version = rusqlite::Connection::open(&self.path)
            .unwrap()
            .query_row("SELECT version FROM _meta", [], |row| row.get(0))
            .unwrap();
        Box::pin(async move { version })
    }
}
