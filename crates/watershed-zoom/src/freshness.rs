//! How far each dataset is complete: derived from coverage and from the days of its runs, and kept
//! nowhere. What was not asked for is told as missing, never taken for nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use watershed_model::{Millis, OperationId, RunCoverage, RunId, RunRow, RunState, Trigger};

use crate::catalogue;

/// What just happened comes late into lists.
const PRESENT_MARGIN_MS: i64 = 15 * 60_000;

/// Lists that bring a dataset, or what its rows hang under: any one of them. Of the others each
/// record is asked by itself, and is as fresh as it was then.
const LISTS: &[(&[&str], &[&str])] = &[
    (&["users"], &["zoom.list_users"]),
    (
        &[
            "meetings",
            "past_instances",
            "past_meetings",
            "past_participants",
            "report_participants",
            "report_meetings",
        ],
        &["zoom.list_meetings"],
    ),
    (
        &["recordings", "recording_files", "transcripts", "transcript_cues"],
        &["zoom.list_account_recordings", "zoom.list_user_recordings"],
    ),
];

/// How far a dataset is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// The dataset.
    pub dataset: &'static str,
    /// Where the unbroken stretch begins that reaches furthest (RFC 3339); `None` where it has no
    /// window, or nothing is complete.
    pub from: Option<String>,
    /// Where it ends (RFC 3339); `None`: nothing is complete.
    pub through: Option<String>,
    /// Stretches before it that no complete run was about.
    pub missing: Vec<Gap>,
    /// Answers that are not there yet at Zoom.
    pub waiting: u64,
    /// What is known in part, or failed.
    pub open: u64,
}

/// A stretch that no complete run was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// From here (RFC 3339),
    pub from: String,
    /// to here (RFC 3339).
    pub to: String,
}

/// An instant, as it stands in [`Freshness`].
pub fn through(freshness: &Freshness) -> Option<Millis> {
    let at: jiff::Timestamp = freshness.through.as_deref()?.parse().ok()?;
    Some(at.into())
}

/// How far each dataset of a connection is complete that was ever asked for, in the order of the
/// catalogue. `knows` is what coverage says by operation and run, `runs` are the connection's.
pub fn freshness(runs: &[RunRow], knows: &[RunCoverage]) -> Vec<Freshness> {
    let runs: BTreeMap<&RunId, &RunRow> = runs.iter().map(|run| (&run.id, run)).collect();
    let found = catalogue().datasets.iter().filter_map(|dataset| {
        let own: BTreeSet<&str> = catalogue()
            .operations
            .iter()
            .filter(|operation| operation.dataset.name == dataset.name)
            .map(|operation| operation.id)
            .collect();
        let of = |ids: &dyn Fn(&str) -> bool| -> Vec<&RunCoverage> {
            knows.iter().filter(|known| ids(known.operation.as_str())).collect()
        };
        // Files and cues come with what brings their recording.
        let own = match dataset.name {
            "recording_files" => BTreeSet::from(["zoom.get_recording"]),
            "transcript_cues" => BTreeSet::from(["zoom.download_recording_file"]),
            _ => own,
        };
        let mine = of(&|id| own.contains(id));
        let lists = LISTS.iter().find(|(datasets, _)| datasets.contains(&dataset.name));
        let lists = lists.map(|(_, lists)| of(&|id| lists.contains(&id)));
        let is_list =
            matches!(dataset.name, "users" | "meetings" | "recordings" | "recording_files");
        if mine.is_empty() && !(is_list && lists.as_ref().is_some_and(|lists| !lists.is_empty())) {
            return None;
        }
        let stretches = merged(match &lists {
            Some(lists) => lists.iter().filter_map(|known| stretch(known, &runs)).collect(),
            None => mine.iter().filter_map(|known| asked_at(known, &runs)).collect(),
        });
        let last = stretches.last();
        let missing = stretches.windows(2).map(|two| Gap {
            from: two[0].to.to_string(),
            to: two[1].from.map_or_else(String::new, |from| from.to_string()),
        });
        Some(Freshness {
            dataset: dataset.name,
            from: last.and_then(|last| last.from).map(|from| from.to_string()),
            through: last.map(|last| last.to.to_string()),
            missing: missing.collect(),
            waiting: mine.iter().map(|known| known.waiting).sum(),
            open: mine.iter().map(|known| known.open).sum(),
        })
    });
    found.collect()
}

