//! The shipped backfill by the real engine in this process, on a sink with a bug in it.

use std::path::Path;
use std::sync::Arc;

use watershed_engine::{
    Clock, Connection, Content, Credentials, Ending, Engine, HttpTransport, LOOK_MS, Parts,
    Request, SystemClock, WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::{Ledger, MemoryLedger};
use watershed_model::{Limits, RunId, RunState, Trigger, WorkerName};
use watershed_sink::SqliteSink;
use watershed_tests::{Account, root};
use watershed_workflow::{compile, resolve_inputs};

use crate::sink::{Plant, Planted};

const WORKFLOW: &str = "workflows/zoom-backfill.yaml";

/// Backfills the account into the file at `path`. The process dies in the write of each of
/// these batches, counted from the last death on, and its like goes on: the ledger and what
/// the file has survive.
pub(crate) async fn backfill(account: &Account, path: &Path, plant: Option<Plant>, deaths: &[u64]) {
    let catalogue = watershed_zoom::catalogue();
    let file = Arc::new(SqliteSink::open(path, catalogue).await.expect("a new dataset"));
    let ledger = Arc::new(MemoryLedger::new(Arc::new(|| SystemClock.now())));
    for at in deaths {
        let sink = Arc::new(Planted::new(file.clone(), plant, Some(*at)));
        let ended = process(account, ledger.clone(), sink).await;
        if ended.is_some() {
            return;
        }
    }
    let sink = Arc::new(Planted::new(file, plant, None));
    let ended = process(account, ledger, sink.clone()).await;
    assert_eq!(ended, Some(Ending::Run(RunState::Complete)));
    sink.ends().await;
}

/// One process, until the run has ended; `None`: until it died.
async fn process(
    account: &Account,
    ledger: Arc<MemoryLedger>,
    sink: Arc<Planted>,
) -> Option<Ending> {
    let engine = engine(account, ledger, sink.clone());
    let run = submit(&engine).await;
    let settings = WorkerSettings {
        name: WorkerName::default(),
        concurrency: 8,
        lease_ms: 15_000,
        shutdown_grace_ms: 1_000,
        alone: true,
        look_ms: LOOK_MS,
        wait_until: None,
    };
    let (_handle, never) = stop();
    tokio::select! {
        ending = engine.work(Some(&run), settings, never) => {
            Some(ending.expect("the stores answer"))
        }
        () = sink.died() => None,
    }
}

fn engine(account: &Account, ledger: Arc<dyn Ledger>, sink: Arc<Planted>) -> Engine {
    let ready = |member: &str| account.ready(member).to_owned();
    let (id, client, secret) = (ready("account_id"), ready("client_id"), ready("client_secret"));
    let connection = Connection {
        delete_ceiling: 0.05,
        name: "default".into(),
        account: id.as_str().into(),
        credentials: Arc::new(move || {
            Ok(Credentials {
                account_id: id.as_str().into(),
                client_id: client.clone().into(),
                client_secret: secret.clone().into(),
            })
        }),
        api_url: Some(ready("api_url").parse().expect("a URL")),
        token_url: ready("token_url").parse().expect("a URL"),
        limits: Limits(Vec::new()).into(),
        content: Content::Transcripts,
        agreed: None,
        redact: watershed_zoom::redact::Rules::default(),
    };
    Engine::new(Parts {
        ledger,
        sink,
        files: Arc::new(MemoryFiles::default()),
        transport: Arc::new(HttpTransport::new().expect("TLS")),
        clock: Arc::new(SystemClock),
        catalogue: watershed_zoom::catalogue(),
        connections: vec![connection],
    })
}

async fn submit(engine: &Engine) -> RunId {
    let text = std::fs::read_to_string(root().join(WORKFLOW)).expect("the shipped workflow");
    let compiled = compile(WORKFLOW, &text, &watershed_zoom::catalogue()).expect("it is good");
    let today = SystemClock.now().date();
    let inputs = resolve_inputs(&compiled.plan, &[].into(), today).expect("its own defaults");
    let id = RunId::from("planted");
    let request = Request {
        connection: "default".into(),
        source: text,
        plan: compiled.plan,
        hash: compiled.hash,
        inputs,
        run: Some(id.clone()),
        fresh: id,
        trigger: Trigger::Manual,
    };
    engine.submit(request).await.expect("it begins, or goes on").run().clone()
}
