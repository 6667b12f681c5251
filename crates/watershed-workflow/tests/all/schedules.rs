//! `schedule:` in a file: one entry or several, beside the plan and no part of it.

use crate::common::compiled;
use watershed_model::{Source, Step};
use watershed_workflow::{Missed, Overlap};

const BACKFILL: &str = include_str!("../../../../workflows/zoom-backfill.yaml");
const RECONCILE: &str = include_str!("../../../../workflows/zoom-reconcile.yaml");

const STEPS: &str = r#"
steps:
  users:
    for_each: [active, inactive]
    as: status
    use: zoom.list_users
    with: { status: "${{ status }}" }
"#;

#[test]
fn an_entry_stands_alone_or_in_a_list_and_has_defaults() {
    let alone = compiled(&format!("name: a\nschedule: {{ cron: ' 0 2  * * * ' }}{STEPS}"));
    let [nightly] = &alone.schedules[..] else { panic!("{:?}", alone.schedules) };
    assert_eq!(nightly.key(), "0 2 * * * UTC");
    assert_eq!((nightly.missed, nightly.overlap), (Missed::RunOnce, Overlap::Skip));
    assert_eq!(nightly.jitter_ms, 0);

    let entries = "[{ cron: '0 2 * * *', timezone: Europe/Berlin, missed: skip }, \
                    { cron: '0 3 * * MON', overlap: cancel_previous, jitter: 10m }]";
    let both = compiled(&format!("name: a\nschedule: {entries}{STEPS}"));
    let keys: Vec<String> = both.schedules.iter().map(watershed_workflow::Schedule::key).collect();
    assert_eq!(keys, ["0 2 * * * Europe/Berlin", "0 3 * * MON UTC"]);
    assert_eq!(both.schedules[1].jitter_ms, 600_000);
}

#[test]
fn when_a_run_starts_is_no_part_of_what_it_does() {
    let without = compiled(&format!("name: a{STEPS}"));
    let with = compiled(&format!("name: a\nschedule: {{ cron: '0 2 * * *' }}{STEPS}"));
    assert_eq!(with.hash, without.hash);
    assert!(without.schedules.is_empty());
}

#[test]
fn the_shipped_reconcile_does_what_the_backfill_does_over_other_days_and_asks_for_what_is_late() {
    let (reconcile, backfill) = (compiled(RECONCILE), compiled(BACKFILL));
    assert_eq!(reconcile.warnings.to_string(), "");
    // Where a step stands is another thing, and what it hangs under beside the backfill's.
    let does = |step: &Step| Step {
        source: Source::Run,
        feeds: Vec::new(),
        carries: Vec::new(),
        depth: 0,
        ..step.clone()
    };
    let late = |step: &&Step| step.name.split('_').any(|word| word == "late");
    let steps = &reconcile.plan.steps;
    let names: Vec<&str> = steps.iter().filter(late).map(|step| step.name.as_str()).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let rest: Vec<Step> = steps.iter().filter(|step| !late(step)).map(does).collect();
    assert_eq!(rest, backfill.plan.steps.iter().map(does).collect::<Vec<_>>());
    assert!(backfill.schedules.is_empty(), "nobody's backfill starts by itself");
    let [weekly, nightly] = &reconcile.schedules[..] else { panic!("two entries") };
    assert_eq!(weekly.inputs["details"], "full");
    assert_eq!((nightly.missed, nightly.overlap), (Missed::RunAll, Overlap::Queue));
}
