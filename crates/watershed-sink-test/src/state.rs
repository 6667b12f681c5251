//! Coverage, runs, dead letters and accounts.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::collections::BTreeMap;

use serde_json::json;
use watershed_model::{
    CallCount, Category, CategorySet, Coverage, CoverageState, DayCalls, LeftOut, LeftOutWhy,
    Millis, RunFigures, RunHead, RunReport, RunRow, RunState, StepReport,
};
use watershed_sink::{Ask, Batch, CoverageCount, CoverageFilter, Error, FailureFilter};

use crate::Place;
use crate::scenario::{batch, coverage, knowing, letter, open, run_row, subject, write};

pub async fn a_whole_batch_is_asked_at_once_and_answered_in_its_order(place: &dyn Place) {
    let sink = open(place).await;
    let whole = coverage("active", None, CoverageState::Complete, 5);
    let january = coverage("active", Some("2026-01-01"), CoverageState::Waiting, 5);
    write(&sink, knowing(vec![whole.clone(), january.clone()])).await;

    let asks = vec![
        Ask::of(&january),
        Ask { from: Some("2026-02-01".to_owned()), ..Ask::of(&january) },
        Ask::of(&whole),
        Ask { connection: "globex".into(), ..Ask::of(&whole) },
        Ask { subject: subject(json!({ "status": "inactive" })), ..Ask::of(&whole) },
        Ask { operation: "zoom.list_pets".into(), ..Ask::of(&whole) },
        Ask::of(&january),
    ];
    let known = sink.covered(asks).await.unwrap();
    let (whole, january) = (Some(whole), Some(january));
    assert_eq!(known, [january.clone(), None, whole, None, None, None, january]);
    assert_eq!(sink.covered(Vec::new()).await.unwrap(), []);
}

pub async fn coverage_has_one_row_a_subject_and_window_and_an_older_one_changes_nothing(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let partial = coverage("active", None, CoverageState::Partial, 10);
    let complete = coverage("active", None, CoverageState::Complete, 20);
    for at_once in [partial.clone(), complete.clone(), partial] {
        write(&sink, knowing(vec![at_once])).await;
    }
    let all = sink.coverage(CoverageFilter::default(), None, 9).await.unwrap();
    assert_eq!(all, [complete]);
}

pub async fn what_a_listing_came_to_in_a_run_stands_above_a_page_of_it_whatever_the_clock_says(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let page = |of: &str, at| coverage(of, None, CoverageState::Partial, at);
    let mut ended = Vec::new();
    for end in [CoverageState::Complete, CoverageState::Failed, CoverageState::Unavailable] {
        // A clock that was set back between two pages, and the listing began anew.
        let (page, end) = (page(end.name(), 24), coverage(end.name(), None, end, 20));
        for at_once in [page, end.clone()] {
            write(&sink, knowing(vec![at_once])).await;
        }
        ended.push(end);
    }
    let all = sink.coverage(CoverageFilter::default(), None, 9).await.unwrap();
    assert_eq!(all, ended);

    let of = CoverageState::Complete.name();
    write(&sink, knowing(vec![page(of, 34)])).await;
    assert_eq!(sink.coverage(CoverageFilter::default(), None, 9).await.unwrap(), ended);
    let another = Coverage { run: "run-2".into(), ..page(of, 34) };
    write(&sink, knowing(vec![another.clone()])).await;
    ended[0] = another;
    let all = sink.coverage(CoverageFilter::default(), None, 9).await.unwrap();
    assert_eq!(all, ended, "another run may know better");
}

pub async fn that_a_question_is_not_asked_takes_nothing_away_from_what_is_known(place: &dyn Place) {
    let sink = open(place).await;
    let known = coverage("active", None, CoverageState::Complete, 10);
    let never = coverage("inactive", None, CoverageState::Skipped, 10);
    write(&sink, knowing(vec![known.clone(), never])).await;
    let skipped = coverage("active", None, CoverageState::Skipped, 20);
    let excluded = coverage("inactive", None, CoverageState::Excluded, 20);
    write(&sink, knowing(vec![skipped, excluded.clone()])).await;
    let all = sink.coverage(CoverageFilter::default(), None, 9).await.unwrap();
    assert_eq!(all, [known, excluded]);
}

