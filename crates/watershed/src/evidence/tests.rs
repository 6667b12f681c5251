use std::collections::BTreeMap;

use watershed_model::{
    BudgetUse, CallCount, ConnectionName, OperationId, RunId, StepReport, WaitReport,
};

use super::*;

fn count(state: CoverageState, reason: Option<&str>, count: u64) -> CoverageCount {
    let reason = reason.map(str::to_owned);
    CoverageCount {
        operation: OperationId::from("zoom.report_participants"),
        state,
        reason,
        count,
        rows: 0,
    }
}

fn standing() -> Standing {
    let report = RunReport {
        run: RunId::from("r-1"),
        workflow: "zoom-backfill".to_owned(),
        connection: ConnectionName::from("acme"),
        state: RunState::Complete,
        exit: Some(3),
        started_at: "2026-11-24T10:00:00.000Z".to_owned(),
        ended_at: Some("2026-11-24T10:01:05.000Z".to_owned()),
        steps: vec![StepReport {
            step: "participants".to_owned(),
            done: 98,
            known: 100,
            is_final: true,
            failed: 2,
        }],
        budget: vec![BudgetUse {
            category: "heavy+resource_intensive".to_owned(),
            period: "day".to_owned(),
            used: 100,
            share: 54_000.0,
            binds: false,
            free_at: None,
        }],
        waits: vec![WaitReport { why: "not there yet at Zoom".to_owned(), count: 3, until: None }],
        eta: None,
        calls: CallCount {
            spent: 1_250,
            least: 1_000,
            repeated: BTreeMap::from([("lost_lease".to_owned(), 4), ("restart".to_owned(), 1)]),
        },
        rows: BTreeMap::from([("users".to_owned(), 42), ("past_participants".to_owned(), 0)]),
    };
    let coverage = vec![
        count(CoverageState::Complete, None, 1_200),
        count(CoverageState::Waiting, Some("late report"), 3),
        count(CoverageState::Unavailable, Some("scope: report:read:admin"), 5),
    ];
    Standing { view: None, report, coverage }
}

#[test]
fn the_evidence_tells_what_came_what_it_cost_and_what_is_left_to_do() {
    let place = Place {
        sink: &Data::File("data/zoom.db".into()),
        store: &Store::File("data/state.db".into()),
        now: Millis(0),
    };
    let text = evidence(&standing(), 3, place, false);
    insta::assert_snapshot!(text);
}

#[test]
fn a_stopped_run_is_told_how_to_go_on() {
    let mut standing = standing();
    standing.report.state = RunState::Running;
    standing.report.ended_at = None;
    let place =
        Place { sink: &Data::File("z".into()), store: &Store::File("s".into()), now: Millis(0) };
    let text = evidence(&standing, 4, place, false);
    assert!(text.contains("is stopped (exit code 4)"), "{text}");
    assert!(text.contains("resume r-1`"), "{text}");
}

#[test]
fn many_reasons_are_told_by_the_most_frequent() {
    let coverage: Vec<CoverageCount> = (1..=9)
        .map(|n| count(CoverageState::Unavailable, Some(&format!("reason {n}")), n))
        .collect();
    let text = super::coverage(&coverage);
    assert!(text.starts_with("45 unavailable (reason 9 9, reason 8 8, "), "{text}");
    assert!(text.ends_with("reason 5 5, for other reasons 10)"), "{text}");
}

#[test]
fn a_report_fits_its_published_schema() {
    crate::shapes::fits("run-report", &standing().report);
}

#[test]
fn what_is_wrong_is_told_even_where_remarks_are_not_wanted() {
    let text = shortcomings(&standing(), 3);
    assert!(text.contains("2 dead letters"), "{text}");
    assert!(text.contains("scope: report:read:admin"), "{text}");
    assert!(!text.contains("users"), "{text}");
}
