//! What webhooks brought becomes branches of the day's run, each once.

#[path = "common/clock.rs"]
mod clock;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use watershed_engine::{
    Answered, Answering, Call, Clock, Connection, Engine, Events, LOOK_MS, Parts, SystemClock,
    Transport, WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger, RunView};
use watershed_model::{
    AccountId, ConnectionName, EventKey, InboxEvent, Kin, Millis, RunId, RunState, WorkerName,
};
use watershed_sink::{Error, Inbox, InboxCount, Pending, Sink, SqliteSink, Taken, Waiting};
use watershed_workflow::{Program, RunContext, compile, resolve_inputs};
use watershed_zoom::people::{Agreed, Choice};
use watershed_zoom::webhook;

use clock::LaterClock;

const WORKFLOW: &str = include_str!("../../../workflows/zoom-event.yaml");
const SCOPES: &str = "user:read:user:admin user:read:settings:admin meeting:read:meeting:admin \
                      meeting:read:past_meeting:admin report:read:list_meeting_participants:admin \
                      cloud_recording:read:list_recording_files:admin \
                      cloud_recording:read:list_user_recordings:admin";
/// 2026-11-29, noon.
const NOON: Millis = Millis(1_795_953_600_000);
const MINUTE: i64 = 60_000;

/// The steps that each event has a branch of.
const WORKED_ON: &str = "
meeting.started:
meeting.ended: held
meeting.created: meeting_details
meeting.updated: meeting_details
meeting.deleted: meetings_gone
meeting.participant_joined:
meeting.participant_left:
meeting.aic_transcript_completed:
recording.started:
recording.paused:
recording.resumed:
recording.stopped:
recording.completed: recordings
recording.transcript_completed: recordings
recording.renamed: recordings
recording.trashed: trash
recording.recovered: recordings
recording.deleted: recordings_gone
recording.batch_trashed:
recording.batch_recovered: recordings
recording.batch_deleted: recordings_gone
user.created: user_details user_settings
user.updated: user_details
user.activated: user_details
user.deactivated: user_details
user.deleted: users_gone
user.disassociated: users_gone
user.settings_updated: user_settings
";
const WAIT_MAX: Duration = Duration::from_secs(60);

fn events(inbox: Arc<dyn Inbox>) -> Events {
    let compiled = compile("zoom-event.yaml", WORKFLOW, &watershed_zoom::catalogue())
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let (plan, hash) = (compiled.plan.into(), compiled.hash);
    Events { inbox, source: WORKFLOW.into(), plan, hash }
}

/// The sample of an event, as the inbox keeps it.
fn sample(name: &str, at: Millis) -> InboxEvent {
    let account = AccountId::from("account");
    event(&webhook::sample(name, &account, at).expect("it is known"), at)
}

fn event(body: &Value, at: Millis) -> InboxEvent {
    let signer = webhook::Signer::new(b"secret");
    let text = body.to_string();
    let timestamp = (at.0 / 1_000).to_string();
    let signature = signer.sign(&timestamp, text.as_bytes());
    let desk = webhook::Desk { signer, account: "account".into(), redacted: false, agreed: None };
    let heads = webhook::Heads { timestamp: &timestamp, signature: &signature };
    let Ok(webhook::Received::Event(event)) = desk.receive(heads, text.as_bytes(), at) else {
        panic!("it is an event")
    };
    InboxEvent {
        connection: "acme".into(),
        key: event.key,
        event: event.name,
        event_at: event.at,
        received_at: at,
        body: event.body,
    }
}

#[test]
fn each_event_is_worked_on_by_the_steps_that_are_for_it() {
    let catalogue = watershed_zoom::catalogue();
    let plan = compile("zoom-event.yaml", WORKFLOW, &catalogue).expect("it is good").plan;
    let day: jiff::civil::Date = "2026-11-29".parse().expect("a day");
    let run = RunContext {
        connection: "acme".into(),
        inputs: resolve_inputs(&plan, &BTreeMap::new(), day).expect("its own defaults"),
        granted: catalogue.operations.iter().map(|o| o.id.to_owned()).collect(),
    };
    let program = Program::new(Arc::new(plan), &catalogue).expect("it is known");
    let (listens, _) = program.plan().step_named("events").expect("it listens");
    let steps = |name: &str| -> String {
        let mut found = BTreeSet::new();
        for item in webhook::items(&sample(name, NOON)) {
            let expanded = program.expand(&run, listens, "[]", &item).expect("it expands");
            for kin in expanded.broods.into_iter().flat_map(|brood| brood.kin) {
                let Kin::Task(child) = kin else { panic!("there are no joins") };
                found.insert(program.plan().step(child.step).name.clone());
            }
        }
        found.into_iter().collect::<Vec<_>>().join(" ")
    };
    let told: Vec<String> = webhook::EVENTS
        .iter()
        .map(|row| format!("{}: {}", row.name, steps(row.name)).trim_end().to_owned())
        .collect();
    assert_eq!(told.join("\n"), WORKED_ON.trim());
}