pub async fn coverage_that_waits_for_ever_is_refused(place: &dyn Place) {
    let sink = open(place).await;
    let lost = Coverage { retry_at: None, ..coverage("a", None, CoverageState::Waiting, 1) };
    let refused = sink.write(batch(vec![knowing(vec![lost])]).into()).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

pub async fn coverage_is_visited_in_pages_and_each_row_once(place: &dyn Place) {
    let sink = open(place).await;
    let mut every = vec![coverage("active", None, CoverageState::Complete, 1)];
    for day in 1..=9 {
        let from = format!("2026-01-0{day}");
        every.push(coverage("active", Some(&from), CoverageState::Complete, 1));
        every.push(coverage("pending", Some(&from), CoverageState::Skipped, 1));
    }
    write(&sink, knowing(every.clone())).await;

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = sink.coverage(CoverageFilter::default(), after, 4).await.unwrap();
        seen.extend(page.iter().cloned());
        if page.len() < 4 {
            break;
        }
        after = page.last().map(Ask::of);
    }
    every.sort_by_key(Ask::of);
    assert_eq!(seen, every);
}

pub async fn coverage_is_filtered_by_each_member(place: &dyn Place) {
    let sink = open(place).await;
    let of_user = |user: &str| Coverage {
        subject: subject(json!({ "type": "scheduled", "userId": user })),
        ..coverage("", None, CoverageState::Complete, 1)
    };
    let ana = of_user("ana");
    let bo = Coverage { run: "run-2".into(), state: CoverageState::Failed, ..of_user("bo") };
    let other = Coverage { operation: "zoom.list_pets".into(), ..of_user("cy") };
    let globex = Coverage { connection: "globex".into(), ..of_user("di") };
    write(&sink, knowing(vec![ana.clone(), bo.clone(), other.clone(), globex.clone()])).await;

    let none = CoverageFilter::default;
    let cases = [
        (CoverageFilter { user: Some("ana".to_owned()), ..none() }, ana),
        (CoverageFilter { run: Some("run-2".into()), ..none() }, bo.clone()),
        (CoverageFilter { state: Some(CoverageState::Failed), ..none() }, bo),
        (CoverageFilter { operation: Some("zoom.list_pets".into()), ..none() }, other),
        (CoverageFilter { connection: Some("globex".into()), ..none() }, globex),
    ];
    for (filter, expected) in cases {
        let counted: u64 =
            sink.coverage_counts(filter.clone()).await.unwrap().iter().map(|c| c.count).sum();
        assert_eq!(counted, 1, "{filter:?}");
        assert_eq!(sink.coverage(filter, None, 9).await.unwrap(), [expected]);
    }
    let part = CoverageFilter { user: Some("an".to_owned()), ..none() };
    assert_eq!(sink.coverage(part, None, 9).await.unwrap(), []);
}

pub async fn coverage_is_counted_by_state_and_reason(place: &dyn Place) {
    let sink = open(place).await;
    let gone = |status: &str, reason: &str| Coverage {
        reason: Some(reason.to_owned()),
        rows: 0,
        ..coverage(status, None, CoverageState::Unavailable, 1)
    };
    let rows = vec![
        coverage("a", None, CoverageState::Complete, 1),
        coverage("b", None, CoverageState::Complete, 1),
        gone("c", "expired"),
        gone("d", "scope"),
        gone("e", "scope"),
    ];
    write(&sink, knowing(rows)).await;
    let line = |state, reason: Option<&str>, count, rows| CoverageCount {
        operation: "zoom.list_people".into(),
        state,
        reason: reason.map(str::to_owned),
        count,
        rows,
    };
    assert_eq!(
        sink.coverage_counts(CoverageFilter::default()).await.unwrap(),
        [
            line(CoverageState::Complete, None, 2, 6),
            line(CoverageState::Unavailable, Some("expired"), 1, 0),
            line(CoverageState::Unavailable, Some("scope"), 2, 0),
        ]
    );
}

