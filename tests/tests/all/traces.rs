//! Traces, as a collector gets them: what is sent is what was done, and names nobody; and a
//! collector that does not work costs its traces alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use rustix::process::Signal;
use serde_json::Value;
use watershed_tests::{Ended, Home, Spec};

use crate::ground::{account, account_behind_a_gateway, free_account, free_home};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// What a collector is shown, to let somebody in.
const KEY: &str = "SIMSECRET-collector-key";
/// Nothing goes out before the end, unless a batch is full.
const LATE: &str = "600000";
const ENDS_MAX: Duration = Duration::from_secs(120);

/// A collector that takes all it is sent.
struct Collector {
    address: String,
    came: Arc<Mutex<Vec<Request>>>,
}

/// What came at once.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("where"));
        let came = Arc::new(Mutex::new(Vec::new()));
        let coming = came.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut from = BufReader::new(stream.try_clone().expect("the same"));
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    from.read_line(&mut line).expect("a line");
                    let Some((name, value)) = line.trim().split_once(": ") else {
                        if line.trim().is_empty() {
                            break;
                        }
                        head = line;
                        continue;
                    };
                    if name.eq_ignore_ascii_case("content-length") {
                        length = value.parse().expect("a length");
                    }
                    head.push_str(&format!("{}: {value}\n", name.to_lowercase()));
                }
                let mut body = vec![0; length];
                from.read_exact(&mut body).expect("a body");
                coming.lock().expect("nobody broke").push(Request { head, body });
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).expect("it listens");
            }
        });
        Collector { address, came }
    }

    /// The spans that came, and of whom they say they are.
    fn spans(&self) -> (Vec<Span>, BTreeSet<String>) {
        let (mut spans, mut of) = (Vec::new(), BTreeSet::new());
        for request in self.came.lock().expect("nobody broke").iter() {
            let sent = ExportTraceServiceRequest::decode(&*request.body).expect("what OTLP says");
            for part in sent.resource_spans {
                let resource = part.resource.expect("a resource").attributes;
                of.insert(attributes(&resource)["service.name"].clone());
                spans.extend(part.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        (spans, of)
    }

    /// All the bytes that came, as far as they are text.
    fn text(&self) -> String {
        let came = self.came.lock().expect("nobody broke");
        came.iter().map(|request| String::from_utf8_lossy(&request.body)).collect()
    }
}

fn attributes(of: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.clone().and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("neither text nor number: {other:?}"),
    };
    of.iter().map(|one| (one.key.clone(), text(one))).collect()
}

/// Of each call that the log tells: step, branch, attempt, operation and Zoom's id of it.
type Asked = [String; 5];

fn logged(ended: &Ended) -> Vec<Asked> {
    let lines = ended.stderr.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str(line).expect("a line is one object"));
    let mut asked: Vec<Asked> = lines
        .filter(|line: &Value| line["message"] == "asked")
        .map(|line| {
            ["step", "branch", "attempt", "operation", "tracking_id"].map(|field| {
                let value = &line["span"][field];
                value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
            })
        })
        .collect();
    asked.sort();
    asked
}

/// The same of what the collector has.
fn traced(spans: &[Span]) -> Vec<Asked> {
    let tasks = spans.iter().map(|span| attributes(&span.attributes));
    let mut asked: Vec<Asked> = tasks
        .filter(|of| of.contains_key("verdict"))
        .map(|of| {
            ["step", "branch", "attempt", "operation", "tracking_id"]
                .map(|field| of.get(field).cloned().unwrap_or_else(|| "null".to_owned()))
        })
        .collect();
    asked.sort();
    asked
}

fn send_to(home: &mut Home, address: &str) {
    home.set(ENDPOINT, Some(address));
    home.set("WATERSHED_LOG__FORMAT", Some("json"));
}