/// A stretch of the account's time. Without `from` it is all that there was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    from: Option<Millis>,
    to: Millis,
}

/// What a list of a run is about, where that run is complete and read all of it.
fn stretch(known: &RunCoverage, runs: &BTreeMap<&RunId, &RunRow>) -> Option<Stretch> {
    let run = complete(known, runs)?;
    let day = |name: &str| -> Option<Millis> {
        let date = run.inputs.get(name).and_then(Value::as_str)?.parse().ok()?;
        Some(Millis::of_date(date))
    };
    let present = run.started_at + -PRESENT_MARGIN_MS;
    if !has_window(&known.operation) {
        return Some(Stretch { from: None, to: present });
    }
    Some(Stretch { from: Some(day("from")?), to: day("to")?.next_day().min(present) })
}

/// When single records were asked, where all of them were answered.
fn asked_at(known: &RunCoverage, runs: &BTreeMap<&RunId, &RunRow>) -> Option<Stretch> {
    complete(known, runs).map(|run| Stretch { from: None, to: run.started_at })
}

/// The run, where it is complete and nothing of this is open. What an event brought is one record
/// of many.
fn complete<'r>(known: &RunCoverage, runs: &BTreeMap<&RunId, &'r RunRow>) -> Option<&'r RunRow> {
    let run = runs.get(&known.run)?;
    let whole = known.open == 0 && known.whole + known.waiting > 0;
    (whole && run.state == RunState::Complete && run.trigger != Trigger::Event).then_some(run)
}

fn has_window(operation: &OperationId) -> bool {
    let params = catalogue().operation(operation.as_str()).map_or(&[][..], |known| known.params);
    params.iter().any(|param| param.place == watershed_model::ParamPlace::Window)
}

