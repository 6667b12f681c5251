//! Planted bugs: each is found by the histories of the day, and only because it is there. They are
//! planted into the scripts on their way to Redis.
//!
//! The table in `docs/reliability.md` is made from what these tests say (`told`).

use watershed_ledger_test::{History, Size, Subject, history, play, told};

use crate::number;
use crate::on_redis::{OnRedis, SERVER};
use crate::rewriter::{Rewrite, way_to};

/// A plant that so many histories do not find is not found.
const HISTORIES_MAX: u64 = 200;

/// Changes one place of the scripts. That it is one place is seen to by `found`.
macro_rules! plant {
    ($was:literal => $now:literal) => {
        ($was, (|script: &str| script.replace($was, $now)) as Rewrite)
    };
}

/// Where a plant is looked for: by default in the histories that every ledger plays.
struct Search {
    history: fn(u64) -> History,
    make: fn(&str) -> OnRedis,
}

impl Default for Search {
    fn default() -> Search {
        Search { history: |seed| history(seed, Size::of(seed)), make: OnRedis::by }
    }
}

fn found(name: &str, plant: (&str, Rewrite)) {
    Search::default().finds(name, plant);
}

impl Search {
    /// Plays the histories of the day until one finds the plant, which must be within 200, and
    /// insists that without it this one does not go wrong.
    fn finds(self, name: &str, (was, rewrite): (&str, Rewrite)) {
        let places: usize = lua().iter().map(|file| file.matches(was).count()).sum();
        assert_eq!(places, 1, "{name}: the place is in the scripts {places} times: {was}");
        let (planted, plain) =
            (way_to(SERVER.port(), rewrite), way_to(SERVER.port(), str::to_owned));
        let play_by = |seed: u64, url: &str| {
            let mut make = || -> Box<dyn Subject> { Box::new((self.make)(url)) };
            play(&(self.history)(seed), &mut make)
        };
        let first = number("WATERSHED_SEED", 1);
        for n in 0..HISTORIES_MAX {
            let seed = first + n;
            let Err(divergence) = play_by(seed, &planted) else { continue };
            if let Err(divergence) = play_by(seed, &plain) {
                panic!("without a plant: {divergence}");
            }
            let at = format!(
                "history {} of {HISTORIES_MAX} (seed {seed}), at act {}",
                n + 1,
                divergence.act + 1
            );
            eprintln!(
                "planted: {name}, in Lua: found by histories of commands: {at}: {}",
                divergence.what
            );
            told("WATERSHED_PLANTS", &format!("| {name}, in Lua | histories of commands | {at} |"));
            return;
        }
        panic!("{name}: not found in {HISTORIES_MAX} histories from seed {first}");
    }
}

/// The text of each script.
fn lua() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/lua");
    let files = std::fs::read_dir(folder).expect("the scripts").flatten();
    files.map(|file| std::fs::read_to_string(file.path()).expect("a script is text")).collect()
}

#[test]
fn a_settle_without_fence_is_found() {
    found(
        "a settle without fence",
        plant!("lease and lease.worker == worker and lease.nonce == entry[NONCE]" => "lease"),
    );
}

#[test]
fn a_lost_child_is_found() {
    found(
        "a lost child",
        plant!("Spawn.kin(ground, task.scope, kins, now)" => "
            local last = kins[#kins]
            if #new >= 3 and last and not last.level then
              local tally = Ground.tally(ground, last[1])
              tally.known, tally.done = tally.known + 1, tally.done + 1
              kins[#kins] = nil
            end
            Spawn.kin(ground, task.scope, kins, now)"),
    );
}

#[test]
fn a_budget_off_by_one_is_found() {
    found("a budget off by one", plant!("if wanted >= left then" => "if wanted > left then"));
}

#[test]
fn a_join_released_early_is_found() {
    found(
        "a join released early",
        plant!("== 'w' and here.counts[index] == 0" => "== 'w' and here.counts[index] <= 1"),
    );
}

#[test]
fn a_listing_restart_that_doubles_children_is_found() {
    // It takes a listing that begins again after several pages: long histories have one.
    let search = Search { history: |seed| history(seed, Size::Large), ..Search::default() };
    search.finds(
        "a listing restart that doubles children",
        plant!("task.restarts = min(task.restarts + 1, 65535)" => "
            task.restarts = min(task.restarts + 1, 65535)
            Store.forget('K' .. id7(task.id))"),
    );
}

#[test]
fn a_reserve_never_freed_is_found() {
    found(
        "a reserve never freed (the call of a permit given back)",
        plant!("if unused then Budget.give_back" => "if false then Budget.give_back"),
    );
}

#[test]
fn the_permit_of_several_given_back_by_one_is_found() {
    found(
        "the permit of several given back by one of them",
        plant!(" and not Lease.shares(lease, index)" => ""),
    );
}

#[test]
fn a_retry_that_forgets_the_attempt_is_found() {
    found(
        "a retry that forgets the attempt",
        plant!("if entry[COUNTS] then task.attempts" => "if false then task.attempts"),
    );
}

/// What only a ledger of several processes can have: the last answer is not kept.
#[test]
fn an_answer_that_is_not_kept_is_found() {
    found(
        "an exchange that is said again and carried out again",
        plant!("worker.sequence == said.sequence and (worker.part or 0) >= said.part" => "false"),
    );
}

/// Likewise: its last acts are lost, and it leases on as if nothing had been.
#[test]
fn a_loss_that_is_not_noticed_is_found() {
    let search = Search {
        history: |seed| history(seed, Size::Medium).losing_tails(),
        make: OnRedis::living_on,
    };
    search.finds(
        "a lost tail that is not noticed",
        plant!("(known.acts > META.acts or is_behind(said))" => "false"),
    );
}

/// Likewise: what was settled by a lost act waits until its lease runs out.
#[test]
fn a_lease_that_nobody_holds_is_found() {
    let search = Search {
        history: |seed| history(seed, Size::Medium).losing_tails(),
        make: OnRedis::living_on,
    };
    search.finds(
        "a lease that its worker no longer holds after a lost tail",
        plant!("give_back_lost(said, worker)\n  run_out()" => "run_out()"),
    );
}

/// Likewise: and what it does hold is given back with it.
#[test]
fn a_lease_that_is_taken_from_who_holds_it_is_found() {
    let search = Search {
        history: |seed| history(seed, Size::Medium).losing_tails(),
        make: OnRedis::living_on,
    };
    search.finds(
        "a lost tail that takes what is held as well",
        plant!("holds[string.sub(held, at, at + 8)] = true" => ""),
    );
}

/// Likewise: of what the sink knows of the day nothing is taken.
#[test]
fn a_day_that_begins_anew_is_found() {
    let search = Search {
        history: |seed| history(seed, Size::Small).losing_tails(),
        make: OnRedis::living_on,
    };
    search.finds(
        "a day whose count is lost with a tail, and begins anew",
        plant!("local more = max(0, day.calls - today(used, now))" => "local more = 0"),
    );
}

/// Likewise: calls of the day are given before the sink was asked for those of before.
#[test]
fn a_day_that_goes_on_before_the_sink_was_asked_is_found() {
    let search = Search {
        history: |seed| history(seed, Size::Small).losing_tails(),
        make: OnRedis::living_on,
    };
    search.finds(
        "a day that goes on after a loss before the sink was asked",
        plant!("if budget.recount then return nil, now + RECOUNT end" => ""),
    );
}
