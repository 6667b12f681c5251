//! Whole rehearsals of the shipped workflows.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use watershed_engine::Content;
use watershed_model::{Millis, RunState};
use watershed_rehearsal::{Rehearsal, Rehearsed, rehearse};
use watershed_workflow::{compile, resolve_inputs};
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom_sim::{Account, Spec};

/// A shipped workflow with an account, on a plan whose heavy calls take days.
fn shipped(name: &str, account: Spec, workers: u16) -> Rehearsed {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let source = std::fs::read_to_string(path.join(name)).expect("the shipped workflow");
    let compiled = compile(name, &source, &watershed_zoom::catalogue()).expect("it is good");
    let today = Millis::from(account.now).date();
    let overrides = Overrides { heavy_per_day: Some(100), ..Overrides::default() };
    Rehearsed {
        inputs: resolve_inputs(&compiled.plan, &BTreeMap::new(), today).expect("its defaults"),
        account,
        source,
        plan: compiled.plan,
        hash: compiled.hash,
        limits: limits(Tier::Pro, &overrides, 0.9),
        content: Content::Transcripts,
        workers,
        concurrency: 16,
    }
}

/// Half an hour before midnight.
fn evening() -> Timestamp {
    (Millis::from(Spec::default().now).next_day() + -1_800_000).timestamp()
}

fn rehearsed(seed: u64, workers: u16) -> Rehearsal {
    let account = Spec { users: 20, seed, latency_ms: 200, now: evening(), ..Spec::default() };
    let backfill = shipped("zoom-backfill.yaml", account, workers);
    rehearse(&backfill, &mut |_, _| {}).expect("a run that ends")
}

#[test]
fn days_pass_and_all_that_the_account_holds_is_there() {
    let told = rehearsed(3, 1);
    assert_eq!(told.state, RunState::Complete);
    assert!(told.days.len() > 1, "100 heavy calls are too few for one day: {:?}", told.days);
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    let account = Account::new(Spec { users: 20, seed: 3, now: evening(), ..Spec::default() });
    for row in account.truth() {
        *held.entry(row.dataset).or_default() += 1;
    }
    let differ: Vec<String> = told
        .datasets
        .iter()
        .filter(|came| held.get(came.dataset.as_str()) != Some(&came.rows))
        .map(|came| format!("{}: {} of {:?}", came.dataset, came.rows, held.get(&*came.dataset)))
        .collect();
    assert_eq!(differ, [""; 0]);
    assert_eq!(told.datasets.len(), 14, "{:?}", told.datasets);
}

#[test]
fn the_same_seed_tells_the_same_to_the_last_figure() {
    for workers in [1, 3] {
        let told = [rehearsed(4, workers), rehearsed(4, workers)];
        let text = told.map(|told| serde_json::to_string(&told).expect("plain figures"));
        assert!(text[0] == text[1], "{workers} workers: two rehearsals of one seed differ");
    }
}

#[test]
fn each_shipped_workflow_comes_to_an_end() {
    for name in ["zoom-reconcile.yaml", "zoom-event.yaml"] {
        let account = Spec { users: 6, seed: 5, now: evening(), ..Spec::default() };
        let told = rehearse(&shipped(name, account, 1), &mut |_, _| {}).expect(name);
        assert_eq!(told.state, RunState::Complete, "{name}");
    }
}

#[test]
fn what_leads_to_reports_goes_before_what_leads_nowhere() {
    for name in ["zoom-backfill.yaml", "zoom-reconcile.yaml"] {
        let plan = shipped(name, Spec::default(), 1).plan;
        let depth = |step: &str| plan.step_named(step).expect("a shipped step").1.depth;
        let least =
            ["users", "meetings", "instances", "recordings_account", "held", "participants"]
                .map(depth);
        let most = ["files", "user_settings", "meeting_details", "meeting_invitations"].map(depth);
        assert!(least.iter().min() > most.iter().max(), "{name}: {least:?} {most:?}");
    }
}
