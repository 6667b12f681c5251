//! Servers, credentials and databases that do not serve: each with what to do about it.

use serde_json::json;
use watershed_sink::{Error, Sink};
use watershed_sink_postgres::PostgresSink;
use watershed_sink_test::{CATALOGUE, batch, fetched, person};
use watershed_test_servers::PostgresServer;

use crate::place::place;

/// Why opening fails; it never waits for that, and never shows a password.
async fn refused(url: &str) -> String {
    let error = PostgresSink::open(url, CATALOGUE).await.err().expect("it is refused");
    assert!(!error.waits(), "{error:?}");
    let told = format!("{error} {error:?}");
    assert!(!told.contains("open sesam") && !told.contains("wrong"), "{told}");
    error.to_string()
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_taken() {
    let server = PostgresServer::shared();
    let database = server.database();
    server.sql(&database.name, "GRANT ALL ON SCHEMA public TO guarded");
    let told = refused(&server.url("guarded:wrong", &database.name)).await;
    assert!(told.contains("password authentication failed"), "{told}");
    assert!(told.ends_with("check user and password in sink.url, and the server's pg_hba.conf"));
    let told = refused(&server.url("guarded", &database.name)).await;
    assert!(told.contains("password"), "{told}");
    let right = server.url("guarded:open%20sesame", &database.name);
    PostgresSink::open(&right, CATALOGUE).await.unwrap();
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let server = PostgresServer::shared();
    let told = refused(&server.url("watershed", "nowhere")).await;
    assert!(told.contains("\"nowhere\" does not exist"), "{told}");
    assert!(told.contains("createdb"), "{told}");
}

#[tokio::test]
async fn a_user_without_the_right_to_make_tables_is_told_so() {
    let server = PostgresServer::shared();
    let database = server.database();
    server.sql(&database.name, "REVOKE ALL ON SCHEMA public FROM PUBLIC");
    server.sql(&database.name, "GRANT USAGE ON SCHEMA public TO guarded");
    let told = refused(&server.url("guarded:open%20sesame", &database.name)).await;
    assert!(told.contains("permission denied"), "{told}");
}

#[tokio::test]
async fn a_server_that_only_reads_is_refused_to_a_writer_and_serves_a_reader() {
    let place = place();
    let sink = PostgresSink::open(&place.0.url, CATALOGUE).await.unwrap();
    sink.write(batch(vec![fetched(1, vec![person("u1", json!({}))])]).into()).await.unwrap();
    let name = &place.0.name;
    place.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let told = refused(&place.0.url).await;
    assert!(told.contains("only read") && told.contains("primary"), "{told}");
    let reading = PostgresSink::open_read_only(&place.0.url, CATALOGUE).await.unwrap();
    assert_eq!(reading.counts("acme".into()).await.unwrap()["people"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_refused_to_a_writer_also_where_it_became_one_later() {
    let mut server = PostgresServer::start(&[]);
    let database = server.database();
    let sink = PostgresSink::open(&database.url, CATALOGUE).await.unwrap();
    let people = || batch(vec![fetched(1, vec![person("u1", json!({}))])]);
    sink.write(people().into()).await.unwrap();
    server.kill();
    server.restart_as_replica();
    let told = refused(&database.url).await;
    assert!(told.contains("it is a replica") && told.contains("to the primary"), "{told}");
    let mut late = sink.write(people().into()).await.unwrap_err();
    if late.waits() {
        // It was still the connection of the killed server.
        late = sink.write(people().into()).await.unwrap_err();
    }
    assert!(!late.waits() && late.to_string().contains("to the primary"), "{late:?}");
    let reading = PostgresSink::open_read_only(&database.url, CATALOGUE).await.unwrap();
    assert_eq!(reading.counts("acme".into()).await.unwrap()["people"], 1);
}

#[tokio::test]
async fn who_only_looks_never_makes_tables() {
    let place = place();
    let opened = PostgresSink::open_read_only(&place.0.url, CATALOGUE).await.err().unwrap();
    assert!(matches!(opened, Error::OlderVersion { found: 0, known: 7, .. }), "{opened}");
    assert_eq!(place.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 0);
}

#[tokio::test]
async fn a_schema_of_another_program_is_left_as_it_is_and_another_schema_serves() {
    let place = place();
    place.run("CREATE TABLE people (name text); CREATE SCHEMA zoom").await;
    let told = refused(&place.0.url).await;
    assert!(told.contains("people") && told.contains("search_path"), "{told}");
    assert_eq!(place.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 1);

    let apart = format!("{}?options=-c%20search_path%3Dzoom", place.0.url);
    let sink = PostgresSink::open(&apart, CATALOGUE).await.unwrap();
    sink.write(batch(vec![fetched(1, vec![person("u1", json!({}))])]).into()).await.unwrap();
    assert_eq!(place.ask("SELECT count(*) FROM zoom.people").await, 1);

    let nowhere = format!("{}?options=-c%20search_path%3Dnowhere", place.0.url);
    assert!(refused(&nowhere).await.contains("search_path names no schema"));
}

#[tokio::test]
async fn an_encoding_that_cannot_hold_every_name_is_refused() {
    let server = PostgresServer::shared();
    let latin = server.database_with("TEMPLATE template0 ENCODING 'LATIN1'");
    let told = refused(&latin.url).await;
    assert!(told.contains("LATIN1") && told.contains("ENCODING 'UTF8'"), "{told}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_wanted() {
    let url = format!("{}?sslmode=require", place().0.url);
    let told = refused(&url).await;
    assert!(told.contains("does not speak TLS"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("postgres://ana:hunter2@127.0.0.1:{port}/zoom");
    let error = PostgresSink::open(&url, CATALOGUE).await.err().unwrap();
    assert!(matches!(error, Error::Unreachable { .. }) && error.waits(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn more_connections_than_the_server_takes_are_waited_for() {
    let server = PostgresServer::shared();
    let database = server.database();
    server.sql(&database.name, "GRANT ALL ON SCHEMA public TO guarded");
    let url = server.url("guarded:open%20sesame", &database.name);
    let _sink = PostgresSink::open(&url, CATALOGUE).await.unwrap();
    server.sql("postgres", &format!("ALTER DATABASE {} CONNECTION LIMIT 1", database.name));
    let error = PostgresSink::open(&url, CATALOGUE).await.err().unwrap();
    assert!(error.waits(), "{error:?}");
    assert!(error.to_string().contains("too many connections"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_must_prove_who_it_is_as_far_as_sslmode_asks() {
    let (server, authority) = PostgresServer::start_with_tls();
    let database = server.database();
    let url = |host: &str, rest: &str| {
        let port = server.port();
        format!("postgres://watershed@{host}:{port}/{}?{rest}", database.name)
    };
    let signed = format!("sslrootcert={}", authority.display());
    let taken = [
        url("localhost", &format!("sslmode=verify-full&{signed}")),
        url("127.0.0.1", &format!("sslmode=verify-ca&{signed}")),
        url("127.0.0.1", "sslmode=require"),
        url("127.0.0.1", "sslmode=prefer"),
    ];
    for url in taken {
        let sink = PostgresSink::open(&url, CATALOGUE).await.expect(&url);
        sink.check().await.unwrap();
        let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                         WHERE ssl AND application_name = 'watershed'";
        assert_ne!(server.sql("postgres", encrypted), "0", "{url}");
    }
    let refusals = [
        // Certified as localhost.
        (url("127.0.0.1", &format!("sslmode=verify-full&{signed}")), "not trusted"),
        // By an authority that nobody knows.
        (url("localhost", "sslmode=verify-full"), "not trusted"),
        (url("localhost", "sslmode=verify-ca&sslrootcert=system"), "not trusted"),
        (url("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem"), "/nowhere.pem"),
    ];
    for (url, why) in refusals {
        let told = refused(&url).await;
        assert!(told.contains(why) && told.contains("sslrootcert"), "{url}: {told}");
    }
}
