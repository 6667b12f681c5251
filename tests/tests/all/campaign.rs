//! A run that is stopped again and again, and what is asked of it in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{
    Account, Audit, Covered, Ended, Home, InFlight, Moment, Running, Scope, Settings, Size, Spec,
    TRACED, at, audit, coverage,
};

use crate::ground::{account, home};

/// Tasks at once. What a kill may repeat hangs on it.
pub(crate) const CONCURRENCY: u16 = 16;
/// Most calls that one kill repeats: those in flight, and those read but not settled yet; no
/// more of either than there are slots.
pub(crate) const REPEATED_MAX: u64 = 2 * CONCURRENCY as u64;
/// A run that has not ended by then is stuck.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(300);

/// An account, and a run on it.
pub(crate) struct Campaign {
    pub(crate) account: Account,
    pub(crate) home: Home,
    pub(crate) run: &'static str,
    /// No moment is waited for any longer.
    pub(crate) within: Duration,
}

/// One stop: when it came, and what was in flight when the process was gone.
pub(crate) struct Stop {
    pub(crate) moment: Moment,
    pub(crate) in_flight: InFlight,
}

impl Campaign {
    pub(crate) fn new(seed: u64, faults: Option<&str>) -> Campaign {
        let account = account(Spec {
            users: Size::asked().of(12, 20),
            seed,
            limits: Some("off".to_owned()),
            // As slow as a near server: so that there are calls in flight to be killed.
            latency_ms: Some(15),
            faults: faults.map(str::to_owned),
            ..Spec::default()
        });
        let settings = Settings {
            concurrency: CONCURRENCY,
            limits: Some(Settings::FREE),
            ..Settings::default()
        };
        let home = home(&account, &settings);
        Campaign { account, home, run: "campaign", within: Duration::from_millis(1500) }
    }

    /// The words that go on with the run: now by name, now by its inputs.
    pub(crate) fn words(&self, stops: usize) -> Vec<&'static str> {
        match stops % 3 {
            0 => vec!["run", "zoom-backfill", "--run-id", self.run],
            1 => vec!["resume", self.run],
            _ => vec!["resume"],
        }
    }

    /// Stops the run `times` times by `signal`, each time at one of the moments, then lets it
    /// end. Each time that it was really stopped, and how it ended.
    pub(crate) fn stopped(
        &self,
        signal: Signal,
        times: usize,
        moments: &mut impl Iterator<Item = Moment>,
    ) -> (Vec<Stop>, Ended) {
        let mut stops = Vec::new();
        while stops.len() < times {
            let words = self.words(if self.known() { stops.len() } else { 0 });
            let mut process = self.traced(&words);
            let moment = moments.next().expect("there is always another moment");
            if !at(moment, &mut process, &self.home.data(), self.within) {
                // Done before the moment came.
                let ended = process.wait(RUN_MAX).expect("it ended");
                // The last kill came after the end: there is nothing to resume.
                if ended.code == Some(2) && words == ["resume"] {
                    break;
                }
                return (stops, ended);
            }
            let left = if signal == Signal::KILL {
                process.kill().expect("it is gone")
            } else {
                process.signal(signal);
                let ended = process.wait(RUN_MAX).expect("it drained");
                match ended.code {
                    Some(4) => ended,
                    Some(_) => return (stops, ended),
                    // It did not listen yet, and had begun nothing.
                    None if !ended.stderr.contains("watershed::phase") => continue,
                    None => panic!("a signal that asks to stop killed it: {ended}"),
                }
            };
            let in_flight = InFlight::read(&left.stderr).expect("its trace can be read");
            stops.push(Stop { moment, in_flight });
        }
        let words = ["run", "zoom-backfill", "--run-id", self.run];
        (stops, self.traced(&words).wait(RUN_MAX).expect("it ended"))
    }

    /// Starts the program so that it tells how far its tasks are.
    fn traced(&self, words: &[&str]) -> Running {
        let mut command = self.home.command(words);
        command.envs(TRACED);
        self.home.start_command(command)
    }

    /// Whether the run was submitted: before that, `resume` has nothing to go on with.
    fn known(&self) -> bool {
        let database = rusqlite::Connection::open(self.home.sink());
        database.is_ok_and(|d| {
            d.query_row("SELECT count(*) > 0 FROM _runs", [], |row| row.get(0)).unwrap_or(false)
        })
    }

    pub(crate) fn covered(&self) -> Covered {
        coverage(&self.home.sink()).expect("coverage")
    }

    /// Among faults, rows may be absent or unripe where coverage says so: attendance of the
    /// last day, and the one instance that is refused for ever. Little, and nothing else.
    pub(crate) fn expect_little_open(&self, audit: &Audit, ended: &Ended) {
        let covered = self.covered();
        let in_state = |state| covered.lines.iter().filter(|l| l.state == state).collect();
        let [waiting, failed]: [Vec<_>; 2] = ["waiting", "failed"].map(in_state);
        assert!(waiting.iter().chain(&failed).all(|line| line.reason.is_some()), "{waiting:#?}");
        let refused: BTreeSet<&str> = failed.iter().map(|line| line.subject.as_str()).collect();
        assert!(refused.len() <= 1, "one instance is refused for ever, no other: {failed:#?}");
        let letters = self.home.run(&["failures", self.run, "--json"]).expect(0).json_lines();
        assert_eq!(letters.len(), failed.len(), "coverage and dead letters: {letters:?}");
        assert_eq!(ended.code, Some(if failed.is_empty() { 0 } else { 3 }), "{ended}");
        let database = rusqlite::Connection::open(self.home.sink()).expect("the dataset");
        let old = "SELECT count(*) FROM _coverage
            JOIN past_meetings ON uuid = json_extract(subject, '$.uuid')
            WHERE state = 'waiting' AND unixepoch(end_time) < unixepoch(at) - 86400";
        let old: i64 = database.query_row(old, [], |row| row.get(0)).expect("a count");
        assert_eq!(old, 0, "what ended more than a day ago is final: {waiting:#?}");
        let (rows, lines) = (audit.rows.values().sum::<u64>(), covered.lines.len());
        let open = waiting.len() + failed.len();
        assert!(open * 50 <= lines, "{open} of {lines} lines are open: {waiting:#?} {failed:#?}");
        assert!(audit.explained * 20 <= rows, "{} explained beside {rows}", audit.explained);
    }

    pub(crate) fn audit(&self, scope: &Scope) -> Audit {
        let truth = self.account.truth().expect("the truth");
        audit(&self.home.sink(), &truth, scope).expect("an audit")
    }
}
