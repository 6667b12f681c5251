//! A walk over a file finds what is not as it should be, and nothing where all is.

use rusqlite::Connection;

use crate::desk::Desk;
use crate::plans::{Account, zoom};

/// A desk in the middle of a run: chunks that wait, tasks of their own, leases.
fn at_work() -> Desk {
    let (mut desk, mut account) = (Desk::new(), Account::of(7));
    let meetings = (0..300).map(|_| account.meeting()).collect();
    desk.begins(zoom(), meetings);
    let held = desk.exchanges(Vec::new()).leased;
    let settles = held[..20].iter().map(|leased| desk.delays(leased)).collect();
    desk.exchanges(settles);
    desk
}

#[test]
fn a_walk_finds_what_is_not_counted() {
    for (harm, said) in [
        ("UPDATE chunk SET open = open - 1 WHERE id = (SELECT max(id) FROM chunk)", "open"),
        ("DELETE FROM task WHERE NOT leased", "units"),
        ("DELETE FROM lease", "leased"),
        ("UPDATE lease SET tasks = tasks + 1", "counts"),
        ("DELETE FROM counts", "its counts are missing"),
        ("DELETE FROM plan", "its plan is missing"),
        ("DELETE FROM scope", "is missing"),
        ("DELETE FROM run", "is of no run"),
        ("DELETE FROM chunk WHERE next > 0", "is of nothing"),
        ("UPDATE chunk SET rank = NULL WHERE next < len", "is not where its items say"),
        ("DELETE FROM chunk_items", "items"),
        ("UPDATE task SET leased = 1, rank = NULL WHERE NOT leased", "is leased by nobody"),
        ("UPDATE counts SET body = json_set(body, '$.steps[0].known', 1)", "as known"),
    ] {
        let desk = at_work();
        assert_eq!(desk.walked(), [""; 0], "before: {harm}");
        let done = Connection::open(desk.path()).and_then(|file| file.execute(harm, []));
        assert_ne!(done, Ok(0), "{harm}: there is none");
        let found = desk.walked();
        assert!(found.iter().any(|what| what.contains(said)), "{harm}: {found:?}");
    }
}

#[test]
fn of_an_account_that_is_forgotten_no_byte_is_left_and_its_run_can_begin_anew() {
    let desk = at_work();
    let marked = |word: &[u8]| {
        let folder = desk.path().parent().expect("a folder").to_owned();
        let files = std::fs::read_dir(folder).expect("a folder");
        let all =
            files.flat_map(|file| std::fs::read(file.expect("a file").path()).expect("bytes"));
        all.collect::<Vec<u8>>().windows(word.len()).any(|window| window == word)
    };
    let item = desk.an_item();
    assert!(marked(item.as_bytes()), "{item}");
    desk.forgets("somebody else");
    assert!(marked(item.as_bytes()) && desk.knows());
    desk.forgets("acme");
    assert!(!marked(item.as_bytes()), "{item}");
    assert!(!desk.knows());
    assert_eq!(desk.walked(), [""; 0]);
    desk.begins(zoom(), vec![Account::of(7).meeting()]);
    assert!(desk.knows());
    assert_eq!(desk.walked(), [""; 0]);
}
