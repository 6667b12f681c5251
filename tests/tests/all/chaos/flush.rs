//! All that Redis holds is deleted: the run is rebuilt from the dataset, and asks for what its
//! coverage lacks.

use std::collections::BTreeSet;
use std::time::Instant;

use watershed_test_servers::RedisServer;
use watershed_tests::{Covered, Line, Scope, Size, Spec, Stats, root, seeds};

use super::field::{Field, Harm, IN_FLIGHT, Struck, WORKERS, limited};
use crate::fleet::{Fleet, RUN};
use crate::ground::{free_account, free_home, measured};

/// Rows of a page, at most.
const PAGE: u64 = 300;
/// Lists that may change: what they told counts within the run that asked.
const LIVING: [&str; 4] = [
    "zoom.list_users",
    "zoom.list_meetings",
    "zoom.list_account_recordings",
    "zoom.list_user_recordings",
];

fn flush(redis: &RedisServer) {
    redis.ask(&["FLUSHALL"]).expect("all is gone");
}

#[test]
fn emptied_again_and_again_a_ledger_is_rebuilt() {
    let harm = Harm {
        name: "Redis emptied (FLUSHALL)",
        runs: 4,
        strikes: [2, 6],
        redis: &[],
        by_proxy: false,
        lease: None,
        bound: "what was in flight",
    };
    harm.campaign(|field, _| {
        flush(&field.redis);
        let flushed = Instant::now();
        let calls = field.fleet.until_still();
        let recovered = field.recovered(flushed, calls);
        Struck { faults: 1, again_max: 2 * IN_FLIGHT, recovered }
    });
}

/// The fewest calls by which these lines can have been had.
fn least<'a>(lines: impl Iterator<Item = &'a Line>) -> u64 {
    let mut recordings = BTreeSet::new();
    let mut calls = 0;
    for line in lines {
        calls += line.rows.div_ceil(PAGE).max(1);
        if line.operation == "zoom.download_recording_file" {
            // A file is had by its recording, read once for all of its files.
            let subject: serde_json::Value = serde_json::from_str(&line.subject).expect("JSON");
            recordings.insert(subject["instance_uuid"].to_string());
        }
    }
    calls + recordings.len() as u64
}

/// What was asked and is known.
fn known(covered: &Covered) -> impl Iterator<Item = &Line> {
    let states = ["complete", "waiting", "unavailable"];
    covered.lines.iter().filter(move |line| states.contains(&line.state.as_str()))
}

/// What names a line.
fn name(line: &Line) -> (&str, &str, Option<&str>) {
    (&line.operation, &line.subject, line.from.as_deref())
}

/// The backfill, but that what fails twice is a dead letter.
fn brittle() -> String {
    let shipped = std::fs::read_to_string(root().join("workflows/zoom-backfill.yaml"));
    let shipped = shipped.expect("it is shipped");
    let brittle = shipped
        .replace("attempts: 8, backoff: 1s..5m", "attempts: 2, backoff: 50ms..100ms")
        .replace("tolerate: 1%", "tolerate: 100%");
    assert!(brittle.len() != shipped.len(), "its defaults have changed");
    brittle
}

/// Calls of a run that nothing harms.
fn whole(users: u64, seed: u64) -> u64 {
    let account = free_account(users, seed);
    free_home(&account).run(&["run", "zoom-backfill"]).expect(0);
    account.stats().expect("stats").calls()
}

