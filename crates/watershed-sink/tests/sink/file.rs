//! The file: who may read it, which ones are refused, what later versions do.

use serde_json::json;
use watershed_model::CoverageState;
use watershed_sink::{Error, Sink, SqliteSink};
use watershed_sink_test::{CATALOGUE, LATER, batch, coverage, fetched, person};

use crate::place::{Place, cell, meddle, open, place, text, write};

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_file_is_opened_again() {
    let place = place();
    let sink = open(&place).await;
    let mut first = fetched(1, vec![person("u1", json!({}))]);
    first.coverage = vec![coverage("active", None, CoverageState::Complete, 1)];
    write(&sink, first).await;
    drop(sink);
    assert_eq!(std::fs::read_dir(place.path.parent().unwrap()).unwrap().count(), 1, "a journal");
    let sink = open(&place).await;
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 1);
    assert_eq!(sink.coverage(Default::default(), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_of_the_files_taken_while_open_holds_what_was_acknowledged() {
    // What a kill leaves behind: the file and its journal, with nobody to close them.
    let (place, killed) = (place(), place());
    let sink = open(&place).await;
    write(&sink, fetched(1, vec![person("u1", json!({}))])).await;
    std::fs::create_dir_all(killed.path.parent().unwrap()).unwrap();
    for ending in ["", "-wal"] {
        let named = |path: &std::path::Path| format!("{}{ending}", path.display());
        std::fs::copy(named(&place.path), named(&killed.path)).unwrap();
    }
    let after = open(&killed).await;
    assert_eq!(after.counts("acme".into()).await.unwrap()["people"], 1);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_file_and_its_journal() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let sink = open(&place).await;
    write(&sink, fetched(1, vec![person("u1", json!({}))])).await;
    let mode = |path: String| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = place.path.display();
    assert_eq!(mode(format!("{path}")), 0o600);
    assert_eq!(mode(format!("{path}-wal")), 0o600);
    assert_eq!(mode(place.path.parent().unwrap().display().to_string()), 0o700);
}

#[tokio::test]
async fn an_acknowledged_write_survives_a_power_loss_and_the_check_says_so() {
    let place = place();
    let health = open(&place).await.check().await.unwrap();
    assert_eq!(health.durability, "journal_mode=wal, synchronous=full");
    assert!(health.durable && health.bytes > 0 && health.engine.starts_with("SQLite 3."));
    assert_eq!((health.place, health.version), (place.path.display().to_string(), 8));
    let memory = SqliteSink::in_memory(CATALOGUE).await.unwrap();
    assert!(!memory.check().await.unwrap().durable);
}

#[tokio::test]
async fn the_version_can_be_asked_of_a_table() {
    let place = place();
    let _sink = open(&place).await;
    let version: u32 = rusqlite::Connection::open(&place.path)
        .unwrap()
        .query_row("SELECT version FROM _meta", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 8);
}

/// Opening fails both ways, and the file stays as it is.
async fn refused(place: &Place) -> Error {
    let before = std::fs::read(&place.path).unwrap();
    let to_read = SqliteSink::open_read_only(&place.path, CATALOGUE).await.err().unwrap();
    let to_write = SqliteSink::open(&place.path, CATALOGUE).await.err().unwrap();
    assert_eq!(to_read.to_string(), to_write.to_string());
    assert!(!to_write.waits());
    assert!(before == std::fs::read(&place.path).unwrap(), "the file was changed");
    to_write
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_by_name() {
    let place = place();
    drop(open(&place).await);
    meddle(&place.path, "PRAGMA user_version = 9");
    let refused = refused(&place).await;
    assert!(matches!(refused, Error::NewerVersion { found: 9, known: 8, .. }), "{refused}");
    assert!(refused.to_string().contains(&place.path.display().to_string()));
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let place = place();
    std::fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    meddle(&place.path, "CREATE TABLE users (id INTEGER)");
    let refused = refused(&place).await;
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = place();
    std::fs::create_dir_all(place.path.parent().unwrap()).unwrap();
    std::fs::write(&place.path, "minutes of the meeting\n".repeat(100)).unwrap();
    let refused = refused(&place).await;
    assert!(matches!(refused, Error::NotADatabase { .. }), "{refused}");
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let place = place();
    let sink = open(&place).await;
    let rows = (0..200).map(|n| person(&format!("u{n}"), json!({ "pad": "x".repeat(500) })));
    write(&sink, fetched(1, rows.collect())).await;
    drop(sink);
    let mut bytes = std::fs::read(&place.path).unwrap();
    let rows = bytes.len() / 2;
    bytes[rows..].fill(0x5a);
    std::fs::write(&place.path, bytes).unwrap();
    let sink = open(&place).await;
    let refused = sink.rows("people".to_owned(), None, 999).await.unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
    assert!(!refused.waits() && refused.to_string().contains("restore a copy"));
}

#[tokio::test]
async fn a_path_where_no_file_can_be_is_named() {
    let place = place();
    std::fs::write(place.path.parent().unwrap(), "a file where a directory must be").unwrap();
    let refused = SqliteSink::open(&place.path, CATALOGUE).await.err().unwrap();
    assert!(matches!(refused, Error::CannotOpen { .. }), "{refused:?}");
}

#[tokio::test]
async fn what_is_only_read_is_never_made_nor_written() {
    let place = place();
    let missing = SqliteSink::open_read_only(&place.path, CATALOGUE).await.err().unwrap();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    assert!(!place.path.exists());

    let writing = open(&place).await;
    let reading = SqliteSink::open_read_only(&place.path, CATALOGUE).await.unwrap();
    write(&writing, fetched(1, vec![person("u1", json!({}))])).await;
    assert_eq!(reading.counts("acme".into()).await.unwrap()["people"], 1);
    let refused = reading.write(batch(Vec::new()).into()).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
}

#[tokio::test]
async fn a_column_of_a_newer_catalogue_is_added_and_filled_from_the_records() {
    let place = place();
    let sink = open(&place).await;
    let rows = (0..2_500).map(|n| person(&format!("u{n}"), json!({ "id": "x", "height": n })));
    write(&sink, fetched(1, rows.collect())).await;
    drop(sink);

    let sink = SqliteSink::open(&place.path, LATER).await.unwrap();
    for n in [0, 999, 1_000, 2_499] {
        let found = cell(&place.path, "height", &format!("u{n}"));
        assert_eq!(found, rusqlite::types::Value::Integer(n));
    }
    assert_eq!(text(&place.path, "asked_later", "u1"), None);
    drop(sink);

    // The older program goes on with the same file.
    let sink = open(&place).await;
    write(&sink, fetched(2, vec![person("u1", json!({ "id": "y", "height": 3 }))])).await;
    assert_eq!(text(&place.path, "id", "u1").as_deref(), Some("y"));
}

#[tokio::test]
async fn two_processes_may_make_and_write_one_file() {
    let place = place();
    let (one, two) = tokio::join!(open(&place), open(&place));
    for (n, sink) in [&one, &two, &one, &two].into_iter().enumerate() {
        write(sink, fetched(1, vec![person(&format!("u{n}"), json!({}))])).await;
    }
    assert_eq!(one.counts("acme".into()).await.unwrap()["people"], 4);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_taken_away_is_not_written_into_the_void() {
    let place = place();
    let sink = open(&place).await;
    write(&sink, fetched(1, vec![person("u1", json!({}))])).await;
    let aside = place.path.with_extension("aside");
    std::fs::rename(&place.path, &aside).unwrap();
    let lost = sink.write(batch(vec![fetched(2, vec![person("u2", json!({}))])]).into()).await;
    assert!(matches!(lost, Err(Error::Moved { .. })), "{lost:?}");
    std::fs::rename(&aside, &place.path).unwrap();
    write(&sink, fetched(2, vec![person("u2", json!({}))])).await;
    assert_eq!(sink.counts("acme".into()).await.unwrap()["people"], 2);
}
