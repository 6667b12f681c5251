//! Killed at any moment, a run loses nothing and repeats little. A kill is told by the phases of
//! the tasks that were in flight, and each phase is hit.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;
use watershed_tests::{InFlight, Moment, Phase, Scope, Size, Stats, seeds};

use crate::campaign::{CONCURRENCY, Campaign, REPEATED_MAX, Stop};
use crate::ground::{kill_told, measured};

/// The highest number of an event to kill at, and of a write to either file: a small part of a
/// run, so that one bears many kills.
const EVENTS_MAX: u32 = 40;
const WRITES_MAX: u32 = 15;
/// No moment of a kill is waited for any longer, for the same reason.
const WITHIN: Duration = Duration::from_millis(700);
/// In the full count, kills of each run at least,
const KILLS_MIN: usize = 5;
/// of all runs together,
const ALL_KILLS_MIN: u64 = 200;
/// and those that found a task in a phase, for each phase.
const PHASE_KILLS_MIN: u64 = 10;

/// What the kills of several runs came to.
#[derive(Default)]
struct Tally {
    kills: u64,
    /// Kills that found at least one task in the phase.
    hit: BTreeMap<Phase, u64>,
    in_flight: u64,
    rows: u64,
    /// Rows that are absent or unripe where coverage says why.
    explained: u64,
    /// Calls that a kill made repeat, by the account's count.
    again: u64,
    /// Calls in vain by cause, by the account's count.
    in_vain: BTreeMap<String, u64>,
    /// Repeats by cause, by the run's own count.
    repeated: BTreeMap<String, u64>,
}

impl Tally {
    fn take(&mut self, stop: &Stop) {
        self.kills += 1;
        self.in_flight += stop.in_flight.all();
        for phase in Phase::ALL {
            *self.hit.entry(phase).or_default() += u64::from(stop.in_flight.of(phase) > 0);
        }
    }

    fn add(&mut self, other: Tally) {
        self.kills += other.kills;
        self.in_flight += other.in_flight;
        self.rows += other.rows;
        self.explained += other.explained;
        self.again += other.again;
        other.hit.into_iter().for_each(|(phase, n)| *self.hit.entry(phase).or_default() += n);
        count(&mut self.in_vain, other.in_vain);
        count(&mut self.repeated, other.repeated);
    }

    /// How many kills hit each phase.
    fn phases(&self) -> String {
        listed(self.hit.iter().map(|(phase, n)| (phase.name(), n)))
    }

    fn repeats(&self) -> String {
        format!(
            "{:.1} calls repeated a kill, {:.1} tasks in flight (by the account's count {}; by the \
             run's own {})",
            self.again as f64 / self.kills as f64,
            self.in_flight as f64 / self.kills as f64,
            listed(&self.in_vain),
            listed(&self.repeated)
        )
    }
}

#[test]
fn killed_at_any_moment_a_run_loses_nothing_and_repeats_little() {
    let size = Size::asked();
    let seeds = seeds(size.of(1, 20));
    // Side by side: a run waits more than it works.
    let (calm, rough) = std::thread::scope(|scope| {
        let killed = |faults| seeds.iter().map(|seed| killed(*seed, faults)).collect();
        let calm = scope.spawn(move || killed(None));
        let rough = scope.spawn(move || killed(Some("all")));
        (all(calm.join()), all(rough.join()))
    });
    let kills = calm.kills + rough.kills;
    assert!(kills >= size.of(4, ALL_KILLS_MIN), "only {kills} kills came before the end");
    let of = |tally: &Tally| {
        let Tally { kills, rows, .. } = tally;
        format!("{} seeds, {kills} kills (found {}), {rows} rows", seeds.len(), tally.phases())
    };
    let bound = format!(
        "what was in flight, and at concurrency {CONCURRENCY} no more than {REPEATED_MAX} a kill"
    );
    measured(
        "`kill -9` at each phase of a task, no fault",
        &of(&calm),
        &format!("0 rows differ; {}", calm.repeats()),
        &format!("0; {bound}"),
    );
    measured(
        "`kill -9` at each phase of a task, every fault",
        &of(&rough),
        &format!(
            "0 rows differ without a reason; {} are absent or unripe where coverage says that they \
             wait or failed; {}",
            rough.explained,
            rough.repeats()
        ),
        &format!("0 without a reason; {bound}"),
    );
    if size == Size::All {
        for phase in Phase::ALL {
            let hit = calm.hit[&phase] + rough.hit[&phase];
            assert!(hit >= PHASE_KILLS_MIN, "{phase:?} was hit by {hit} of {kills} kills");
        }
    }
}

