//! Stopped by signal, a run repeats nothing; with its state lost, it goes on from the dataset.
//! Kills that leave all files are in `kills`.

use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{Home, Moment, Scope, Settings, Size, Spec, at, audit, coverage, seeds};

use crate::campaign::{Campaign, REPEATED_MAX, RUN_MAX};
use crate::ground::{SCOPES, account, home, measured};

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
        let stopped = stopped.iter().map(|stop| &stop.in_flight).collect::<Vec<_>>();
        assert!(stopped.iter().all(|left| left.all() == 0), "seed {seed}: {stopped:?}");
        let times = stopped.len();
        assert_eq!(stats.in_vain(), 0, "seed {seed}, {times} stops: {:#}", stats.0);
        campaign.audit(&Scope::backfill()).expect_equal();
        stops += times;
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
        repeated += campaign.account.stats().expect("stats").again();
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
        let all = stats.again();
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
