//! A record that cannot be stored: all others are, and it is told.

mod common;
#[path = "common/run.rs"]
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};
use watershed_engine::{
    Answered, Answering, Call, Clock as _, Ending, Engine, LOOK_MS, Parts, SystemClock, Transport,
    WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::MemoryLedger;
use watershed_model::{CoverageState, RunId, RunState, WorkerName};
use watershed_sink::{CoverageCount, CoverageFilter, FailureFilter, Sink as _, SqliteSink};

const WORKFLOW: &str = r#"
name: people
defaults: { retry: { attempts: 3, backoff: 1s..1s, jitter: none } }
steps:
  users:
    use: zoom.list_users
    with: { status: active }
  details:
    for_each: users
    as: user
    use: zoom.get_user
    with: { user_id: "${{ user.id }}" }
"#;

/// Three people on two pages. One on the first page has no id until the account is well.
#[derive(Default)]
struct Account {
    well: AtomicBool,
    first_pages: AtomicU32,
}

impl Account {
    fn answer(&self, url: &url::Url) -> Value {
        let Some(("users", user)) = url.path().trim_start_matches("/v2/").split_once('/') else {
            if url.query().unwrap_or_default().contains("next_page_token=p2") {
                return json!({ "users": [{ "id": "c" }], "next_page_token": "" });
            }
            self.first_pages.fetch_add(1, Ordering::SeqCst);
            let id = if self.well.load(Ordering::SeqCst) { json!("b") } else { Value::Null };
            return json!({ "users": [{ "id": "a" }, { "id": id }], "next_page_token": "p2" });
        };
        json!({ "id": user, "email": format!("{user}@example.com") })
    }
}

impl Transport for Account {
    fn send(&self, call: Call) -> Answering<'_> {
        let body = match call {
            Call::Token { .. } => json!({
                "access_token": "t", "expires_in": 3600, "token_type": "bearer",
                "scope": "user:read:list_users:admin user:read:user:admin",
            }),
            Call::Get { url, .. } => self.answer(&url),
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answered = Answered { status: 200, headers, body: body.to_string().into() };
        Box::pin(async move { Ok(answered) })
    }
}

#[tokio::test]
async fn the_others_are_stored_and_it_is_a_dead_letter_that_can_be_retried() {
    let clock = Arc::new(SystemClock);
    let account = Arc::new(Account::default());
    let catalogue = watershed_zoom::catalogue();
    let sink = Arc::new(SqliteSink::in_memory(catalogue).await.expect("a sink"));
    let read = clock.clone();
    let engine = Engine::new(Parts {
        ledger: Arc::new(MemoryLedger::new(Arc::new(move || read.now()))),
        sink: sink.clone(),
        files: Arc::new(MemoryFiles::default()),
        transport: account.clone(),
        clock: clock.clone(),
        catalogue,
        connections: vec![common::connection(
            Some("http://127.0.0.1:1/v2"),
            "http://127.0.0.1:1/oauth/token",
        )],
    });
    let id = RunId::from("run");
    engine.submit(run::request(WORKFLOW, &id, clock.now())).await.expect("it begins");

    let rows = |standing: &watershed_engine::Standing| {
        let of = |dataset: &str| standing.report.rows.get(dataset).copied().unwrap_or(0);
        (of("users"), of("user_details"))
    };
    let lists = async || {
        let filter = CoverageFilter {
            operation: Some("zoom.list_users".into()),
            ..CoverageFilter::default()
        };
        let lines = sink.coverage_counts(filter).await.expect("a sink");
        // What no list shows is a line of its own.
        let of = |line: &&CoverageCount| line.state != CoverageState::Unavailable;
        let [line] = lines.iter().filter(of).collect::<Vec<_>>()[..] else { panic!("{lines:?}") };
        (line.state, line.rows, line.reason.clone())
    };

    let standing = ended(&engine, &id).await;
    assert_eq!((standing.report.exit, rows(&standing)), (Some(3), (2, 2)));
    assert_eq!(account.first_pages.load(Ordering::SeqCst), 2, "it was asked for once more");
    let told = "a record cannot be stored: users[1] has nothing to identify it by";
    assert_eq!(lists().await, (CoverageState::Failed, 2, Some(told.to_owned())));
    let letters = sink.failures(FailureFilter::default()).await.expect("a sink");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.verdict.as_str(), letter.message.as_str()), ("unfit", told));
    assert_eq!(letter.step, "users");

    account.well.store(true, Ordering::SeqCst);
    assert_eq!(engine.retry(&id, FailureFilter::default()).await.expect("it is put back"), 1);
    let standing = ended(&engine, &id).await;
    assert_eq!((standing.report.exit, rows(&standing)), (Some(0), (3, 3)));
    assert_eq!(lists().await, (CoverageState::Complete, 3, None));
    assert_eq!(sink.failures(FailureFilter::default()).await.expect("a sink"), []);
}

async fn ended(engine: &Engine, run: &RunId) -> watershed_engine::Standing {
    let settings = WorkerSettings {
        name: WorkerName::default(),
        concurrency: 4,
        lease_ms: 15_000,
        shutdown_grace_ms: 1_000,
        alone: true,
        look_ms: LOOK_MS,
        wait_until: None,
    };
    let (_handle, never) = stop();
    let ending = engine.work(Some(run), settings, never).await.expect("it works");
    assert_eq!(ending, Ending::Run(RunState::Complete));
    engine.standing(run).await.expect("the stores").expect("it is known")
}
