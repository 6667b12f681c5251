//! Killed at any moment, a run loses nothing and repeats little; stopped by signal, it repeats
//! nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{
    Account, Audit, Covered, Ended, Home, Moment, Scope, Settings, Size, Spec, at, audit, coverage,
    seeds,
};

use crate::ground::{SCOPES, account, home, measured};

/// Tasks at once. What a kill may repeat hangs on it.
const CONCURRENCY: u16 = 16;
/// Most calls that one kill repeats: those in flight, and those read but not settled yet; no
/// more of either than there are slots.
const REPEATED_MAX: u64 = 2 * CONCURRENCY as u64;
/// A run that has not ended by then is stuck.
const RUN_MAX: Duration = Duration::from_secs(300);

struct Campaign {
    account: Account,
    home: Home,
    run: &'static str,
    within: Duration,
}

impl Campaign {
    fn new(seed: u64, faults: Option<&str>) -> Campaign {
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
    fn words(&self, stops: u64) -> Vec<&'static str> {
        match stops % 3 {
            0 => vec!["run", "zoom-backfill", "--run-id", self.run],
            1 => vec!["resume", self.run],
            _ => vec!["resume"],
        }
    }

    /// Stops the run `times` times by `signal`, each time at one of the moments, then lets it
    /// end. How often it was really stopped, and how it ended.
    fn stopped(
        &self,
        signal: Signal,
        times: u64,
        moments: &mut impl Iterator<Item = Moment>,
    ) -> (u64, Ended) {
        let mut stops = 0;
        while stops < times {
            let words = self.words(if self.known() { stops } else { 0 });
            let mut process = self.home.start(&words);
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
            stops += 1;
            if signal == Signal::KILL {
                process.kill().expect("it is gone");
            } else {
                process.signal(signal);
                let ended = process.wait(RUN_MAX).expect("it drained");
                match ended.code {
                    Some(4) => {}
                    Some(_) => return (stops - 1, ended),
                    None => panic!("a signal that asks to stop killed it: {ended}"),
                }
            }
        }
        let words = ["run", "zoom-backfill", "--run-id", self.run];
        (stops, self.home.start(&words).wait(RUN_MAX).expect("it ended"))
    }

    /// Whether the run was submitted: before that, `resume` has nothing to go on with.
    fn known(&self) -> bool {
        let database = rusqlite::Connection::open(self.home.sink());
        database.is_ok_and(|d| {
            d.query_row("SELECT count(*) > 0 FROM _runs", [], |row| row.get(0)).unwrap_or(false)
        })
    }

    fn covered(&self) -> Covered {
        coverage(&self.home.sink()).expect("coverage")
    }

