//! The SQLite ledger against the suite, and what only a file can do.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use watershed_ledger::{Command, Error, Reply, RunView, WorkerView};
use watershed_ledger_sqlite::{SqliteLedger, hold};
use watershed_ledger_test::{Capability, Size, Stats, Subject, check, conformance, history};
use watershed_model::{Limits, Millis, RunId};

/// What is counted is compared with what is there after so many commands.
const WALK_EACH: u64 = 7;

struct File {
    folder: TempDir,
    ledger: Option<SqliteLedger>,
    now: Millis,
    commands: u64,
}

impl File {
    fn empty() -> File {
        let folder = tempfile::tempdir().expect("a folder for the state");
        let mut file = File { folder, ledger: None, now: Millis(0), commands: 0 };
        file.restart();
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn ledger(&self) -> &SqliteLedger {
        self.ledger.as_ref().expect("the ledger is open")
    }
}

impl Subject for File {
    fn execute(&mut self, command: Command, now: Millis) -> Result<Reply, Error> {
        self.now = now;
        let done = self.ledger().execute_at(&command, now);
        self.commands += 1;
        if self.commands.is_multiple_of(WALK_EACH) {
            let walked = self.ledger().walk().expect("it is walked");
            assert_eq!(walked.wrong, Vec::<String>::new(), "what is counted is there");
        }
        done
    }

    fn view(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        self.ledger().run_at(run, self.now)
    }

    fn workers(&mut self) -> Result<Vec<WorkerView>, Error> {
        self.ledger().heard_of()
    }

    fn size(&mut self) -> u64 {
        let connection = Connection::open(self.path()).expect("the state opens");
        let told = |name: &str| {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
            connection.pragma_query_value(None, name, read).map(u64::from).expect("it is told")
        };
        (told("page_count") - told("freelist_count")) * told("page_size")
    }

    fn snapshot(&mut self) -> Box<dyn Any> {
        let copy = self.folder.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        let connection = Connection::open(self.path()).expect("the state opens");
        let target = copy.to_str().expect("a plain path");
        connection.execute("VACUUM INTO ?1", [target]).expect("the state is copied");
        Box::new(std::fs::read(copy).expect("the copy is read"))
    }

    fn restore(&mut self, snapshot: &dyn Any) {
        let bytes = snapshot.downcast_ref::<Vec<u8>>().expect("a snapshot of this ledger");
        self.ledger = None;
        for rest in ["state.db-wal", "state.db-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(rest));
        }
        std::fs::write(self.path(), bytes).expect("the state is written");
        self.restart();
    }

    fn restart(&mut self) {
        self.ledger = None;
        let ledger = SqliteLedger::open(&self.path(), Arc::new(|| Millis(0)));
        self.ledger = Some(ledger.expect("the state opens"));
    }

    fn supports(&self, capability: Capability) -> bool {
        capability != Capability::CoolDown
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

#[test]
fn every_case_holds() {
    conformance(&mut || Box::new(File::empty()));
}

fn agree(seeds: impl Iterator<Item = u64>) -> Stats {
    let mut worth = Stats::default();
    for seed in seeds {
        let size = if seed % 4 == 0 { Size::Medium } else { Size::Small };
        match check(&history(seed, size), &mut || Box::new(File::empty())) {
            Ok(stats) => worth = worth.and(stats),
            Err(divergence) => panic!("{divergence}"),
        }
    }
    worth
}

/// `WATERSHED_SQLITE_HISTORIES` says how many, `WATERSHED_SEED` from which seed on.
#[test]
fn random_histories_agree_with_the_oracle() {
    let base = number("WATERSHED_SEED", 1);
    let histories = number("WATERSHED_SQLITE_HISTORIES", 20);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shared = |core: usize| (base..base + histories).skip(core).step_by(cores);
    let worth = std::thread::scope(|scope| {
        let shares: Vec<_> =
            (0..cores).map(|core| scope.spawn(move || agree(shared(core)))).collect();
        shares.into_iter().fold(Stats::default(), |worth, share| match share.join() {
            Ok(more) => worth.and(more),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    });
    println!("{histories} histories: {worth:?}");
}

fn limits() -> Command {
    Command::SetLimits {
        account: "acme".into(),
        limits: Limits::default(),
        days: Vec::new(),
        recount: None,
    }
}

#[test]
fn a_file_of_a_newer_program_is_refused_by_name() {
    let mut file = File::empty();
    file.ledger = None;
    let connection = Connection::open(file.path()).expect("the state opens");
    connection.pragma_update(None, "user_version", 9_999).expect("the version is raised");
    drop(connection);
    let error = SqliteLedger::open(&file.path(), Arc::new(|| Millis(0))).err();
    assert!(matches!(error, Some(Error::Version { found: 9_999, .. })), "{error:?}");
}

#[test]
fn a_file_that_is_no_ledger_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.db");
    let connection = Connection::open(&path).expect("a database");
    connection.execute_batch("CREATE TABLE guests (name TEXT)").expect("a foreign table");
    drop(connection);
    let error = SqliteLedger::open(&path, Arc::new(|| Millis(0))).err();
    assert!(matches!(error, Some(Error::Corrupt { .. })), "{error:?}");
    std::fs::write(&path, b"this was never a database, but it is long enough to be one").unwrap();
    let error = SqliteLedger::open(&path, Arc::new(|| Millis(0))).err();
    assert!(matches!(error, Some(Error::Corrupt { .. })), "{error:?}");
}

#[test]
fn one_at_a_time_executes_and_the_other_is_told_who() {
    let file = File::empty();
    let held = hold(&file.path()).expect("nobody executes");
    let error = hold(&file.path()).err();
    let Some(Error::Held { holder, .. }) = error else { panic!("{error:?}") };
    assert_eq!(holder, format!("process {}", std::process::id()));
    drop(held);
    hold(&file.path()).expect("nobody executes any more");
}

#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::empty();
    let mode = std::fs::metadata(file.path()).expect("the state").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_reader_sees_what_the_writer_has_committed() {
    let mut file = File::empty();
    file.execute(limits(), Millis(1)).expect("limits are set");
    let other = SqliteLedger::open_existing(&file.path(), Arc::new(|| Millis(0)))
        .expect("the state opens")
        .expect("the state is there");
    assert!(other.run_at(&RunId("none".to_owned()), Millis(1)).expect("it is read").is_none());
    let nowhere = file.folder.path().join("nowhere.db");
    let none = SqliteLedger::open_existing(&nowhere, Arc::new(|| Millis(0))).expect("no error");
    assert!(none.is_none(), "looking does not make a file");
    assert!(!nowhere.exists());
}
