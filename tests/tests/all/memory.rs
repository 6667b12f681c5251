//! A large account needs little memory and a small state, however long the run.

use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{Account, Home, Running, Settings, Size, Spec};

use crate::ground::{account, home, measured};

const MB: u64 = 1_000_000;
/// Memory of the process at most,
const MEMORY_MAX: u64 = 120 * MB;
/// and of its state file.
const STATE_MAX: u64 = 50 * MB;
/// What comes after the first half of the calls adds so much to the state at most: items that
/// wait take some room, what is finished none.
const GROWTH_MAX: u64 = 10 * MB;
/// Some eight instances a person and unit of `--meetings`: a hundred each, 2,000,000 in all.
const MEETINGS: f64 = 12.5;
const RUN_MAX: Duration = Duration::from_secs(1_200);

/// Both at their most, and the state after half of the calls.
struct Held {
    memory: u64,
    state: u64,
    state_half: u64,
    calls: u64,
}

/// Runs the backfill of a large account until it has made so many calls; then stops it.
fn after(calls: u64, limits: &str, of_connection: &'static str) -> Held {
    let users = Size::asked().of(2_000, 20_000);
    let limits = Some(limits.to_owned());
    let account = account(Spec { users, limits, meetings: Some(MEETINGS), ..Spec::default() });
    let settings = Settings { concurrency: 64, limits: Some(of_connection), ..Settings::default() };
    let home = home(&account, &settings);
    let mut run = home.start(&["run", "zoom-backfill", "--input", "content=metadata"]);
    let half = until(&account, &home, &mut run, calls / 2);
    let whole = until(&account, &home, &mut run, calls);
    run.signal(Signal::TERM);
    run.wait(Duration::from_secs(60)).expect("it drains").expect(4);
    Held { state_half: half.state, ..whole }
}

fn until(account: &Account, home: &Home, run: &mut Running, calls: u64) -> Held {
    let mut held = Held { memory: 0, state: 0, state_half: 0, calls: 0 };
    run.until("so many calls", RUN_MAX, |run| {
        std::thread::sleep(Duration::from_millis(50));
        held.memory = run.peak_memory();
        held.state = state(home);
        held.calls = account.stats().expect("stats").calls();
        held.calls >= calls
    })
    .expect("it goes on");
    held
}

/// Bytes of the state, what is written ahead included.
fn state(home: &Home) -> u64 {
    let files = ["", "-wal"].map(|end| home.data().join(format!("state.db{end}")));
    files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}

fn expect_little(what: &str, held: &Held) {
    let Held { memory, state, state_half, calls } = held;
    let users = Size::asked().of(2_000, 20_000);
    measured(
        &format!("memory and state, {what}"),
        &format!("{users} users, {MEETINGS} times the meetings, {calls} calls"),
        &format!(
            "{} MB of memory at most; {} MB of state, {} after half of the calls",
            memory / MB,
            state / MB,
            state_half / MB
        ),
        "120 MB; 50 MB",
    );
    // Where the system does not tell, nothing is judged.
    assert!(*memory < MEMORY_MAX, "{} MB of memory", memory / MB);
    assert!(*state < STATE_MAX, "{} MB of state", state / MB);
    assert!(*state < state_half + GROWTH_MAX, "{} MB, {} before", state / MB, state_half / MB);
}

#[test]
fn a_large_account_needs_little_memory() {
    let held = after(Size::asked().of(3_000, 100_000), "off", Settings::FREE);
    expect_little("no limit in the way", &held);
}

#[test]
fn nor_while_the_day_s_heavy_calls_are_spent() {
    let limits = "light_per_second=2000,medium_per_second=2000,heavy_per_second=2000,\
                  heavy_per_day=1000";
    let own = "light_per_second = 2000, medium_per_second = 2000, heavy_per_second = 2000, \
               heavy_per_day = 1000";
    let held = after(Size::asked().of(3_000, 100_000), limits, own);
    expect_little("the day's heavy calls spent", &held);
}