/// An account that has everything that it is asked for, and remembers what that was.
#[derive(Default)]
struct Account(Mutex<Vec<String>>);

impl Account {
    fn asked(&self) -> Vec<String> {
        self.0.lock().expect("unbroken").clone()
    }

    fn answer(&self, path: &str) -> Value {
        self.0.lock().expect("unbroken").push(path.to_owned());
        let id = path.rsplit('/').next().unwrap_or_default();
        if path.starts_with("/v2/past_meetings/") {
            return json!({ "uuid": "u", "id": 1, "participants_count": 1 });
        }
        if id == "settings" {
            return json!({ "schedule_meeting": { "host_video": true } });
        }
        json!({ "id": id, "status": "active" })
    }
}

impl Transport for Account {
    fn send(&self, call: Call) -> Answering<'_> {
        let body = match call {
            Call::Token { .. } => json!({
                "access_token": "t", "expires_in": 3600, "token_type": "bearer", "scope": SCOPES,
            }),
            Call::Get { url, .. } => self.answer(url.path()),
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answered = Answered { status: 200, headers, body: body.to_string().into() };
        Box::pin(async move { Ok(answered) })
    }
}

/// An inbox that does not take so many acknowledgements.
struct Forgetful {
    inner: Arc<SqliteSink>,
    left: AtomicU32,
}

impl Inbox for Forgetful {
    fn keep(
        &self,
        events: Vec<InboxEvent>,
        erased: BTreeMap<ConnectionName, u64>,
    ) -> Pending<'_, Vec<Taken>> {
        self.inner.keep(events, erased)
    }

    fn waiting(
        &self,
        connection: ConnectionName,
        after: Option<i64>,
        limit: u32,
    ) -> Pending<'_, Vec<Waiting>> {
        self.inner.waiting(connection, after, limit)
    }

    fn done(&self, connection: ConnectionName, keys: Vec<EventKey>, at: Millis) -> Pending<'_, ()> {
        let left = self.left.load(Ordering::SeqCst);
        if left > 0 {
            self.left.store(left - 1, Ordering::SeqCst);
            let path = "the inbox".into();
            return Box::pin(async { Err(Error::Io { path, source: "simulated".into() }) });
        }
        self.inner.done(connection, keys, at)
    }

    fn forget(&self, done_before: Millis, limit: u32) -> Pending<'_, u64> {
        self.inner.forget(done_before, limit)
    }

    fn backlog(&self) -> Pending<'_, Vec<InboxCount>> {
        self.inner.backlog()
    }
}

struct Stage {
    clock: Arc<LaterClock>,
    account: Arc<Account>,
    ledger: Arc<MemoryLedger>,
    sink: Arc<SqliteSink>,
    engine: Engine,
}

impl Stage {
    async fn new(acknowledgements_lost: u32) -> Stage {
        Stage::of(acknowledgements_lost, None).await
    }

    async fn of(acknowledgements_lost: u32, agreed: Option<Agreed>) -> Stage {
        let clock = Arc::new(LaterClock::default());
        clock.pass(NOON - SystemClock.now());
        let read = clock.clone();
        let ledger = Arc::new(MemoryLedger::new(Arc::new(move || read.now())));
        let catalogue = watershed_zoom::catalogue();
        let sink = Arc::new(SqliteSink::in_memory(catalogue).await.expect("a sink"));
        let account = Arc::new(Account::default());
        let left = AtomicU32::new(acknowledgements_lost);
        let inbox = Forgetful { inner: sink.clone(), left };
        let (api, token) = ("http://127.0.0.1:1/v2", "http://127.0.0.1:1/oauth/token");
        let connection = common::connection(Some(api), token);
        let engine = Engine::new(Parts {
            ledger: ledger.clone(),
            sink: sink.clone(),
            files: Arc::new(MemoryFiles::default()),
            transport: account.clone(),
            clock: clock.clone(),
            catalogue,
            connections: vec![Connection { agreed: agreed.map(Arc::new), ..connection }],
        });
        let engine = engine.with_events(events(Arc::new(inbox)));
        Stage { clock, account, ledger, sink, engine }
    }

    async fn comes(&self, events: Vec<InboxEvent>) {
        self.sink.keep(events, BTreeMap::new()).await.expect("it is kept");
    }

    /// Works, as `acts` goes on beside it.
    async fn works(&self, acts: impl AsyncFnOnce(&Stage)) {
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
        tokio::select! {
            ended = self.engine.work(None, settings, never) => panic!("it ended: {ended:?}"),
            () = acts(self) => {}
        }
    }

