//! Schedules and their ticks: who comes first decides, and a run stands with its tick.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::sync::Arc;

use watershed_model::{KnownTick, Millis, RunRow, RunState, ScheduleKey, Skipped, Tick, TickState};
use watershed_sink::{Decision, Sink};

use crate::Place;
use crate::scenario::{open, run_row};

fn key(schedule: &str) -> ScheduleKey {
    let schedule = schedule.to_owned();
    ScheduleKey { workflow: "nightly".to_owned(), connection: "acme".into(), schedule }
}

fn tick(due_at: i64, state: TickState) -> Tick {
    let skipped = state == TickState::Skipped;
    Tick {
        key: key("0 2 * * * UTC"),
        due_at: Millis(due_at),
        state,
        why: skipped.then_some(Skipped::Missed),
        run: (state == TickState::Run).then(|| format!("r{due_at}").into()),
        at: Millis(due_at + 1),
    }
}

fn run_of(due_at: i64) -> RunRow {
    run_row(&format!("r{due_at}"), "acme", RunState::Running, due_at)
}

async fn decide(sink: &Arc<dyn Sink>, ticks: Vec<Tick>, queued: bool) -> bool {
    let last = ticks.last().expect("a tick");
    let run = (last.state == TickState::Run).then(|| run_of(last.due_at.0));
    let decision = Decision { key: last.key.clone(), ticks, queued, run };
    sink.decide(decision).await.unwrap()
}

async fn newest(sink: &Arc<dyn Sink>) -> Vec<Tick> {
    let ticks = sink.ticks("nightly".to_owned(), "acme".into(), 9).await.unwrap();
    ticks.into_iter().map(|known| known.tick).collect()
}

async fn open_ticks(sink: &Arc<dyn Sink>) -> Vec<(i64, TickState, Option<RunState>)> {
    let open = sink.open_ticks("nightly".to_owned(), "acme".into()).await.unwrap();
    assert!(open.iter().all(KnownTick::is_open));
    open.into_iter().map(|known| (known.tick.due_at.0, known.tick.state, known.run)).collect()
}

pub async fn a_schedule_is_due_from_when_it_was_first_seen_and_on_from_what_is_decided(
    place: &dyn Place,
) {
    let sink = open(place).await;
    let until = async |schedule, now| sink.decided_until(key(schedule), Millis(now)).await.unwrap();
    assert_eq!(until("0 2 * * * UTC", 1_000).await, Millis(1_000));
    assert_eq!(until("0 2 * * * UTC", 9_000).await, Millis(1_000), "it is not new any more");
    assert_eq!(until("0 3 * * * UTC", 9_000).await, Millis(9_000), "another one is");
    decide(&sink, vec![tick(3_000, TickState::Skipped), tick(5_000, TickState::Run)], false).await;
    assert_eq!(until("0 2 * * * UTC", 9_999).await, Millis(5_000));
    // One that was slow does not set it back.
    decide(&sink, vec![tick(3_000, TickState::Skipped)], false).await;
    assert_eq!(until("0 2 * * * UTC", 9_999).await, Millis(5_000));
    assert_eq!(until("0 3 * * * UTC", 9_999).await, Millis(9_000));
}

pub async fn of_several_who_decide_a_tick_the_first_one_does(place: &dyn Place) {
    let sinks = [open(place).await, open(place).await];
    for due_at in 1..=30 {
        let deciding =
            |which: usize, state| decide(&sinks[which], vec![tick(due_at, state)], false);
        let (run, skipped) =
            tokio::join!(deciding(0, TickState::Run), deciding(1, TickState::Skipped));
        assert!(run != skipped, "one of them decides, and the other is told");
        let state = if run { TickState::Run } else { TickState::Skipped };
        assert_eq!(newest(&sinks[0]).await[0], tick(due_at, state));
        let row = sinks[1].run(format!("r{due_at}").as_str().into()).await.unwrap();
        assert_eq!(row.is_some(), run, "a run stands only where its tick does");
    }
}

pub async fn a_run_that_is_there_stays_as_it_is(place: &dyn Place) {
    let sink = open(place).await;
    let complete = RunRow { state: RunState::Complete, ..run_of(7) };
    sink.put_run(complete.clone()).await.unwrap();
    assert!(decide(&sink, vec![tick(7, TickState::Run)], false).await);
    assert_eq!(sink.run("r7".into()).await.unwrap(), Some(complete));
    assert_eq!(open_ticks(&sink).await, []);
}

pub async fn what_is_queued_is_freed_once(place: &dyn Place) {
    let sink = open(place).await;
    assert!(!decide(&sink, vec![tick(4, TickState::Run)], true).await, "nothing is queued");
    assert!(decide(&sink, vec![tick(4, TickState::Queued)], false).await);
    assert!(!decide(&sink, vec![tick(4, TickState::Run)], false).await, "it is decided");
    assert_eq!(sink.run("r4".into()).await.unwrap(), None);
    assert!(decide(&sink, vec![tick(4, TickState::Run)], true).await);
    assert!(!decide(&sink, vec![tick(4, TickState::Skipped)], true).await);
    assert_eq!(newest(&sink).await, [tick(4, TickState::Run)]);
    assert!(sink.run("r4".into()).await.unwrap().is_some());
}

pub async fn ticks_are_open_while_they_wait_or_their_runs_have_not_ended(place: &dyn Place) {
    let sink = open(place).await;
    let states = [TickState::Run, TickState::Run, TickState::Skipped, TickState::Queued];
    for (due_at, state) in (1..).zip(states) {
        decide(&sink, vec![tick(due_at, state)], false).await;
    }
    let other = Tick {
        key: ScheduleKey { connection: "globex".into(), ..key("x") },
        ..tick(1, TickState::Queued)
    };
    decide(&sink, vec![other], false).await;
    let running = Some(RunState::Running);
    let waits = (4, TickState::Queued, None);
    let both = [(1, TickState::Run, running), (2, TickState::Run, running), waits];
    assert_eq!(open_ticks(&sink).await, both);
    for (state, is_open) in [
        (RunState::Paused, true),
        (RunState::Cancelling, true),
        (RunState::Failed, false),
        (RunState::Cancelled, false),
        (RunState::Complete, false),
    ] {
        sink.put_run(RunRow { state, ..run_of(1) }).await.unwrap();
        assert_eq!(open_ticks(&sink).await.len(), 2 + usize::from(is_open), "{state:?}");
    }
    assert_eq!(newest(&sink).await.len(), 4);
    let two = sink.ticks("nightly".to_owned(), "acme".into(), 2).await.unwrap();
    let due: Vec<i64> = two.iter().map(|known| known.tick.due_at.0).collect();
    assert_eq!(due, [4, 3], "newest first");
}

pub async fn a_decision_that_fails_leaves_neither_tick_nor_run(place: &dyn Place) {
    let sink = open(place).await;
    sink.decided_until(key("0 2 * * * UTC"), Millis(0)).await.unwrap();
    // A skipped tick says why.
    let wrong = Tick { why: None, ..tick(2, TickState::Skipped) };
    let ticks = vec![tick(1, TickState::Run), wrong];
    let (key, run) = (key("0 2 * * * UTC"), Some(run_of(1)));
    let refused = sink.decide(Decision { key: key.clone(), ticks, queued: false, run }).await;
    assert!(refused.is_err());
    assert_eq!(newest(&sink).await, []);
    assert_eq!(sink.run("r1".into()).await.unwrap(), None);
    assert_eq!(sink.decided_until(key, Millis(9)).await.unwrap(), Millis(0));
}