#[test]
fn a_collector_gets_each_task_with_its_calls_and_nobodys_name() {
    let account = account_behind_a_gateway();
    let mut home = free_home(&account);
    let collector = Collector::start();
    send_to(&mut home, &collector.address);
    home.set("OTEL_SERVICE_NAME", Some("history"));
    home.set("OTEL_EXPORTER_OTLP_HEADERS", Some(&format!("api-key={KEY}")));
    home.set("OTEL_BSP_SCHEDULE_DELAY", Some(LATE));
    let ended = home.run(&["run", "zoom-backfill", "--run-id", "one", "-vv"]).expect(3);
    let (spans, of) = collector.spans();
    assert_eq!(of, BTreeSet::from(["history".to_owned()]));
    assert_eq!(traced(&spans), logged(&ended), "each that was asked, once");
    assert!(traced(&spans).len() > 20, "{}", traced(&spans).len());

    // A call lies in its task; those by which a run asks what it may do lie in none.
    let named = |span: &Span| span.name == "call";
    let (calls, tasks): (Vec<Span>, Vec<Span>) = spans.into_iter().partition(named);
    let (calls, before): (Vec<Span>, Vec<Span>) =
        calls.into_iter().partition(|call| !call.parent_span_id.is_empty());
    assert!(before.len() < 5, "{}", before.len());
    let by_id: BTreeMap<&[u8], &Span> = tasks.iter().map(|s| (&*s.span_id, s)).collect();
    let mut refused = 0;
    for call in &calls {
        let task = by_id.get(&*call.parent_span_id).expect("its task");
        assert_eq!(call.trace_id, task.trace_id);
        assert_eq!(call.kind, SpanKind::Client as i32);
        assert!(task.start_time_unix_nano <= call.start_time_unix_nano, "{call:?}");
        assert!(call.end_time_unix_nano <= task.end_time_unix_nano, "{call:?}");
        let status = attributes(&call.attributes)["http.response.status_code"].clone();
        refused += usize::from(status == "403");
    }
    for task in &tasks {
        assert!(task.parent_span_id.is_empty(), "{task:?}");
        let of = attributes(&task.attributes);
        assert_eq!((&*of["run"], &*of["connection"]), ("one", "default"), "{of:?}");
        assert_eq!(task.name, of["operation"]);
        let failed = task.status.as_ref().is_some_and(|s| s.code == StatusCode::Error as i32);
        assert_eq!(failed, of.get("verdict").is_some_and(|verdict| verdict == "dead"), "{of:?}");
    }
    assert!(refused > 0 && calls.len() > 20, "{refused} of {}", calls.len());

    let heads: Vec<String> =
        collector.came.lock().expect("nobody broke").iter().map(|r| r.head.clone()).collect();
    assert!(heads.iter().all(|head| head.contains("POST /v1/traces ")), "{heads:?}");
    assert!(heads.iter().all(|head| head.contains(&format!("api-key: {KEY}"))), "{heads:?}");
    // The bytes of numbers may be those of any letter.
    let all = calls.iter().chain(&before).chain(&tasks);
    let said: Vec<String> =
        all.map(|span| format!("{} {:?}", span.name, span.attributes)).collect();
    assert!(said.iter().all(|said| !said.contains('@')), "an address went out");
    let text = collector.text();
    for mark in ["://", "Bearer", "SIMSECRET", account.ready("client_secret")] {
        assert!(!text.contains(mark), "{mark} went out");
    }
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
}

#[test]
fn a_worker_that_is_told_to_stop_sends_what_it_has_done() {
    let account = account(Spec { users: 40, seed: 72, ..Spec::default() });
    let mut home = free_home(&account);
    let collector = Collector::start();
    send_to(&mut home, &collector.address);
    home.set("OTEL_BSP_SCHEDULE_DELAY", Some(LATE));
    home.run(&["submit", "zoom-backfill"]).expect(0);
    let mut worker = home.start(&["worker", "-vv"]);
    let asked = |worker: &watershed_tests::Running| worker.stderr().matches("\"asked\"").count();
    worker.until("some calls", ENDS_MAX, |worker| asked(worker) > 20).expect("it works");
    worker.signal(Signal::TERM);
    let ended = worker.wait(ENDS_MAX).expect("it ends");
    let (spans, of) = collector.spans();
    assert_eq!(of, BTreeSet::from(["watershed".to_owned()]));
    assert_eq!(traced(&spans), logged(&ended), "{ended}");
}

#[test]
fn a_collector_that_is_away_or_hangs_costs_its_traces_alone() {
    let account = free_account(6, 73);
    let run = |set: &[(&str, &str)]| {
        let mut home = free_home(&account);
        set.iter().for_each(|(name, value)| home.set(name, Some(value)));
        home.run(&["run", "zoom-backfill"]).expect(0)
    };
    let plain = run(&[]);
    let lost = "traces are lost";
    assert_eq!(plain.stderr.matches(lost).count(), 0, "{plain}");

    // Nobody listens there; exports fail all the time, which is told once.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://user:{KEY}@{}", nobody.local_addr().expect("where"));
    let often = [
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "20"),
        (ENDPOINT, &*address),
    ];
    drop(nobody);
    let away = run(&often);
    assert_eq!(away.stderr.matches(lost).count(), 1, "{away}");
    assert!(!away.stderr.contains(KEY), "{away}");

    // Connections are taken, and nothing is said.
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", hangs.local_addr().expect("where"));
    let hung = run(&[("OTEL_BSP_SCHEDULE_DELAY", "20"), (ENDPOINT, &*address)]);
    let longer = hung.took.saturating_sub(plain.took);
    assert!(longer < Duration::from_secs(8), "{:?} after {:?}", hung.took, plain.took);
}

#[test]
fn what_cannot_be_done_is_told_and_the_run_goes_on() {
    let account = free_account(2, 74);
    let mut home = free_home(&account);
    home.set(ENDPOINT, Some("http://127.0.0.1:4317"));
    home.set("OTEL_EXPORTER_OTLP_PROTOCOL", Some("grpc"));
    let ended = home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let told = "OTEL_EXPORTER_OTLP_PROTOCOL asks for another protocol than http/protobuf";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{ended}");

    home.set("OTEL_EXPORTER_OTLP_PROTOCOL", None);
    home.set(ENDPOINT, Some(&format!("http://{KEY} is no address")));
    let ended = home.run(&["runs"]).expect(0);
    assert_eq!(ended.stderr.matches("OTEL_… variable cannot be used").count(), 1, "{ended}");
    assert!(!ended.stderr.contains(KEY), "{ended}");
}
