//! What is left when the server is killed, and what a writer is told meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use watershed_model::CoverageState;
use watershed_sink::{Error, Sink};
use watershed_sink_postgres::PostgresSink;
use watershed_sink_test::{CATALOGUE, batch, coverage, fetched, person};
use watershed_test_servers::PostgresServer;

/// Ten people and the coverage that counts them.
fn tenth(number: i64) -> watershed_sink::Batch {
    let rows = (0..10).map(|n| person(&format!("u{number}-{n}"), json!({ "id": "x" })));
    let mut write = fetched(number + 1, rows.collect());
    write.coverage = vec![coverage(&format!("{number}"), None, CoverageState::Complete, 1)];
    batch(vec![write])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_acknowledged_is_there_and_whole_and_the_rest_waits() {
    let mut server = PostgresServer::start(&[]);
    let database = server.database();
    let sink = Arc::new(PostgresSink::open(&database.url, CATALOGUE).await.unwrap());
    let mut acknowledged = 0;
    for round in 0..3 {
        let writer = Arc::clone(&sink);
        let first = acknowledged;
        let writing = tokio::spawn(async move {
            let mut number = first;
            loop {
                match writer.write(tenth(number).into()).await {
                    Ok(()) => number += 1,
                    Err(error) => return (number, error),
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(150 + 70 * round)).await;
        server.kill();
        let (number, error) = writing.await.unwrap();
        assert!(error.waits(), "{error:?}");
        assert!(number > first, "nothing was written before the kill");
        acknowledged = number;

        let meanwhile = sink.write(tenth(number).into()).await.unwrap_err();
        assert!(matches!(meanwhile, Error::Unreachable { .. }), "{meanwhile:?}");
        assert!(meanwhile.to_string().contains(&server.port().to_string()), "{meanwhile}");

        server.restart();
        let found = again(|| sink.counts("acme".into())).await["people"];
        let known = sink.coverage(Default::default(), None, 10_000).await.unwrap().len() as u64;
        assert_eq!(found, known * 10, "rows and coverage are one");
        // The last one, which was not acknowledged, is whole or not at all.
        let least = acknowledged as u64;
        assert!((least..=least + 1).contains(&known), "{known} of {least}");
    }
    // To make what was not acknowledged once more does no harm.
    again(|| sink.write(tenth(acknowledged).into())).await;
    let found = sink.counts("acme".into()).await.unwrap()["people"];
    assert_eq!(found, (acknowledged as u64 + 1) * 10);
}

/// Asks until it is answered, as who uses a sink does.
async fn again<'a, T>(ask: impl Fn() -> watershed_sink::Pending<'a, T>) -> T {
    for _ in 0..200 {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) if error.waits() => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("no answer in time")
}
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_an_operator_ends_is_waited_for_and_replaced() {
    let place = crate::place::place();
    let sink = PostgresSink::open(&place.0.url, CATALOGUE).await.unwrap();
    sink.write(tenth(0).into()).await.unwrap();
    place
        .run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'watershed'",
        )
        .await;
    again(|| sink.write(tenth(1).into())).await;
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 20);
}
