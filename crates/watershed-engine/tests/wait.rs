//! Answers that are not there yet: left to a later run, or waited for within this one.

#[path = "common/clock.rs"]
mod clock;
mod common;
#[path = "common/run.rs"]
mod run;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watershed_engine::{
    Answered, Answering, Call, Clock, Ending, Engine, LOOK_MS, Parts, Standing, Transport,
    TransportError, WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger};
use watershed_model::{CoverageState, Millis, RunId, RunState, WorkerName};
use watershed_sink::SqliteSink;

use clock::LaterClock;

const WORKFLOW: &str = r#"
name: attendance
steps:
  instances:
    use: zoom.list_past_instances
    with: { meeting_id: "1" }
  held:
    for_each: instances
    as: instance
    use: zoom.get_past_meeting
    with: { uuid: "${{ instance.uuid }}" }
  participants:
    for_each: held
    as: past
    use: zoom.report_participants
    with: { uuid: "${{ past.uuid }}", ended_at: "${{ past.end_time }}" }
"#;

/// One meeting, ended ten minutes ago, whose attendance comes a quarter of an hour later.
struct Account {
    clock: Arc<LaterClock>,
    ended_at: Millis,
    /// After the first answer nobody answers before this.
    away_until: Millis,
}

impl Account {
    fn answer(&self, path: &str) -> (u16, Value) {
        let at = |ms: i64| (self.ended_at + ms).to_string();
        if path.starts_with("/v2/past_meetings/1/instances") {
            let meeting = json!({ "uuid": "U==", "start_time": at(-3_600_000) });
            return (200, json!({ "meetings": [meeting] }));
        }
        if path.starts_with("/v2/past_meetings/") {
            let held = json!({
                "uuid": "U==", "id": 1, "start_time": at(-3_600_000), "end_time": at(0),
                "participants_count": 2,
            });
            return (200, held);
        }
        assert!(path.starts_with("/v2/report/meetings/"), "{path}");
        if self.clock.now() < self.ended_at + 15 * 60_000 {
            return (404, json!({ "code": 3001, "message": "Meeting does not exist: U==." }));
        }
        let (joined, left) = (at(-60_000), at(0));
        let stay = |name: &str| {
            let times = (&joined, &left);
            json!({ "name": name, "join_time": times.0, "leave_time": times.1, "duration": 60 })
        };
        (200, json!({ "participants": [stay("Ada"), stay("Ben")], "next_page_token": "" }))
    }
}

impl Transport for Account {
    fn send(&self, call: Call) -> Answering<'_> {
        let (status, body) = match call {
            Call::Token { .. } => (
                200,
                json!({
                    "access_token": "t", "expires_in": 3600, "token_type": "bearer",
                    "scope": "meeting:read:list_past_instances:admin \
                              meeting:read:past_meeting:admin \
                              report:read:list_meeting_participants:admin",
                }),
            ),
            Call::Get { url, .. } => {
                let first = url.path().ends_with("/instances");
                if !first && self.clock.now() < self.away_until {
                    let host = "127.0.0.1".to_owned();
                    return Box::pin(async move { Err(TransportError::Timeout { host }) });
                }
                self.answer(url.path())
            }
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answered = Answered { status, headers, body: body.to_string().into() };
        Box::pin(async move { Ok(answered) })
    }
}

/// Runs the workflow to its end; whenever nothing but waiting is left, so much time passes.
async fn run(wait_ms: Option<i64>) -> Standing {
    run_with(wait_ms, 0, 0).await
}