/// Calls of a day, told at that time.
fn counted(day: i64, calls: u64, at: i64) -> DayCalls {
    let categories = CategorySet::of(&[Category::Heavy, Category::ResourceIntensive]);
    DayCalls { account: "acme-1\0".into(), categories, day, calls, at: Millis(at) }
}

pub async fn coverage_is_counted_by_the_run_that_was_the_last_to_ask(place: &dyn Place) {
    let sink = open(place).await;
    let by = |run: &str, status: &str, state, at| Coverage {
        run: run.into(),
        ..coverage(status, None, state, at)
    };
    let known = vec![
        by("run-1", "a", CoverageState::Complete, 1),
        by("run-1", "b", CoverageState::Partial, 1),
        by("run-1", "c", CoverageState::Unavailable, 1),
        by("run-1", "d", CoverageState::Waiting, 1),
        by("run-2", "b", CoverageState::Failed, 2),
        by("run-2", "d", CoverageState::Skipped, 2),
        Coverage { connection: "globex".into(), ..by("run-3", "a", CoverageState::Complete, 1) },
    ];
    write(&sink, knowing(known)).await;
    let counts = sink.coverage_by_run("acme".into()).await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|c| (c.operation.as_str(), c.run.as_str(), c.whole, c.waiting, c.open))
        .collect();
    let people = "zoom.list_people";
    assert_eq!(told, [(people, "run-1", 2, 1, 0), (people, "run-2", 0, 0, 1)]);
}

pub async fn the_latest_count_of_each_day_stays(place: &dyn Place) {
    let sink = open(place).await;
    let keep = async |days: Vec<DayCalls>| {
        sink.write(Batch { days, ..Batch::default() }.into()).await.unwrap();
    };
    let light = DayCalls {
        categories: CategorySet::of(&[Category::Light]),
        ..counted(20_001, 9, 1_700_000_000_000)
    };
    keep(vec![counted(20_000, 3, 5), counted(20_001, 1, 7), light.clone()]).await;
    keep(vec![counted(20_000, 2, 4)]).await;
    keep(vec![counted(20_001, 0, 7), counted(19_999, 6, 1)]).await;
    keep(vec![DayCalls { account: "acme-2".into(), ..counted(20_001, 8, 9) }]).await;
    let all = vec![counted(20_001, 0, 7), light, counted(20_000, 3, 5), counted(19_999, 6, 1)];
    let of = async |account: &str, limit| sink.days(account.into(), limit).await.unwrap();
    assert_eq!(of("acme-1\0", 9).await, all, "an older one changes nothing");
    assert_eq!(of("acme-1\0", 3).await, all[..3], "the newest come first");
    assert_eq!(of("acme-2", 9).await.len(), 1);
    assert_eq!(of("nobody", 9).await, []);
}

pub async fn who_is_left_out_is_known_by_the_last_run_that_saw_it(place: &dyn Place) {
    let sink = open(place).await;
    let left_out = |connection: &str, mark, why, run: &str, at| LeftOut {
        connection: connection.into(),
        mark,
        why,
        run: run.into(),
        at: Millis(at),
    };
    let keep = async |left_out: Vec<LeftOut>| {
        // Of the one who was erased everybody here knows.
        let erased = [("acme".into(), 1)].into();
        sink.write(Batch { left_out, erased, ..Batch::default() }.into()).await.unwrap();
    };
    use LeftOutWhy::{Erased, Excluded};
    keep(vec![
        left_out("acme", u64::MAX, Excluded, "r1", 5),
        left_out("acme", 7, Excluded, "r1", 5),
        left_out("acme", 7, Erased, "e1", 6),
        left_out("globex", 7, Excluded, "r9", 5),
    ])
    .await;
    keep(vec![left_out("acme", 7, Excluded, "r0", 4), left_out("acme", 9, Excluded, "r0", 4)])
        .await;
    keep(vec![left_out("acme", u64::MAX, Excluded, "r2", 8)]).await;
    let mut known = sink.left_out("acme".into()).await.unwrap();
    known.sort();
    let mut all = vec![
        left_out("acme", 7, Excluded, "r1", 5),
        left_out("acme", 7, Erased, "e1", 6),
        left_out("acme", 9, Excluded, "r0", 4),
        left_out("acme", u64::MAX, Excluded, "r2", 8),
    ];
    all.sort();
    assert_eq!(known, all, "an older run changes nothing");
    assert_eq!(sink.left_out("nobody".into()).await.unwrap(), []);
}

