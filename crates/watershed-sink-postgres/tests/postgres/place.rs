//! A new database on a server of this process, and how the suite looks into it.

use std::sync::Arc;

use serde_json::Value;
use tokio_postgres::NoTls;
use watershed_model::Catalogue;
use watershed_sink::{CoverageMap, Error, Inbox, Sink};
use watershed_sink_postgres::PostgresSink;
use watershed_sink_test::{Later, instant};
use watershed_test_servers::{Database, PostgresServer};

/// A database.
pub(crate) struct Place(pub(crate) Database);

/// For the suite.
pub(crate) fn make() -> Box<dyn watershed_sink_test::Place> {
    Box::new(place())
}

/// An empty database on the shared server.
pub(crate) fn place() -> Place {
    Place(PostgresServer::shared().database())
}

/// A connection of the test's own.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server");
    tokio::spawn(connection);
    client
}

impl Place {
    /// The only value of a statement's only row, as JSON.
    pub(crate) async fn ask(&self, sql: &str) -> Value {
        let client = connect(&self.0.url).await;
        let row = client.query_one(&format!("SELECT to_json(({sql}))::text"), &[]).await;
        let text: Option<String> = row.expect("an answer").get(0);
        text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"))
    }

    /// Runs statements.
    pub(crate) async fn run(&self, sql: &str) {
        connect(&self.0.url).await.batch_execute(sql).await.expect("they run");
    }
}

const PLANT: &str = "CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
     CREATE TRIGGER planted BEFORE INSERT ON _failures
     FOR EACH ROW EXECUTE FUNCTION plant()";

impl watershed_sink_test::Place for Place {
    fn beside(&self) -> Box<dyn watershed_sink_test::Place> {
        make()
    }

    fn open(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>> {
        Box::pin(async move {
            let sink = PostgresSink::open(&self.0.url, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Sink>)
        })
    }

    fn open_inbox(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Inbox>, Error>> {
        Box::pin(async move {
            let sink = PostgresSink::open(&self.0.url, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Inbox>)
        })
    }

    fn open_map(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn CoverageMap>, Error>> {
        Box::pin(async move {
            let sink = PostgresSink::open(&self.0.url, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn CoverageMap>)
        })
    }

    fn open_read_only(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>> {
        Box::pin(async move {
            let sink = PostgresSink::open_read_only(&self.0.url, catalogue).await?;
            Ok(Arc::new(sink) as Arc<dyn Sink>)
        })
    }

    fn look(&self, column: &str, key: &str) -> Later<'_, Value> {
        let (column, key) = (column.to_owned(), key.to_owned());
        Box::pin(async move {
            let sql = format!("SELECT \"{column}\" FROM people WHERE _key = '{key}'");
            match self.ask(&sql).await {
                Value::String(text) if column.ends_with("_at") => instant(&text),
                other => other,
            }
        })
    }

    fn columns(&self) -> Later<'_, Vec<String>> {
        Box::pin(async {
            let sql = "SELECT array_agg(column_name::text) FROM information_schema.columns
                       WHERE table_name = 'people'";
            serde_json::from_value(self.ask(sql).await).expect("names")
        })
    }

    fn meddle(&self, sql: &str) -> Later<'_, ()> {
        let sql = sql.to_owned();
        Box::pin(async move { self.run(&sql).await })
    }

    fn plant(&self, planted: bool) -> Later<'_, ()> {
        Box::pin(self.run(if planted { PLANT } else { "DROP TRIGGER planted ON _failures" }))
    }

    fn set_version(&self, version: u32) -> Later<'_, ()> {
        Box::pin(async move { self.run(&format!("UPDATE _meta SET version = {version}")).await })
    }

    fn version(&self) -> u32 {
        7
    }

    fn meta(&self) -> Later<'_, u32> {
        Box::pin(async {
            let version = self.ask("SELECT version FROM _meta").await;
            version.as_u64().and_then(|version| version.try_into().ok()).expect("a version")
        })
    }
}