#[test]
fn emptied_a_ledger_asks_only_for_what_coverage_lacks() {
    let size = Size::asked();
    let seeds = seeds(size.of(1, 5));
    let mut all = Emptied::default();
    for seed in &seeds {
        let users = size.of(8, 20);
        let calls = whole(users, *seed);
        // Side by side: a run waits more than it works.
        std::thread::scope(|scope| {
            let at = |part| scope.spawn(move || emptied(users, *seed, part, calls * part / 100));
            for run in [10, 50, 90].map(at) {
                all.add(run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
        });
    }
    let Emptied { runs, letters, made, lacked, again } = all;
    assert!(letters > 0, "no run had a dead letter");
    measured(
        "Redis emptied at 10, 50 and 90 % of a run with dead letters",
        &format!("{runs} runs, {letters} dead letters"),
        &format!("0 rows differ; {made} calls after it, {lacked} lacked; {again} called again"),
        "0; 1.02 times what lacked and the living lists",
    );
}

/// What runs came to whose ledger was emptied.
#[derive(Default)]
struct Emptied {
    runs: u64,
    letters: u64,
    /// Calls after it that were not refused.
    made: u64,
    /// The fewest calls for what coverage lacked.
    lacked: u64,
    again: u64,
}

impl Emptied {
    fn add(&mut self, other: Emptied) {
        self.runs += other.runs;
        self.letters += other.letters;
        self.made += other.made;
        self.lacked += other.lacked;
        self.again += other.again;
    }
}

/// One run whose ledger is emptied after so many calls, `part` per cent of all.
fn emptied(users: u64, seed: u64, part: u64, calls: u64) -> Emptied {
    let named = format!("seed {seed}, at {part} %");
    let spec = Spec { faults: Some("http_500=0.15".to_owned()), ..limited(users, seed) };
    let mut field = Field::new(spec, &[], false);
    field.fleet.home.write("brittle.yaml", &brittle());
    field.fleet.begin(WORKERS, "./brittle.yaml");
    field.fleet.until_calls(calls);
    flush(&field.redis);
    // What was in flight is written, though its settle is refused.
    field.fleet.until_still();
    let whole = |stats: &Stats| stats.calls() - stats.server_errors();
    let (at_flush, before) = (field.fleet.stats(), field.covered());
    field.fleet.until_complete();
    let (stats, after) = (field.fleet.stats(), field.covered());
    let made = whole(&stats) - whole(&at_flush);
    let had: BTreeSet<_> = known(&before).map(name).collect();
    let lacked = least(known(&after).filter(|line| !had.contains(&name(line))));
    let living = |line: &&Line| LIVING.contains(&line.operation.as_str());
    // A file that was refused is asked for anew, and its recording read again for that.
    let reread = |stats: &Stats| stats.repeated_of("zoom.get_recording");
    let refused = |stats: &Stats| stats.server_errors_of("zoom.download_recording_file");
    let anew = (reread(&stats) - reread(&at_flush)).min(refused(&stats) - refused(&at_flush));
    let most = lacked + least(known(&before).filter(living)) + anew;
    let told = format!("{named}: {made} calls, {lacked} lacked, {most} may be: {:#}", stats.0);
    assert!(made * 100 <= most * 102, "{told}");
    let again = stats.again() - reread(&stats);
    assert!(again <= IN_FLIGHT, "{told}");
    let letters = put_back(&field.fleet);
    field.end(&Scope::backfill());
    Emptied { runs: 1, letters, made, lacked, again }
}

/// Puts dead letters back until there is none; how many there were at first.
fn put_back(fleet: &Fleet) -> u64 {
    let letters = || fleet.home.run(&["failures", RUN, "--json"]).expect(0).json_lines().len();
    let first = letters();
    fleet.until("no dead letter", || {
        letters() == 0 || {
            fleet.home.run(&["retry", RUN]).expect(0);
            fleet.until_complete();
            false
        }
    });
    first as u64
}

#[test]
fn emptied_in_the_middle_of_a_list_a_ledger_doubles_nothing() {
    const MEETINGS: &str = "zoom.list_meetings";
    let size = Size::asked();
    // The first pages of three lists, and so many more of one of them.
    let pages = size.of(&[4][..], &[4, 5, 4, 5, 4, 5][..]);
    let (mut rows, mut again) = (0, 0);
    for (seed, pages) in seeds(pages.len() as u64).into_iter().zip(pages) {
        let limits = Some("off".to_owned());
        // Nine of ten are active: at least one page more than is waited for, and slow ones.
        let (users, latency_ms) = (190 * pages + 60, Some(150));
        let spec = Spec { limits, latency_ms, ..limited(users, seed) };
        let mut field = Field::new(spec, &[], false);
        let lists = root().join("tests/workflows/lists.yaml");
        field.fleet.begin(WORKERS, lists.to_str().expect("a path is text"));
        let listed = || field.fleet.stats().calls_of("zoom.list_users");
        field.fleet.until("pages", || listed() >= *pages);
        flush(&field.redis);
        let lines = field.covered().lines;
        let open = lines.iter().any(|line| line.state == "partial");
        assert!(open, "seed {seed}: no list was under way at {pages} pages: {lines:#?}");
        rows += field.end(&Scope { datasets: vec!["users"], explained: false });
        let stats = field.fleet.stats();
        let repeated = stats.again();
        // One list for each of them, however often the list of people was begun.
        let sink = rusqlite::Connection::open(field.fleet.home.sink()).expect("the dataset");
        let people = "SELECT count(*) FROM users WHERE _key NOT LIKE 'email:%'";
        let people: i64 = sink.query_row(people, [], |row| row.get(0)).expect("a count");
        let lists = stats.calls_of(MEETINGS) - stats.repeated_of(MEETINGS);
        assert_eq!(lists, people as u64, "seed {seed}: {:#}", stats.0);
        assert!(repeated <= pages + IN_FLIGHT, "seed {seed}: {:#}", stats.0);
        again += repeated;
    }
    measured(
        "Redis emptied in the middle of a list",
        &format!("{} runs, after {pages:?} pages", pages.len()),
        &format!("{rows} rows, 0 differ; {again} called again"),
        "0; the pages of that list, and what was in flight",
    );
}