/// One run that is killed many times, and what must hold of it in the end.
fn killed(seed: u64, faults: Option<&str>) -> Tally {
    let size = Size::asked();
    let campaign = Campaign { within: WITHIN, ..Campaign::new(seed, faults) };
    let seed_of_moments = if faults.is_some() { seed ^ 0xfa17 } else { seed };
    let mut moments = Moment::phased(seed_of_moments, WITHIN, WRITES_MAX, EVENTS_MAX);
    let (stops, ended) = campaign.stopped(Signal::KILL, size.of(6, 10), &mut moments);
    let mut tally = Tally::default();
    for (before, stop) in stops.iter().enumerate() {
        tally.take(stop);
        let Stop { moment, in_flight } = stop;
        let (number, faults) = (before + 1, faults.map_or("no fault", |_| "every fault"));
        kill_told(&format!("seed {seed}, {faults}, kill {number} (aim: {moment}): {in_flight}"));
    }
    assert!(stops.len() >= size.of(1, KILLS_MIN), "seed {seed}: only {} kills", stops.len());
    let left = InFlight::read(&ended.stderr).expect("its trace can be read");
    assert_eq!(left.all(), 0, "seed {seed}: the run has ended, and left {left}");
    let stats = campaign.account.stats().expect("stats");
    let scope = if faults.is_some() { Scope::backfill().explained() } else { Scope::backfill() };
    let audit = campaign.audit(&scope).expect_equal();
    if faults.is_some() {
        assert!(matches!(ended.code, Some(0 | 3)), "seed {seed}: {ended}");
        assert_eq!(stats.refused_for_rate(), 0, "seed {seed}: {:#}", stats.0);
        campaign.expect_little_open(&audit, &ended);
    } else {
        ended.expect(0);
        let truth = campaign.account.truth().expect("the truth");
        assert_eq!(campaign.covered().gaps(&truth), [""; 0], "seed {seed}");
    }
    tally.rows = audit.rows.values().sum();
    tally.explained = audit.explained;
    tally.in_vain = stats.by_cause();
    let status = campaign.home.run(&["status", campaign.run, "--json"]).json();
    let repeated = status["calls"]["repeated"].as_object().into_iter().flatten();
    tally.repeated =
        repeated.map(|(cause, n)| (cause.clone(), n.as_u64().expect("a count"))).collect();
    if faults.is_none() {
        let causes: Vec<&str> = tally.repeated.keys().map(String::as_str).collect();
        assert!(causes.is_empty() || causes == ["lost_lease"], "seed {seed}: only kills: {status}");
    }
    tally.again = repeats(seed, &stats, faults.is_some(), &tally);
    tally
}

/// Calls that were made again after a whole answer, or after a refusal that had told: no more
/// than were in flight at the kills; and, among faults, than the run itself made again because
/// of them: a file that was refused is asked for anew, and its recording is read again for that.
fn repeats(seed: u64, stats: &Stats, faults: bool, tally: &Tally) -> u64 {
    // Among faults a refusal may be told twice without any kill.
    let again = if faults { stats.repeated() } else { stats.again() };
    let Tally { kills, in_flight, .. } = tally;
    let told = format!("seed {seed}: {again} repeats after {kills} kills: {:#}", stats.0);
    assert!(again <= kills * REPEATED_MAX, "{told}");
    let own = tally.repeated.iter().filter(|(cause, _)| *cause != "lost_lease");
    let because_of_faults: u64 = own.map(|(_, n)| n).sum();
    assert!(
        again <= in_flight + because_of_faults,
        "{in_flight} tasks were in flight, {because_of_faults} met a fault: {told}"
    );
    if !faults {
        assert_eq!(stats.in_vain(), again, "only kills repeat: {told}");
    }
    again
}

fn all(runs: std::thread::Result<Vec<Tally>>) -> Tally {
    let runs = runs.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let mut tally = Tally::default();
    runs.into_iter().for_each(|run| tally.add(run));
    tally
}

fn count(counts: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    more.into_iter().for_each(|(cause, n)| *counts.entry(cause).or_default() += n);
}

fn listed<'a>(counts: impl IntoIterator<Item = (impl AsRef<str>, &'a u64)>) -> String {
    let one = |(name, n): (_, &u64)| format!("{} {n}", AsRef::<str>::as_ref(&name));
    let listed: Vec<String> = counts.into_iter().map(one).collect();
    if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
}