/// Stretches in order of time, those that touch as one.
fn merged(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut found: Vec<Stretch> = Vec::new();
    for next in stretches {
        match found.last_mut() {
            Some(last) if next.from.is_none_or(|from| from <= last.to) => {
                last.to = last.to.max(next.to);
            }
            _ => found.push(next),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Millis {
        let at: jiff::Timestamp = text.parse().expect("an instant");
        at.into()
    }

    /// A run over these days, begun at two in the morning after the last.
    fn run(id: &str, from: &str, to: &str, state: RunState) -> RunRow {
        RunRow {
            id: id.into(),
            connection: "acme".into(),
            workflow: "zoom-reconcile".to_owned(),
            source: String::new(),
            plan: "p".into(),
            inputs: [("from".to_owned(), json!(from)), ("to".to_owned(), json!(to))].into(),
            granted: Vec::new(),
            trigger: Trigger::Schedule,
            state,
            started_at: at(&format!("{to}T02:00:00Z")),
            ended_at: None,
            evidence: None,
        }
    }

    fn knows(operation: &str, run: &str, counts: (u64, u64, u64)) -> RunCoverage {
        let (whole, waiting, open) = counts;
        RunCoverage { operation: operation.into(), run: run.into(), whole, waiting, open }
    }

    fn of(dataset: &str, runs: &[RunRow], knows: &[RunCoverage]) -> Option<Freshness> {
        freshness(runs, knows).into_iter().find(|fresh| fresh.dataset == dataset)
    }

    const LIST: &str = "zoom.list_meetings";

    #[test]
    fn nights_that_overlap_are_one_stretch_up_to_what_the_last_one_could_see() {
        let runs = [
            run("1", "2026-06-01", "2026-11-20", RunState::Complete),
            run("2", "2026-11-18", "2026-11-21", RunState::Complete),
            run("3", "2026-11-19", "2026-11-22", RunState::Complete),
        ];
        let knows: Vec<_> = ["1", "2", "3"].map(|id| knows(LIST, id, (9, 0, 0))).into();
        let meetings = of("meetings", &runs, &knows).expect("it was asked for");
        assert_eq!(meetings.from.as_deref(), Some("2026-06-01T00:00:00.000Z"));
        assert_eq!(meetings.through.as_deref(), Some("2026-11-22T01:45:00.000Z"));
        assert_eq!(meetings.missing, []);
        assert_eq!(of("recordings", &runs, &knows), None, "nobody asked for any");
    }

    #[test]
    fn nights_that_were_left_out_are_missing_and_a_run_over_them_closes_the_gap() {
        let mut runs = vec![
            run("1", "2026-06-01", "2026-11-10", RunState::Complete),
            run("2", "2026-11-18", "2026-11-21", RunState::Complete),
        ];
        let mut known = vec![knows(LIST, "1", (9, 0, 0)), knows(LIST, "2", (9, 0, 0))];
        let meetings = of("meetings", &runs, &known).expect("it was asked for");
        assert_eq!(meetings.from.as_deref(), Some("2026-11-18T00:00:00.000Z"));
        let (from, to) = ("2026-11-10T01:45:00.000Z", "2026-11-18T00:00:00.000Z");
        assert_eq!(meetings.missing, [Gap { from: from.to_owned(), to: to.to_owned() }]);

        runs.push(run("3", "2026-11-10", "2026-11-19", RunState::Complete));
        known.push(knows(LIST, "3", (9, 0, 0)));
        let meetings = of("meetings", &runs, &known).expect("it was asked for");
        assert_eq!(meetings.from.as_deref(), Some("2026-06-01T00:00:00.000Z"));
        assert_eq!(meetings.missing, []);
    }

    #[test]
    fn a_night_that_failed_or_read_a_list_by_half_moves_nothing() {
        let night = |state| [run("1", "2026-11-18", "2026-11-21", state)];
        let through = |state, counts| {
            let meetings = of("meetings", &night(state), &[knows(LIST, "1", counts)]);
            meetings.expect("it was asked for").through
        };
        assert!(through(RunState::Complete, (9, 0, 0)).is_some());
        assert!(through(RunState::Complete, (9, 1, 0)).is_some(), "what comes late is waited for");
        assert_eq!(through(RunState::Complete, (9, 0, 1)), None);
        assert_eq!(through(RunState::Running, (9, 0, 0)), None);
        assert_eq!(through(RunState::Failed, (9, 0, 0)), None);
    }

    #[test]
    fn attendance_reaches_as_far_as_the_lists_of_meetings_and_tells_what_waits() {
        let runs = [run("1", "2026-11-18", "2026-11-21", RunState::Complete)];
        let known =
            [knows(LIST, "1", (9, 0, 0)), knows("zoom.report_participants", "1", (40, 3, 2))];
        let reports = of("report_participants", &runs, &known).expect("it was asked for");
        assert_eq!(reports.through.as_deref(), Some("2026-11-21T01:45:00.000Z"));
        assert_eq!((reports.waiting, reports.open), (3, 2));
    }

    #[test]
    fn what_is_asked_one_by_one_is_as_fresh_as_a_run_that_asked_for_all_whatever_events_bring() {
        let event = RunRow {
            trigger: Trigger::Event,
            ..run("2", "2026-11-28", "2026-11-28", RunState::Complete)
        };
        let runs = [run("1", "2026-11-18", "2026-11-21", RunState::Complete), event];
        let get = "zoom.get_user_settings";
        let known = [knows(get, "1", (9, 0, 0)), knows(get, "2", (1, 0, 0))];
        let settings = of("user_settings", &runs, &known).expect("it was asked for");
        assert_eq!(settings.through.as_deref(), Some("2026-11-21T02:00:00.000Z"));
        assert_eq!(settings.from, None);
    }
}
