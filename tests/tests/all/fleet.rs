//! Workers of one account on one ledger, each a process, and the run that they share.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_tests::{Account, Home, Running, Scope, Settings, Stats, audit};

use crate::postgres::{SINK, copied};

/// A run takes seconds; one that takes longer is stuck.
const RUN_MAX: Duration = Duration::from_secs(180);
/// How often the account is asked what it has counted.
const LOOK: Duration = Duration::from_millis(20);
/// Without a call for so long, nothing that was leased is left to be called.
const STILL: Duration = Duration::from_millis(600);
/// Calls that one worker has in flight.
pub(crate) const CONCURRENCY: u16 = 8;
/// The id of the run.
pub(crate) const RUN: &str = "one";

/// Workers, where they work, and whom they ask.
pub(crate) struct Fleet {
    pub(crate) account: Account,
    pub(crate) home: Home,
    pub(crate) workers: Vec<Running>,
    /// Where the rows are, where that is PostgreSQL.
    postgres: Option<String>,
}

impl Fleet {
    /// A folder whose ledger is at `store`. Nobody works yet.
    pub(crate) fn new(account: Account, limits: Option<&'static str>, store: &str) -> Fleet {
        let settings = Settings { concurrency: CONCURRENCY, limits, ..Settings::default() };
        let mut home = Home::new(&account, &settings).expect("a folder");
        home.set("WATERSHED_STORE__URL", Some(store));
        Fleet::of(account, home)
    }

    /// In a folder that is set up already.
    pub(crate) fn of(account: Account, home: Home) -> Fleet {
        Fleet { account, home, workers: Vec::new(), postgres: None }
    }

    /// Has the rows in the PostgreSQL at `url`.
    pub(crate) fn keep_rows_in(&mut self, url: &str) {
        self.home.set(SINK, Some(url));
        self.postgres = Some(url.to_owned());
    }

    /// So many workers begin, and a run of that workflow.
    pub(crate) fn begin(&mut self, many: usize, workflow: &str) {
        (0..many).for_each(|_| self.start());
        self.home.run(&["submit", workflow, "--run-id", RUN]).expect(0);
    }

    /// One more worker.
    pub(crate) fn start(&mut self) {
        self.workers.push(self.home.start(&["worker"]));
    }

    pub(crate) fn stats(&self) -> Stats {
        self.account.stats().expect("stats")
    }

    /// Calls answered so far.
    pub(crate) fn calls(&self) -> u64 {
        self.stats().calls()
    }

    /// Waits until so many calls were made; `false` where the run is complete before.
    pub(crate) fn until_calls(&self, many: u64) -> bool {
        let mut looked = Instant::now();
        let mut complete = false;
        self.until(&format!("{many} calls"), || {
            if looked.elapsed() > Duration::from_secs(2) {
                complete = self.is_complete();
                looked = Instant::now();
            }
            complete || self.calls() >= many
        });
        self.calls() >= many
    }

    /// Waits until no call was made for a while; the calls until then.
    pub(crate) fn until_still(&self) -> u64 {
        let (mut calls, mut since) = (self.calls(), Instant::now());
        self.until("no more calls", || {
            let now = self.calls();
            if now != calls {
                (calls, since) = (now, Instant::now());
            }
            since.elapsed() > STILL
        });
        calls
    }

    /// Waits until more calls were made than so many, or the run is complete.
    pub(crate) fn until_on(&self, calls: u64) {
        self.until_calls(calls + 1);
    }

    /// Whether `runs` says that the run is complete.
    pub(crate) fn is_complete(&self) -> bool {
        let told = self.home.run(&["runs", "--json"]);
        told.code == Some(0)
            && told.json_lines().first().is_some_and(|run| run["state"] == "complete")
    }

    /// Waits until the run is complete.
    pub(crate) fn until_complete(&self) {
        self.until("the end of the run", || {
            std::thread::sleep(Duration::from_millis(200));
            self.is_complete()
        });
    }

    /// Ends the workers, each with all in flight settled.
    pub(crate) fn drain(&mut self) {
        for worker in std::mem::take(&mut self.workers) {
            drained(worker);
        }
    }

    /// Insists that the dataset equals the account; its rows.
    pub(crate) fn equal(&self, scope: &Scope) -> u64 {
        let truth = self.account.truth().expect("the truth");
        let sink = match &self.postgres {
            Some(url) => copied(&self.home, url),
            None => self.home.sink(),
        };
        let found = audit(&sink, &truth, scope).expect("an audit");
        found.expect_equal().rows.values().sum()
    }

    /// Waits until something is met.
    pub(crate) fn until(&self, what: &str, mut met: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !met() {
            if begun.elapsed() > RUN_MAX {
                let told = self.home.run(&["status", RUN]);
                let logs: Vec<String> = self.workers.iter().map(said).collect();
                panic!("{what}: not within {RUN_MAX:?}\n{told}\n{}", logs.join("\n"));
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What a worker has told its operator: its trace left out.
fn said(worker: &Running) -> String {
    let lines = worker.stderr();
    lines.lines().filter(|line| !line.contains("\"phase\"")).collect::<Vec<_>>().join("\n")
}

/// Ends a worker by SIGTERM: what is in flight is settled.
pub(crate) fn drained(mut worker: Running) {
    worker.signal(Signal::TERM);
    worker.wait(Duration::from_secs(60)).expect("it drains").expect(0);
}