    /// Among faults, rows may be absent or unripe where coverage says so: attendance of the
    /// last day, and the one instance that is refused for ever. Little, and nothing else.
    fn expect_little_open(&self, audit: &Audit, ended: &Ended) {
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

    fn audit(&self, scope: &Scope) -> Audit {
        let truth = self.account.truth().expect("the truth");
        audit(&self.home.sink(), &truth, scope).expect("an audit")
    }
}

/// Removes the state, as a disk that is lost does.
fn lose_state(home: &Home) {
    for end in ["", "-wal", "-shm"] {
        let file = home.data().join(format!("state.db{end}"));
        if file.exists() {
            std::fs::remove_file(file).expect("it goes");
        }
    }
}

#[test]
fn killed_at_any_moment_a_run_loses_nothing_and_repeats_little() {
    let size = Size::asked();
    let times = size.of(6, 12);
    let (mut kills, mut repeated, mut rows) = (0, 0, 0);
    for seed in seeds(size.of(1, 5)) {
        let campaign = Campaign::new(seed, None);
        let mut moments = Moment::chosen(seed, campaign.within, 40);
        let (killed, ended) = campaign.stopped(Signal::KILL, times, &mut moments);
        ended.expect(0);
        rows += campaign.audit(&Scope::backfill()).expect_equal().rows.values().sum::<u64>();
        let truth = campaign.account.truth().expect("the truth");
        assert_eq!(campaign.covered().gaps(&truth), [""; 0], "seed {seed}");
        let stats = campaign.account.stats().expect("stats");
        // Answers and refusals that were known already, and nothing else.
        let again = stats.repeated() + stats.foretold();
        let bound = killed * REPEATED_MAX;
        assert!(again <= bound, "seed {seed}: {again} repeats after {killed} kills: {:#}", stats.0);
        assert_eq!(stats.in_vain(), again, "seed {seed}: only kills repeat: {:#}", stats.0);
        kills += killed;
        repeated += again;
    }
    assert!(kills >= size.of(2, 25), "the kills came too late to mean anything: {kills}");
    let mean = repeated as f64 / kills as f64;
    measured(
        "`kill -9` at random moments, no fault",
        &format!("{} seeds, {kills} kills, {rows} rows", size.of(1, 5)),
        &format!("0 rows differ; {mean:.1} calls repeated a kill"),
        &format!("0; {REPEATED_MAX} a kill at concurrency {CONCURRENCY}"),
    );
}

#[test]
fn killed_among_every_fault_a_run_loses_nothing() {
    let size = Size::asked();
    let times = size.of(6, 12);
    let (mut kills, mut rows, mut explained) = (0, 0, 0);
    for seed in seeds(size.of(1, 5)) {
        let campaign = Campaign::new(seed, Some("all"));
        let mut moments = Moment::chosen(seed ^ 0xfa17, campaign.within, 40);
        let (killed, ended) = campaign.stopped(Signal::KILL, times, &mut moments);
        assert!(matches!(ended.code, Some(0 | 3)), "seed {seed}: {ended}");
        let stats = campaign.account.stats().expect("stats");
        let (again, bound) = (stats.repeated(), killed * REPEATED_MAX);
        assert!(again <= bound, "seed {seed}: {again} repeats after {killed} kills: {:#}", stats.0);
        assert_eq!(stats.refused_for_rate(), 0, "seed {seed}: {:#}", stats.0);
        let audit = campaign.audit(&Scope::backfill().explained()).expect_equal();
        campaign.expect_little_open(&audit, &ended);
        rows += audit.rows.values().sum::<u64>();
        explained += audit.explained;
        kills += killed;
    }
    assert!(kills >= size.of(2, 25), "the kills came too late to mean anything: {kills}");
    measured(
        "`kill -9` at random moments, every fault",
        &format!("{} seeds, {kills} kills, {rows} rows", size.of(1, 5)),
        &format!(
            "0 rows differ without a reason; {explained} are absent or unripe where coverage says \
             that they wait or failed"
        ),
        "0 without a reason",
    );
}

#[test]
fn stopped_by_signal_a_run_repeats_no_call() {
    let size = Size::asked();
    let mut stops = 0;
    for seed in seeds(size.of(1, 5)) {
        let campaign = Campaign::new(seed, None);
        let mut moments = Moment::chosen(seed ^ 0x7e21, campaign.within, 40);
        let times = size.of(4, 10);
        let (stopped, ended) = campaign.stopped(Signal::TERM, times, &mut moments);
        ended.expect(0);
        let stats = campaign.account.stats().expect("stats");
        assert_eq!(stats.in_vain(), 0, "seed {seed}, {stopped} stops: {:#}", stats.0);
        campaign.audit(&Scope::backfill()).expect_equal();
        stops += stopped;
    }
    assert!(stops > 0, "the signals came too late to mean anything");
    let size = format!("{} seeds, {stops} stops", size.of(1, 5));
    measured("SIGTERM at random moments", &size, "0 calls repeated", "0");
}

#[test]
fn with_its_state_lost_a_run_goes_on_from_the_dataset() {
    let size = Size::asked();
    let (mut losses, mut repeated) = (0, 0);
    for seed in seeds(size.of(1, 5)) {
        let campaign = Campaign::new(seed, None);
        let mut moments = Moment::chosen(seed ^ 0x1057, campaign.within, 40);
        for _ in 0..size.of(2, 10) {
            let mut process = campaign.home.start(&campaign.words(0));
            let moment = moments.next().expect("there is always another moment");
            if !at(moment, &mut process, &campaign.home.data(), campaign.within) {
                break;
            }
            process.kill().expect("it is gone");
            lose_state(&campaign.home);
            losses += 1;
        }
        let ended = campaign.home.start(&campaign.words(0)).wait(RUN_MAX).expect("it ends");
        ended.expect(0);
        campaign.audit(&Scope::backfill()).expect_equal();
        repeated += campaign.account.stats().expect("stats").repeated();
    }
    assert!(losses > 0, "the losses came too late to mean anything");
    let bound = losses * REPEATED_MAX;
    assert!(repeated <= bound, "{repeated} calls repeated after {losses} losses");
    measured(
        "the whole state lost in the middle of a run",
        &format!("{} seeds, {losses} losses", size.of(1, 5)),
        &format!("0 rows differ; {:.1} calls repeated a loss", repeated as f64 / losses as f64),
        &format!("0; {REPEATED_MAX} a loss (what was not settled)"),
    );
}

#[test]
fn a_list_that_is_complete_is_not_asked_again_after_a_loss() {
    // So that what was in flight is few beside the users.
    const FEW: u16 = 4;
    const BOUND: u64 = 2 * FEW as u64;
    const LISTS: [&str; 3] = ["zoom.list_users", "zoom.list_meetings", "zoom.list_user_recordings"];
    let size = Size::asked();
    let (mut lists, mut repeated) = (0, 0);
    for seed in seeds(size.of(1, 3)) {
        // Without the scope for the whole account's recordings: a list a user and window, and
        // neighbouring windows share a day.
        let scopes: Vec<&str> =
            SCOPES.into_iter().filter(|s| !s.contains("list_account_recordings")).collect();
        let account = account(Spec {
            users: 60,
            seed,
            scopes: Some(scopes.join(",")),
            limits: Some("off".to_owned()),
            ..Spec::default()
        });
        let settings =
            Settings { concurrency: FEW, limits: Some(Settings::FREE), ..Settings::default() };
        let home = home(&account, &settings);
        let words = ["run", "zoom-backfill", "--run-id", "campaign"];
        let repeats = || {
            let stats = account.stats().expect("stats");
            LISTS.iter().map(|list| stats.repeated_of(list)).sum::<u64>()
        };
        let mut process = home.start(&words);
        // Recordings come first, then each user's two lists of meetings; the run ends later.
        let most = |_: &_| {
            std::thread::sleep(Duration::from_millis(50));
            account.stats().is_ok_and(|stats| stats.calls_of("zoom.list_meetings") >= 100)
        };
        process.until("most lists of meetings", RUN_MAX, most).expect("so many");
        process.kill().expect("it is gone");
        let lines = coverage(&home.sink()).expect("coverage").lines;
        lists += lines
            .iter()
            .filter(|l| LISTS.contains(&l.operation.as_str()) && l.state == "complete")
            .count();
        assert_eq!(repeats(), 0, "seed {seed}: no list is asked twice before the loss");
        lose_state(&home);
        home.start(&words).wait(RUN_MAX).expect("it ends").expect(0);
        let truth = account.truth().expect("the truth");
        audit(&home.sink(), &truth, &Scope::backfill()).expect("an audit").expect_equal();
        let again = repeats();
        let stats = account.stats().expect("stats");
        assert!(again <= BOUND, "seed {seed}: {again} lists asked again: {:#}", stats.0);
        let all = stats.repeated();
        assert!(all <= BOUND, "seed {seed}: {all} calls repeated: {:#}", stats.0);
        repeated += again;
    }
    measured(
        "the whole state lost when most lists are complete",
        &format!("{} seeds, 60 users each, {lists} lists complete", size.of(1, 3)),
        &format!("0 rows differ; {repeated} lists asked again"),
        &format!("0; {BOUND} a loss at concurrency {FEW} (what was not settled)"),
    );
}

#[test]
fn a_second_signal_stops_at_once() {
    let account = account(Spec { latency_ms: Some(3_000), ..Spec::default() });
    let home = home(&account, &Settings::default());
    let mut process = home.start(&["run", "zoom-backfill"]);
    process
        .until("the first call", Duration::from_secs(30), |_| {
            account.stats().is_ok_and(|s| s.calls() > 0)
        })
        .expect("a call");
    process.signal(Signal::INT);
    process
        .until("word of the stop", Duration::from_secs(5), |p| p.stderr().contains("stop"))
        .expect("it says what happens");
    process.signal(Signal::INT);
    let ended = process.wait(Duration::from_secs(2)).expect("it does not wait for the call");
    ended.expect(4);
    drop(home);
}