/// The same, with an account that is away for so long; so much time passes at least at once.
async fn run_with(wait_ms: Option<i64>, away_ms: i64, stride_ms: i64) -> Standing {
    let clock = Arc::new(LaterClock::default());
    let read = clock.clone();
    let ledger = Arc::new(MemoryLedger::new(Arc::new(move || read.now())));
    let connection =
        common::connection(Some("http://127.0.0.1:1/v2"), "http://127.0.0.1:1/oauth/token");
    let catalogue = watershed_zoom::catalogue();
    let engine = Engine::new(Parts {
        ledger: ledger.clone(),
        sink: Arc::new(SqliteSink::in_memory(catalogue).await.expect("a sink")),
        files: Arc::new(MemoryFiles::default()),
        transport: Arc::new(Account {
            clock: clock.clone(),
            ended_at: clock.now() + -600_000,
            away_until: clock.now() + away_ms,
        }),
        clock: clock.clone(),
        catalogue,
        connections: vec![connection],
    });
    let id = RunId::from("run");
    engine.submit(run::request(WORKFLOW, &id, clock.now())).await.expect("it begins");
    let settings = WorkerSettings {
        name: WorkerName::default(),
        concurrency: 4,
        lease_ms: 15_000,
        shutdown_grace_ms: 1_000,
        alone: true,
        look_ms: LOOK_MS,
        wait_until: wait_ms.map(|ms| clock.now() + ms),
    };
    let (_handle, never) = stop();
    let work = engine.work(Some(&id), settings, never);
    tokio::pin!(work);
    loop {
        tokio::select! {
            ending = &mut work => {
                assert_eq!(ending.expect("it ends"), Ending::Run(RunState::Complete));
                return engine.standing(&id).await.expect("the stores").expect("it is known");
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                let view = ledger.run(&id).await.expect("a ledger").expect("it is known");
                let ahead = view.next_at.map_or(0, |at| at - clock.now());
                if ahead > 0 {
                    clock.pass(ahead.min(60_000).max(stride_ms));
                }
            }
        }
    }
}

fn reports(standing: &Standing) -> (CoverageState, u64) {
    let of = |c: &&watershed_sink::CoverageCount| c.operation == "zoom.report_participants".into();
    let [count] = standing.coverage.iter().filter(of).collect::<Vec<_>>()[..] else {
        panic!("{:?}", standing.coverage)
    };
    (count.state, count.rows)
}

#[tokio::test]
async fn what_is_not_there_yet_is_left_to_a_later_run() {
    let standing = run(None).await;
    assert_eq!(standing.report.exit, Some(0));
    assert_eq!(reports(&standing), (CoverageState::Waiting, 0));
    assert_eq!(standing.report.calls.spent, 3);
    assert_eq!(standing.report.waits[0].count, 1);
}

#[tokio::test]
async fn waited_for_it_is_asked_again_within_the_run() {
    let standing = run(Some(3_600_000)).await;
    assert_eq!(standing.report.exit, Some(0));
    assert_eq!(reports(&standing), (CoverageState::Complete, 2));
    assert_eq!(standing.report.calls.spent, 4);
    assert_eq!(standing.report.calls.least, 3);
    assert_eq!(standing.report.calls.repeated, [("not_yet".to_owned(), 1)].into());
    assert!(standing.report.waits.is_empty(), "{:?}", standing.report.waits);
}

#[tokio::test]
async fn what_would_come_after_the_wait_is_left_to_a_later_run() {
    let standing = run(Some(60_000)).await;
    assert_eq!(reports(&standing), (CoverageState::Waiting, 0));
    assert_eq!(standing.report.calls.spent, 3);
}

#[tokio::test]
async fn an_account_that_is_away_for_more_than_five_minutes_costs_no_dead_letter() {
    let standing = run_with(None, 320_000, 0).await;
    assert_eq!(standing.report.exit, Some(0));
    assert_eq!(reports(&standing), (CoverageState::Complete, 2));
    assert!(standing.report.calls.repeated["transport"] > 8, "{:?}", standing.report.calls);
}

#[tokio::test]
async fn an_operation_that_alone_is_never_answered_is_a_dead_letter_after_an_hour() {
    let standing = run_with(None, 48 * 3_600_000, 300_000).await;
    assert_eq!(standing.report.exit, Some(3));
    let held = standing.report.steps.iter().find(|step| step.step == "held").expect("a step");
    assert_eq!((held.done, held.failed), (0, 1));
    let view = standing.view.expect("the ledger knows it");
    let took = view.ended_at.expect("it has ended") - view.submitted_at;
    assert!((3_600_000..3 * 3_600_000).contains(&took), "{took} ms");
}