    async fn until(&self, what: &str, met: impl AsyncFn(&Stage) -> bool) {
        let end = std::time::Instant::now() + WAIT_MAX;
        while !met(self).await {
            assert!(std::time::Instant::now() < end, "{what}: {:?}", self.account.asked());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_read(&self) -> bool {
        self.sink.backlog().await.expect("an inbox").is_empty()
    }

    async fn view(&self) -> RunView {
        let run = RunId::from("zoom-event.acme.20261129");
        self.ledger.run(&run).await.expect("a ledger").expect("it is known")
    }
}

#[tokio::test]
async fn an_event_is_asked_about_and_done_with_and_the_run_stands_until_its_day_is_over() {
    let stage = Stage::new(0).await;
    assert_eq!(stage.engine.receive().await.expect("nothing waits"), []);
    stage.comes(vec![sample("user.created", NOON), sample("meeting.started", NOON)]).await;
    let begun = stage.engine.receive().await.expect("it begins");
    assert_eq!(begun, [RunId::from("zoom-event.acme.20261129")]);
    assert_eq!(stage.engine.receive().await.expect("it is there"), []);
    stage
        .works(async |stage| {
            stage.until("both calls", async |s| s.account.asked().len() == 2).await;
            stage.until("an empty inbox", Stage::is_read).await;
            let counts = stage.sink.counts("acme".into()).await.expect("counts");
            assert_eq!((counts["user_details"], counts["user_settings"]), (1, 1));
            let view = stage.view().await;
            assert_eq!(view.state, RunState::Running);
            assert!(view.waits.is_empty(), "it waits for nobody: {:?}", view.waits);

            stage.comes(vec![sample("user.updated", NOON + MINUTE)]).await;
            stage.until("the next one", async |s| s.account.asked().len() == 3).await;
            stage.until("an empty inbox", Stage::is_read).await;
            stage.clock.pass(12 * 60 * MINUTE);
            stage.until("its end", async |s| s.view().await.state == RunState::Complete).await;
        })
        .await;
    // The next event is the next day's.
    stage.comes(vec![sample("user.deleted", NOON)]).await;
    let begun = stage.engine.receive().await.expect("it begins");
    assert_eq!(begun, [RunId::from("zoom-event.acme.20261130")]);
}

#[tokio::test]
async fn what_lives_is_asked_again_for_each_event_and_an_event_that_comes_again_for_none() {
    let stage = Stage::new(0).await;
    let first = sample("user.updated", NOON);
    stage.comes(vec![first.clone()]).await;
    stage.engine.receive().await.expect("it begins");
    stage
        .works(async |stage| {
            stage.until("the first call", async |s| s.account.asked().len() == 1).await;
            stage.comes(vec![first, sample("user.updated", NOON + MINUTE)]).await;
            stage.until("the second call", async |s| s.account.asked().len() == 2).await;
            stage.until("an empty inbox", Stage::is_read).await;
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            assert_eq!(stage.account.asked().len(), 2);
        })
        .await;
}

#[tokio::test]
async fn an_event_whose_acknowledgement_is_lost_is_asked_about_once_all_the_same() {
    let stage = Stage::new(2).await;
    let events = (0..7).map(|n| sample("user.updated", NOON + n)).collect();
    stage.comes(events).await;
    stage.engine.receive().await.expect("it begins");
    stage
        .works(async |stage| {
            stage.until("all calls", async |s| s.account.asked().len() == 7).await;
            assert!(!stage.is_read().await, "nobody has taken the acknowledgement");
            // The store that was away is asked again after five seconds.
            for _ in 0..2 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                stage.clock.pass(6_000);
            }
            stage.until("an empty inbox", Stage::is_read).await;
            assert_eq!(stage.account.asked().len(), 7);
        })
        .await;
}

#[tokio::test]
async fn a_meeting_that_has_just_ended_is_asked_about_a_quarter_of_an_hour_later() {
    let stage = Stage::new(0).await;
    stage.comes(vec![sample("meeting.ended", NOON)]).await;
    stage.engine.receive().await.expect("it begins");
    stage
        .works(async |stage| {
            stage.until("an empty inbox", Stage::is_read).await;
            let waits = async |s: &Stage| s.view().await.waits.iter().any(|w| w.count == 1);
            stage.until("that it waits", waits).await;
            stage.clock.pass(14 * MINUTE);
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(stage.account.asked(), Vec::<String>::new());
            stage.clock.pass(MINUTE);
            stage.until("the call", async |s| s.account.asked().len() == 1).await;
        })
        .await;
}

#[tokio::test]
async fn more_events_than_fit_one_page_are_each_asked_about() {
    let stage = Stage::new(0).await;
    stage.comes((0..250).map(|n| sample("user.updated", NOON + n)).collect()).await;
    stage.engine.receive().await.expect("it begins");
    stage
        .works(async |stage| {
            stage.until("all calls", async |s| s.account.asked().len() == 250).await;
            stage.until("an empty inbox", Stage::is_read).await;
        })
        .await;
}

#[tokio::test]
async fn where_the_customer_chose_people_events_are_left_to_the_lists_of_users() {
    let choice = Choice::new(&["dept:Sales".to_owned()], &[]).expect("a choice");
    let stage = Stage::of(0, Agreed::new(choice, &[7; 32])).await;
    stage.comes((0..250).map(|n| sample("user.updated", NOON + n)).collect()).await;
    assert_eq!(stage.engine.receive().await.expect("no run"), []);
    assert!(stage.is_read().await);
    assert_eq!(stage.account.asked(), Vec::<String>::new());
}