pub async fn a_connection_keeps_its_account(place: &dyn Place) {
    let sink = open(place).await;
    for _ in 0..2 {
        sink.bind_account("acme".into(), "account-1".into()).await.unwrap();
    }
    sink.bind_account("globex".into(), "account-2".into()).await.unwrap();
    let refused = sink.bind_account("acme".into(), "account-2".into()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "use connection acme: its data is of account account-1, and its credentials are now \
         those of account account-2; give the other account a connection of its own"
    );
    assert!(matches!(refused, Error::OtherAccount { .. }));
    sink.bind_account("acme".into(), "account-1".into()).await.unwrap();
}

pub async fn a_run_is_written_over_by_its_id(place: &dyn Place) {
    let sink = open(place).await;
    let running = run_row("r1", "acme", RunState::Running, 1_000);
    sink.put_run(running.clone()).await.unwrap();
    assert_eq!(sink.run("r1".into()).await.unwrap(), Some(running));
    let complete = run_row("r1", "acme", RunState::Complete, 1_000);
    sink.put_run(complete.clone()).await.unwrap();
    assert_eq!(sink.run("r1".into()).await.unwrap(), Some(complete));
    assert_eq!(sink.run("r2".into()).await.unwrap(), None);
}

pub async fn runs_come_newest_first(place: &dyn Place) {
    let sink = open(place).await;
    for (id, connection, started_at) in
        [("r1", "acme", 1_000), ("r3", "acme", 3_000), ("r2", "globex", 2_000)]
    {
        sink.put_run(run_row(id, connection, RunState::Complete, started_at)).await.unwrap();
    }
    let asked: [(Option<&str>, u32, &[&str]); 3] = [
        (None, 9, &["r3", "r2", "r1"]),
        (None, 2, &["r3", "r2"]),
        (Some("acme"), 9, &["r3", "r1"]),
    ];
    for (connection, limit, ids) in asked {
        let of = || connection.map(Into::into);
        let runs = sink.runs(of(), limit).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ids);
        let heads = sink.run_heads(of(), limit).await.unwrap();
        assert_eq!(heads.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ids);
    }
}

pub async fn a_list_has_what_the_evidence_of_a_run_sums_up_to(place: &dyn Place) {
    let sink = open(place).await;
    let step = |done, known, failed| StepReport {
        step: "users".to_owned(),
        done,
        known,
        is_final: true,
        failed,
    };
    let report = RunReport {
        run: "r1".into(),
        workflow: "zoom-backfill".to_owned(),
        connection: "acme".into(),
        state: RunState::Complete,
        exit: Some(3),
        started_at: Millis(1_000).to_string(),
        ended_at: Some(Millis(1_005).to_string()),
        steps: vec![step(5, 7, 2), step(20, 20, 0)],
        budget: Vec::new(),
        waits: Vec::new(),
        eta: None,
        calls: CallCount { spent: 9, least: 8, repeated: BTreeMap::new() },
        rows: BTreeMap::from([("users".to_owned(), 5)]),
    };
    let ended =
        RunRow { evidence: Some(report), ..run_row("r1", "acme", RunState::Complete, 1_000) };
    sink.put_run(ended.clone()).await.unwrap();
    sink.put_run(run_row("r2", "acme", RunState::Running, 2_000)).await.unwrap();

    let heads = sink.run_heads(None, 9).await.unwrap();
    let figures = RunFigures { exit: Some(3), done: 25, known: 27, failed: 2, spent: 9, least: 8 };
    let head = RunHead {
        id: ended.id,
        connection: ended.connection,
        workflow: ended.workflow,
        trigger: ended.trigger,
        state: ended.state,
        started_at: ended.started_at,
        ended_at: ended.ended_at,
        figures: Some(figures),
    };
    assert_eq!(heads[1], head);
    assert_eq!(heads[0].figures, None, "it goes on");
}

