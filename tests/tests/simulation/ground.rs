//! The ground of all histories: the account, its limits, and the workflow that is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use watershed_engine::Request;
use watershed_model::{Limits, Millis, RunId, StepId, Trigger};
use watershed_rehearsal::Draws;
use watershed_tests::root;
use watershed_workflow::{Compiled, compile, resolve_inputs};
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom_sim::{Account, Spec};

use crate::history::History;

/// How long a process holds what it has leased.
pub(crate) const LEASE_MS: i64 = 15_000;
/// The account. One process alone uses all of its limits, so that one call too many is refused.
/// Several are not late by the same milliseconds: the share that is shipped leaves room for that.
const PER_SECOND: [u64; 3] = [20, 10, 5];
/// Of each person: less than what they hold, so that the rest waits for midnight. And so many of
/// three of all, so that it does not wait for another one.
const HEAVY_PER_DAY: u64 = 9;
const HEAVY_OF_THREE: u64 = 2;

/// The step that becomes a join, as it is shipped and as it is run: once all of a person's
/// meetings are there.
const PLAIN: &str = "  user_settings:
    for_each: users
    as: user
    when: inputs.details == \"full\" && user.status != \"pending\" && user.id != null
    once: user.id
";
const JOIN: &str = "  user_settings:
    needs: [instances, meeting_details]
    when: user.status != \"pending\" && user.id != null
";

/// The shipped backfill with a join, compiled once.
static BACKFILL: LazyLock<(String, Compiled)> = LazyLock::new(|| {
    let text = std::fs::read_to_string(root().join("workflows/zoom-backfill.yaml"));
    let text = text.expect("the shipped workflow");
    assert!(text.contains(PLAIN), "the shipped step is another");
    let text = text.replace(PLAIN, JOIN);
    let compiled = compile("zoom-backfill.yaml", &text, &watershed_zoom::catalogue());
    (text, compiled.expect("it is good"))
});

/// The step that brings files.
pub(crate) fn files_step() -> StepId {
    BACKFILL.1.plan.step_named("files").expect("the shipped step").0
}

/// The account of a history, and its heavy calls of a day.
pub(crate) fn spec(history: &History) -> (Spec, u64) {
    let [light, medium, heavy] = PER_SECOND;
    let mut spec = Spec {
        users: history.users,
        seed: history.seed,
        latency_ms: history.latency_ms,
        now: begins(history.seed).timestamp(),
        ..Spec::default()
    };
    let account = Account::new(spec.clone());
    let reports: BTreeSet<String> = account
        .truth()
        .filter(|row| row.dataset == "report_participants")
        .map(|row| row.key)
        .collect();
    let a_day = (HEAVY_PER_DAY * history.users).max(reports.len() as u64 * HEAVY_OF_THREE / 3 + 1);
    spec.limits = format!(
        "shape=sliding,light_per_second={light},medium_per_second={medium},\
         heavy_per_second={heavy},heavy_per_day={a_day}"
    )
    .parse()
    .expect("limits that the account takes");
    if let Some(faults) = history.account_faults {
        spec.faults = faults.parse().expect("faults that the account knows");
    }
    (spec, a_day)
}

/// What the processes of a history may use of it.
pub(crate) fn limits_of(history: &History, heavy_a_day: u64) -> Limits {
    let [light, medium, heavy] = PER_SECOND.map(|calls| Some(calls as f64));
    let overrides = Overrides {
        light_per_second: light,
        medium_per_second: medium,
        heavy_per_second: heavy,
        heavy_per_day: Some(heavy_a_day),
    };
    let share = if history.workers == 1 { 1.0 } else { 0.9 };
    limits(Tier::Business, &overrides, share)
}

/// The run of a history.
pub(crate) fn request(history: &History) -> Request {
    let (source, compiled) = &*BACKFILL;
    let today = begins(history.seed).date();
    let inputs = resolve_inputs(&compiled.plan, &BTreeMap::new(), today);
    let id = RunId::from("simulated");
    Request {
        connection: "default".into(),
        source: source.clone(),
        plan: compiled.plan.clone(),
        hash: compiled.hash.clone(),
        inputs: inputs.expect("its own defaults"),
        run: Some(id.clone()),
        fresh: id,
        trigger: Trigger::Manual,
    }
}

/// Some minutes before midnight: what the day's heavy calls do not do for waits no longer.
pub(crate) fn begins(seed: u64) -> Millis {
    let midnight = Millis::from(Spec::default().now).next_day();
    midnight + -(60_000 + Draws(seed ^ 0xDA7).below(600_000) as i64)
}

/// In memory, where the system has a folder there: each commit waits for the disk otherwise.
pub(crate) fn folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().prefix("simulation").tempdir_in(shared);
    folder.or_else(|_| tempfile::tempdir()).expect("a folder")
}
