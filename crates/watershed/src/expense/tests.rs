use std::collections::BTreeMap;

use watershed_engine::{CategoryEstimate, LeftOut, Sampled, SampledFor, StepEstimate};
use watershed_model::{ConnectionName, RunId};

use super::*;

fn step(step: &str, category: Option<&str>, calls: u64, plus_minus: f64) -> StepEstimate {
    StepEstimate {
        step: step.to_owned(),
        operation: format!("zoom.{step}"),
        category: category.map(str::to_owned),
        items: calls,
        calls,
        plus_minus,
        rows: calls * 10,
        sampled: 30,
    }
}

fn limit(category: &str, period: &str, ms: Option<i64>, days: Option<u64>) -> LimitTime {
    LimitTime {
        category: category.to_owned(),
        period: period.to_owned(),
        share: 54.0,
        calls: 120_000,
        ms,
        days,
        binds: days.is_some_and(|days| days > 1),
    }
}

fn told() -> Estimate {
    Estimate {
        workflow: "zoom-backfill".to_owned(),
        connection: ConnectionName::from("acme"),
        run: None,
        inputs: BTreeMap::from([("from".to_owned(), "2026-05-28".into())]),
        steps: vec![
            step("users", Some("medium"), 3, 0.0),
            step("participants", Some("heavy"), 120_000, 4.2),
        ],
        categories: vec![CategoryEstimate {
            category: "heavy".to_owned(),
            calls: 120_000,
            plus_minus: 4.2,
        }],
        calls: 120_003,
        limits: vec![
            limit("heavy", "second", Some(3_333_000), None),
            limit("heavy+resource_intensive", "day", Some(93_600_000), Some(3)),
        ],
        best_ms: Some(93_600_000),
        done_at: Some("2026-11-27T00:00:00.000Z".to_owned()),
        disk_bytes: 1_234_567_890,
        file_bytes: 1_200_000_000,
        left_out: vec![
            LeftOut {
                step: "transcripts".to_owned(),
                operation: "zoom.download_recording_file".to_owned(),
                why: "consent".to_owned(),
                what: "metadata".to_owned(),
                items: 800,
            },
            LeftOut {
                step: "participants".to_owned(),
                operation: "zoom.report_participants".to_owned(),
                why: "scope".to_owned(),
                what: "report:read:list_meeting_participants:admin".to_owned(),
                items: 12,
            },
        ],
        sampling: Sampled {
            calls: 301,
            most: 300,
            by: vec![SampledFor {
                operation: "zoom.list_users".to_owned(),
                calls: 3,
                purpose: "step users, 3 items".to_owned(),
            }],
        },
        notes: vec!["heavy calls are known to ± 6.0 % only".to_owned()],
    }
}

#[test]
fn an_estimate_tells_calls_limits_time_disk_and_what_is_left_out() {
    insta::assert_snapshot!(expense(&told(), "zoom-backfill", false));
}

#[test]
fn a_run_that_goes_on_is_named_and_a_limit_of_nothing_is_told() {
    let told = Estimate {
        run: Some(RunId::from("r-1")),
        limits: vec![LimitTime { binds: true, ..limit("heavy", "day", None, None) }],
        best_ms: None,
        done_at: None,
        ..told()
    };
    let text = expense(&told, "'my flow.yaml' --input a=b", false);
    assert!(text.contains("run r-1: what it has is not counted"), "{text}");
    assert!(text.contains("never: heavy per day binds"), "{text}");
    assert!(text.contains("run 'my flow.yaml' --input a=b`"), "{text}");
}

#[test]
fn an_estimate_fits_its_published_schema() {
    crate::shapes::fits("estimate", &told());
}

#[test]
fn room_is_told_in_the_unit_that_is_easiest_to_read() {
    assert_eq!(
        [bytes(0), bytes(12_345), bytes(3_400_000), bytes(1_200_000_000)].join(" "),
        "0 kB 12 kB 3.4 MB 1.2 GB"
    );
}