pub async fn the_unfinished_run_is_the_newest_of_its_plan_connection_and_inputs(place: &dyn Place) {
    let sink = open(place).await;
    let inputs = run_row("", "acme", RunState::Running, 0).inputs;
    let other_inputs = BTreeMap::from([("from".to_owned(), json!("2026-02-01"))]);
    let rows = [
        run_row("older", "acme", RunState::Running, 1),
        run_row("paused", "acme", RunState::Paused, 2),
        run_row("ended", "acme", RunState::Complete, 3),
        run_row("other connection", "globex", RunState::Running, 4),
        RunRow { plan: "other".into(), ..run_row("other plan", "acme", RunState::Running, 5) },
        RunRow {
            inputs: other_inputs.clone(),
            ..run_row("other inputs", "acme", RunState::Running, 6)
        },
    ];
    for row in rows {
        sink.put_run(row).await.unwrap();
    }
    let found = sink.unfinished("acme".into(), "plan".into(), inputs.clone()).await.unwrap();
    assert_eq!(found.unwrap().id.as_str(), "paused");
    let found = sink.unfinished("acme".into(), "plan".into(), other_inputs).await.unwrap();
    assert_eq!(found.unwrap().id.as_str(), "other inputs");
    let found = sink.unfinished("acme".into(), "third".into(), inputs.clone()).await.unwrap();
    assert_eq!(found, None);
    // What failed has work left, and goes on.
    sink.put_run(run_row("failed", "acme", RunState::Failed, 7)).await.unwrap();
    let found = sink.unfinished("acme".into(), "plan".into(), inputs).await.unwrap();
    assert_eq!(found.unwrap().id.as_str(), "failed");
}

pub async fn a_letter_of_what_went_well_after_all_goes_with_the_rows_that_it_brought(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let kept = letter("kept", "r", "users", 1, 1);
    let failures = vec![letter("healed", "r", "users", 2, 1), kept.clone()];
    sink.write(Batch { failures, ..Batch::default() }.into()).await.unwrap();
    let rows = knowing(vec![coverage("active", None, CoverageState::Complete, 5)]);
    let healed = vec!["healed".into()];
    sink.write(Batch { writes: vec![rows], healed, ..Batch::default() }.into()).await.unwrap();
    let left = sink.failures(FailureFilter::default()).await.unwrap();
    assert_eq!(left, [kept]);
}

pub async fn a_dead_letter_comes_back_whole_by_each_filter_until_it_is_removed(place: &dyn Place) {
    let sink = open(place).await;
    let first = letter("l1", "run-1", "past", 1, 10);
    let second = letter("l2", "run-1", "report", u64::MAX, 20);
    let third = letter("l3", "run-2", "past", 3, 5);
    let mut failing = batch(Vec::new());
    failing.failures = vec![first.clone(), second.clone(), third.clone()];
    sink.write(failing.into()).await.unwrap();

    let none = FailureFilter::default;
    let cases = [
        (none(), vec![third.clone(), first.clone(), second.clone()]),
        (
            FailureFilter { run: Some("run-1".into()), ..none() },
            vec![first.clone(), second.clone()],
        ),
        (FailureFilter { step: Some("past".to_owned()), ..none() }, vec![third, first.clone()]),
        (FailureFilter { key: Some(u64::MAX), ..none() }, vec![second.clone()]),
        (FailureFilter { id: Some("l1".into()), ..none() }, vec![first]),
        (FailureFilter { connection: Some("globex".into()), ..none() }, vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(sink.failures(filter.clone()).await.unwrap(), expected, "{filter:?}");
    }
    sink.remove_failures(vec!["l1".into(), "l3".into(), "never there".into()]).await.unwrap();
    assert_eq!(sink.failures(none()).await.unwrap(), [second]);
}

pub async fn a_letter_that_fails_again_is_one_letter_of_the_later_time(place: &dyn Place) {
    let sink = open(place).await;
    let early = letter("l1", "run-1", "past", 1, 10);
    let late = letter("l1", "run-1", "past", 1, 20);
    let mut failing = batch(Vec::new());
    failing.failures = vec![early.clone(), late.clone(), early];
    sink.write(failing.into()).await.unwrap();
    assert_eq!(sink.failures(FailureFilter::default()).await.unwrap(), [late]);
}
