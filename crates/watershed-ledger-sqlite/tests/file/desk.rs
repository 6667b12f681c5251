//! A worker at a state file: leases and settles in batches, and looks at the file's pages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use watershed_ledger::{
    Command, End, Exchange, Exchanged, Leased, Outcome, Reply, RunView, Settle, Submit, Want,
};
use watershed_ledger_sqlite::SqliteLedger;
use watershed_model::{Brood, Kin, Millis, Plan, PlanHash, RunId, Trigger, WorkerId};

/// Tasks in one exchange.
const BATCH: u16 = 64;

pub(crate) struct Desk {
    folder: TempDir,
    ledger: SqliteLedger,
    /// Unlike any worker of an older file.
    pub(crate) worker: WorkerId,
    sequence: u64,
    now: Millis,
}

/// Pages of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    /// All of them.
    pub(crate) all: u64,
    /// Those that hold something.
    pub(crate) used: u64,
    /// Bytes of one.
    pub(crate) size: u64,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::at(tempfile::tempdir().expect("a folder for the state"))
    }

    /// At the file `state.db` of that folder.
    pub(crate) fn at(folder: TempDir) -> Desk {
        let ledger = SqliteLedger::open(&folder.path().join("state.db"), Arc::new(|| Millis(0)))
            .expect("the state opens");
        Desk { folder, ledger, worker: "desk 0".into(), sequence: 0, now: Millis(0) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    pub(crate) fn says(&self, command: &Command) -> Reply {
        self.ledger.execute_at(command, self.now).expect("the command is carried out")
    }

    /// An hour later: what is delayed is due.
    pub(crate) fn an_hour_passes(&mut self) {
        self.now = self.now + 3_600_000;
    }

    /// Somebody else works from now on.
    pub(crate) fn passes_to(&mut self, number: u32) {
        self.worker = format!("desk {number}").into();
        self.sequence = 0;
    }

    pub(crate) fn begins(&self, plan: Plan, kin: Vec<Kin>) {
        self.says(&Command::Submit(Box::new(Submit {
            run: run(),
            connection: "acme".into(),
            account: "acme".into(),
            plan,
            plan_hash: PlanHash("of the test".to_owned()),
            inputs: BTreeMap::new(),
            granted: Vec::new(),
            trigger: Trigger::Manual,
            kin,
            joins: Vec::new(),
        })));
    }

    pub(crate) fn exchanges(&mut self, settles: Vec<Settle>) -> Exchanged {
        self.sequence += 1;
        let reply = self.says(&Command::Exchange(Exchange {
            worker: self.worker.clone(),
            sequence: self.sequence,
            random: self.sequence,
            settles,
            held: None,
            want: Want {
                lanes: vec!["acme".into()],
                tasks: BATCH,
                lease_ms: 15_000,
                horizon_ms: 200,
                lead_ms: 0,
            },
        }));
        match reply {
            Reply::Exchanged(exchanged) => exchanged,
            other => panic!("an exchange was answered with {other:?}"),
        }
    }

    /// Works until nothing is leased any more, or until it is told to stop. Each task closes
    /// with the children that `brings` names.
    pub(crate) fn works(
        &mut self,
        mut brings: impl FnMut(&Leased) -> Vec<Kin>,
        mut stop: impl FnMut(&Desk) -> bool,
    ) {
        let mut held: Vec<Leased> = self.exchanges(Vec::new()).leased;
        while !held.is_empty() && !stop(self) {
            let settles = held.iter().map(|leased| closed(leased, brings(leased))).collect();
            held = self.exchanges(settles).leased;
        }
    }

    pub(crate) fn view(&self) -> RunView {
        let seen = self.ledger.run_at(&run(), self.now).expect("the state is read");
        seen.expect("the run is known")
    }

    /// Forgets an account.
    pub(crate) fn forgets(&self, account: &str) {
        self.ledger.forget(&account.into()).expect("it is forgotten");
    }

    /// Whether the run is known.
    pub(crate) fn knows(&self) -> bool {
        self.ledger.run_at(&run(), self.now).expect("the state is read").is_some()
    }

    /// The item of a task that is delayed, as the file holds it.
    pub(crate) fn an_item(&self) -> String {
        let file = Connection::open(self.path()).expect("the file");
        let sql = "SELECT body ->> '$.item' FROM task ORDER BY id DESC LIMIT 1";
        file.query_row(sql, [], |row| row.get(0)).expect("a task")
    }

    /// What a walk over the file finds.
    pub(crate) fn walked(&self) -> Vec<String> {
        self.ledger.walk().expect("the file is walked").wrong
    }

    /// The task is tried again in a minute.
    pub(crate) fn delays(&self, leased: &Leased) -> Settle {
        let at = self.now + 60_000;
        Settle::after(1, leased.fence, Outcome::Retry { at, counts: true })
    }

    /// Items that are not closed.
    pub(crate) fn open(&self) -> u64 {
        self.view().steps.iter().map(|step| step.open).sum()
    }

    /// Workers whose last exchange the file knows.
    pub(crate) fn workers(&self) -> Vec<String> {
        let connection = Connection::open(self.path()).expect("the state opens");
        let mut names = connection.prepare("SELECT worker FROM worker").expect("it is asked");
        let known = names.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        known.expect("the file is read")
    }

    pub(crate) fn pages(&self) -> Pages {
        let connection = Connection::open(self.path()).expect("the state opens");
        let number = |name| {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0).map(u64::from);
            connection.pragma_query_value(None, name, read).expect("the file is read")
        };
        let all = number("page_count");
        Pages { all, used: all - number("freelist_count"), size: number("page_size") }
    }
}

pub(crate) fn run() -> RunId {
    RunId("01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55".to_owned())
}

/// The task is done, and brought these.
pub(crate) fn closed(leased: &Leased, kin: Vec<Kin>) -> Settle {
    let broods = kin.into_iter().zip(0..).map(|(kin, key)| Brood { key, kin: vec![kin] }).collect();
    Settle::after(1, leased.fence, Outcome::Closed { broods, end: End::Done })
}
