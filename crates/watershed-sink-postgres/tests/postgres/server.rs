//! Durability, locks and order, as the server keeps them.

use std::time::Duration;

use serde_json::{Value, json};
use watershed_model::Row;
use watershed_sink::{Error, Sink, SqliteSink};
use watershed_sink_postgres::PostgresSink;
use watershed_sink_test::{CATALOGUE, Place as _, batch, fetched, instant, person};
use watershed_test_servers::PostgresServer;

use crate::place::{connect, place};

async fn opened(url: &str) -> PostgresSink {
    PostgresSink::open(url, CATALOGUE).await.unwrap()
}

fn people(keys: impl Iterator<Item = u32>, at: i64) -> watershed_sink::Batch {
    let rows: Vec<Row> = keys.map(|n| person(&format!("u{n:03}"), json!({ "at": at }))).collect();
    batch(vec![fetched(at, rows)])
}

#[tokio::test]
async fn commits_are_kept_whatever_the_database_or_the_url_would_have_by_default() {
    let place = place();
    let name = &place.0.name;
    place.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let wanted_off = format!("{}?options=-c%20synchronous_commit%3Doff", place.0.url);
    for url in [&place.0.url, &wanted_off] {
        let health = opened(url).await.check().await.unwrap();
        assert_eq!(health.durability, "synchronous_commit=on, fsync=on, full_page_writes=on");
        assert!(health.durable);
        assert!(health.place.ends_with(name) && !health.place.contains('@'), "{}", health.place);
        assert!(health.engine.starts_with("PostgreSQL 1"), "{}", health.engine);
    }
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_named() {
    let server = PostgresServer::start(&["fsync=off"]);
    let database = server.database();
    let health = opened(&database.url).await.check().await.unwrap();
    assert!(!health.durable && health.durability.contains("fsync=off"), "{health:?}");
}

#[tokio::test]
async fn another_program_in_the_way_costs_a_batch_nothing_but_time() {
    let place = place();
    // The batch looks for a deadlock after a second, the other one much later.
    let sink = opened(&format!("{}?options=-c%20deadlock_timeout%3D1s", place.0.url)).await;
    sink.write(people(0..100, 1).into()).await.unwrap();
    let other = connect(&place.0.url).await;
    let touch = |key: &str| format!("UPDATE people SET _run = 'other' WHERE _key = '{key}'");
    let last = touch("u099");
    other.batch_execute(&format!("BEGIN; SET deadlock_timeout = '20s'; {last}")).await.unwrap();
    let writing = tokio::spawn(async move {
        let done = sink.write(people(0..100, 2).into()).await;
        (sink, done)
    });
    let waits = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while place.ask(waits).await == json!(0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // It has the first key, and waits for the last.
    other.batch_execute(&format!("{}; COMMIT", touch("u000"))).await.unwrap();
    let (_sink, done) = writing.await.unwrap();
    done.unwrap();
    assert_eq!(place.look("_raw", "u000").await, json!({ "at": 2 }));
    assert_eq!(place.look("_run", "u099").await, json!("run-of-2"));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    // Counted a little later than it happens.
    for _ in 0..100 {
        if place.ask(deadlocks).await != json!(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there was no deadlock to overcome");
}

#[tokio::test]
async fn who_holds_a_row_for_too_long_is_told_of_and_waited_for() {
    let place = place();
    let sink = opened(&format!("{}?options=-c%20dummy.x%3D1", place.0.url)).await;
    sink.write(people(0..1, 1).into()).await.unwrap();
    let other = connect(&place.0.url).await;
    other.batch_execute("BEGIN; LOCK TABLE people").await.unwrap();
    // As an operator would, who wants the lock more.
    let ended = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other
            .batch_execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            .unwrap();
    };
    let (done, ()) = tokio::join!(sink.write(people(0..1, 2).into()), ended);
    let error = done.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }) && error.waits(), "{error:?}");
}

#[tokio::test]
async fn keys_are_in_the_order_of_their_bytes_in_a_database_of_any_language() {
    let server = PostgresServer::shared();
    let icu = server.database_with(
        "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'",
    );
    let sink = opened(&icu.url).await;
    let keys = ["B", "Z", "_", "a", "b", "é"];
    let mut write = fetched(1, keys.iter().rev().map(|key| person(key, json!({}))).collect());
    write.listing = Some(watershed_sink_test::listing("any"));
    write.part = Some(watershed_sink::Part { dataset: &watershed_sink_test::PEOPLE, first: true });
    sink.write(batch(vec![write]).into()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < keys.len() {
        let listing = watershed_sink_test::key("any");
        let page = sink.listed(listing, seen.last().cloned(), 2).await.unwrap().unwrap();
        assert!(!page.is_empty(), "{seen:?}");
        seen.extend(page.into_iter().map(|row| row.key));
    }
    assert_eq!(seen, keys);
}

#[tokio::test]
async fn what_a_column_cannot_hold_is_null_there_and_stays_in_the_record() {
    let place = place();
    let sink = opened(&place.0.url).await;
    let early = json!({ "created_at": "-009000-01-01T00:00:00Z", "weight": 1e300, "id": "x\0y" });
    let edge = json!({ "created_at": "9999-12-30T22:00:00.123456789Z", "type": i64::MIN });
    let rows = vec![person("early", early.clone()), person("edge", edge.clone())];
    sink.write(batch(vec![fetched(1, rows)]).into()).await.unwrap();
    assert_eq!(place.look("created_at", "early").await, Value::Null);
    assert_eq!(place.look("id", "early").await, json!("x\u{241b}\u{2400}y"));
    assert_eq!(place.look("weight", "early").await.as_f64(), Some(1e300));
    assert_eq!(place.look("created_at", "edge").await, instant("9999-12-30T22:00:00.123456Z"));
    assert_eq!(place.look("type", "edge").await, json!(i64::MIN));
    assert_eq!(place.look("_raw", "edge").await, edge);
}

#[tokio::test]
async fn a_batch_of_more_than_one_statement_takes_is_whole() {
    let place = place();
    let sink = opened(&place.0.url).await;
    let pad = "x".repeat(20_000);
    let rows: Vec<Row> = (0..2_500)
        .map(|n| {
            let pad = if n < 1_000 { pad.as_str() } else { "" };
            person(&format!("u{n}"), json!({ "id": format!("{n}"), "pad": pad }))
        })
        .collect();
    sink.write(batch(vec![fetched(1, rows)]).into()).await.unwrap();
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 2_500);
    let sum = place.ask("SELECT sum(id::int) FROM people").await;
    assert_eq!(sum, json!((0..2_500).sum::<i32>()));
}

#[tokio::test(flavor = "multi_thread")]
async fn from_one_machine_s_file_to_a_server_and_back_nothing_changes() {
    use std::sync::Arc;
    use watershed_sink_test::copies;
    let place = place();
    let server = copies::filled(&place).await;
    let held = copies::held(&server).await;
    let file: Arc<dyn Sink> = Arc::new(SqliteSink::in_memory(CATALOGUE).await.unwrap());
    copies::whole(&server, &file).await;
    assert_eq!(copies::held(&file).await, held);
    let beside = place.beside();
    let back = beside.open(CATALOGUE).await.unwrap();
    copies::whole(&file, &back).await;
    assert_eq!(copies::held(&back).await, held);
}
