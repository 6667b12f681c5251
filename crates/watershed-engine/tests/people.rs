//! Who is left out is known before anything is asked that could name him.

mod common;
#[path = "common/run.rs"]
mod run;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use watershed_engine::{
    Answered, Answering, Call, Clock, Ending, Engine, LOOK_MS, Parts, SystemClock, Transport,
    WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::MemoryLedger;
use watershed_model::{CoverageState, RunId, RunState, WorkerName};
use watershed_sink::{CoverageFilter, FailureFilter, Sink, SqliteSink};
use watershed_zoom::people::{Agreed, Choice};

const WORKFLOW: &str = r#"
name: lists
steps:
  users:
    for_each: [active, inactive]
    as: status
    use: zoom.list_users
    with: { status: "${{ status }}" }
    retry: { attempts: 1 }
  meetings:
    for_each: users
    as: user
    use: zoom.list_meetings
    with: { user_id: "${{ user.id }}", type: scheduled }
"#;

/// Bob is active and meets Ada, who is not: of her the account tells late, or not at all.
#[derive(Default)]
struct Account {
    away: AtomicBool,
    asked: Mutex<Vec<String>>,
}

impl Account {
    fn answer(&self, path: &str, query: &str) -> (u16, Value) {
        match path {
            "/v2/users" if query.contains("status=inactive") => {
                if self.away.load(Ordering::SeqCst) {
                    return (400, json!({ "code": 300, "message": "no" }));
                }
                let ada = json!({
                    "id": "KdYKjnimT4KPd8FFgQt9FQ", "email": "ada@example.com", "dept": "Board",
                    "first_name": "Ada", "last_name": "Lovelace",
                });
                (200, json!({ "users": [ada], "next_page_token": "" }))
            }
            "/v2/users" => {
                let bob = json!({ "id": "bob_", "email": "bob@example.com", "dept": "Sales" });
                (200, json!({ "users": [bob], "next_page_token": "" }))
            }
            "/v2/users/bob_/meetings" => {
                let meeting =
                    json!({ "id": 1, "host_id": "bob_", "topic": "Bob and Ada Lovelace" });
                (200, json!({ "meetings": [meeting], "next_page_token": "" }))
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}

/// A transport that all who hold it share.
#[derive(Clone, Default)]
struct Shared(Arc<Account>);

impl Transport for Shared {
    fn send(&self, call: Call) -> Answering<'_> {
        let (wait, (status, body)) = match call {
            Call::Token { .. } => {
                let scope = "user:read:list_users:admin meeting:read:list_meetings:admin";
                let token = json!({
                    "access_token": "t", "expires_in": 3600, "token_type": "bearer", "scope": scope,
                });
                (0, (200, token))
            }
            Call::Get { url, .. } => {
                let (path, query) = (url.path(), url.query().unwrap_or_default());
                self.0.asked.lock().expect("a list").push(format!("{path}?{query}"));
                let late = if query.contains("status=inactive") { 300 } else { 0 };
                (late, self.0.answer(path, query))
            }
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answered = Answered { status, headers, body: body.to_string().into() };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok(answered)
        })
    }
}

struct Scene {
    account: Arc<Account>,
    sink: Arc<SqliteSink>,
    engine: Engine,
    id: RunId,
}

async fn scene(account: Shared) -> Scene {
    let mut connection =
        common::connection(Some("http://127.0.0.1:1/v2"), "http://127.0.0.1:1/oauth/token");
    let choice = Choice::new(&[], &["dept:Board".to_owned()]).expect("a choice");
    connection.agreed = Agreed::new(choice, b"a key").map(Arc::new);
    let catalogue = watershed_zoom::catalogue();
    let sink = Arc::new(SqliteSink::in_memory(catalogue).await.expect("a sink"));
    let engine = Engine::new(Parts {
        ledger: Arc::new(MemoryLedger::new(Arc::new(|| SystemClock.now()))),
        sink: sink.clone(),
        files: Arc::new(MemoryFiles::default()),
        transport: Arc::new(account.clone()),
        clock: Arc::new(SystemClock),
        catalogue,
        connections: vec![connection],
    });
    let id = RunId::from("run");
    let request = run::request(WORKFLOW, &id, SystemClock.now());
    engine.submit(request).await.expect("it begins");
    Scene { account: account.0, sink, engine, id }
}

impl Scene {
    async fn run(&self) {
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
        let ending = self.engine.work(Some(&self.id), settings, never).await;
        assert_eq!(ending.expect("it ends"), Ending::Run(RunState::Complete));
    }

    fn asked(&self) -> Vec<String> {
        self.account.asked.lock().expect("a list").clone()
    }

    async fn topics(&self) -> Vec<String> {
        let rows = self.sink.rows("meetings".to_owned(), None, 9).await.expect("rows");
        rows.iter().filter_map(|row| Some(row.record["topic"].as_str()?.to_owned())).collect()
    }
}

#[tokio::test]
async fn nobody_is_asked_about_before_all_lists_of_users_are_read() {
    let scene = scene(Shared::default()).await;
    scene.run().await;
    let asked = scene.asked();
    let lists = asked.iter().filter(|path| path.starts_with("/v2/users?")).count();
    assert_eq!(lists, 2, "each list is read once: {asked:?}");
    assert!(asked[2].starts_with("/v2/users/bob_/meetings?"), "{asked:?}");
    assert_eq!(asked.len(), 3, "{asked:?}");
    let [topic] = &scene.topics().await[..] else { panic!("one meeting") };
    assert!(topic.starts_with("Bob and hmac:"), "{topic}");
    let filter = CoverageFilter { state: Some(CoverageState::Excluded), ..Default::default() };
    let told = scene.sink.coverage(filter, None, 9).await.expect("coverage");
    assert_eq!(told.len(), 1);
    assert!(told[0].subject.as_str().contains("hmac:"), "{}", told[0].subject.as_str());
}

#[tokio::test]
async fn where_a_list_cannot_be_read_nobody_is_asked_about_until_it_can() {
    let shared = Shared::default();
    shared.0.away.store(true, Ordering::SeqCst);
    let scene = scene(shared).await;
    scene.run().await;
    assert_eq!(scene.topics().await, [""; 0]);
    let letters = scene.sink.failures(FailureFilter::default()).await.expect("letters");
    let mut why: Vec<&str> = letters.iter().map(|letter| letter.verdict.as_str()).collect();
    why.sort_unstable();
    assert_eq!(why, ["dead", "people"]);

    scene.account.away.store(false, Ordering::SeqCst);
    scene.engine.retry(&scene.id, FailureFilter::default()).await.expect("it is put back");
    scene.run().await;
    assert_eq!(scene.sink.failures(FailureFilter::default()).await.expect("letters"), []);
    let [topic] = &scene.topics().await[..] else { panic!("one meeting") };
    assert!(topic.starts_with("Bob and hmac:"), "{topic}");
}
