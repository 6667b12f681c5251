use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use secrecy::SecretString;
use tower::ServiceExt as _;
use watershed_ledger::{MemoryLedger, RunView};
use watershed_model::{
    ConnectionName, DeadLetter, Millis, Plan, PlanHash, RunId, RunReport, RunRow, RunState,
    StepReport, Trigger,
};
use watershed_sink::{CoverageCount, Sink as _, SqliteSink};

use super::*;
use crate::access::{Access, Token};
use crate::control::{Control, Diagnosis, Doing, Kind, Refusal, Rows};
use crate::shape::{Connection, Erased, Schedule};
use crate::state::Parts;

const HOST: &str = "127.0.0.1:8080";
const ROLES: [Role; 3] = [Role::Read, Role::Operate, Role::Erase];

/// A program that knows no plan and has nothing configured.
struct Bare;

fn nothing_there<T>() -> Doing<'static, T> {
    Box::pin(async { Err(Refusal::new(Kind::Conflict, "there is nothing to do it with")) })
}

impl Control for Bare {
    fn report(&self, _: &RunView, _: &Rows, _: &[CoverageCount]) -> RunReport {
        panic!("the ledger knows no run")
    }

    fn remembered(&self, row: RunRow, rows: &Rows) -> RunReport {
        RunReport {
            run: row.id,
            workflow: row.workflow,
            connection: row.connection,
            state: row.state,
            exit: None,
            started_at: row.started_at.to_string(),
            ended_at: None,
            steps: Vec::new(),
            budget: Vec::new(),
            waits: Vec::new(),
            eta: None,
            calls: watershed_model::CallCount::default(),
            rows: rows.clone(),
        }
    }

    fn plan(&self, _: &RunRow) -> Option<Plan> {
        None
    }

    fn picture(&self, _: &Plan, _: &[StepReport]) -> String {
        String::new()
    }

    fn pause(&self, _: RunId) -> Doing<'_, ()> {
        nothing_there()
    }

    fn resume(&self, _: RunId) -> Doing<'_, ()> {
        nothing_there()
    }

    fn cancel(&self, _: RunId) -> Doing<'_, ()> {
        nothing_there()
    }

    fn retry(&self, _: RunId, _: Vec<DeadLetter>) -> Doing<'_, u64> {
        nothing_there()
    }

    fn connections(&self) -> Vec<Connection> {
        Vec::new()
    }

    fn schedules(&self) -> Doing<'_, Vec<Schedule>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn diagnose(&self, _: String) -> Doing<'_, Diagnosis> {
        nothing_there()
    }

    fn erase(&self, _: ConnectionName, _: String) -> Doing<'_, Erased> {
        nothing_there()
    }
}

fn secret(role: Role) -> String {
    format!("{:0>32}", role.name())
}

/// A server with a token for each role, and one run in its dataset.
async fn server(roles: &[Role]) -> Server {
    let sink = SqliteSink::in_memory(watershed_zoom::catalogue()).await.expect("a sink");
    let run = RunRow {
        id: RunId::from("r-1"),
        connection: ConnectionName::from("acme"),
        workflow: "zoom-<b>backfill".to_owned(),
        source: "name: <script>".to_owned(),
        plan: PlanHash::from("p"),
        inputs: BTreeMap::new(),
        granted: Vec::new(),
        trigger: Trigger::Manual,
        state: RunState::Running,
        started_at: Millis(0),
        ended_at: None,
        evidence: None,
    };
    sink.put_run(run).await.expect("a row");
    let token = |role: &Role| Token {
        who: role.name().to_owned(),
        role: *role,
        secret: SecretString::from(secret(*role)),
    };
    let sink = Arc::new(sink);
    Server::new(Parts {
        ledger: Arc::new(MemoryLedger::new(Arc::new(|| Millis(60_000)))),
        sink: sink.clone(),
        inbox: sink.clone(),
        map: sink,
        clock: Arc::new(|| Millis(60_000)),
        base: format!("http://{HOST}"),
        say: Arc::new(|_| {}),
        desks: BTreeMap::new(),
        access: Access::new(Vec::new(), roles.iter().map(token).collect()),
        control: Arc::new(Bare),
        worker: None,
        grace: Duration::from_secs(1),
    })
}

/// How somebody shows who he is.
#[derive(Debug, Clone)]
enum Shows {
    Nothing,
    Token(String),
    Cookie(String),
}

/// Asks as a page of this server does.
async fn ask(server: &Server, method: &str, path: &str, shows: &Shows, host: &str) -> Response {
    let path = path.replace("{run}", "r-1").replace("{connection}", "acme");
    let path = path.replace("{version}", "0").replace("{name}", "style.css");
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).expect("a method"))
        .uri(path)
        .header("host", host)
        .header("origin", format!("http://{HOST}"))
        .header("content-type", "application/x-www-form-urlencoded");
    match shows {
        Shows::Nothing => {}
        Shows::Token(token) => {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Shows::Cookie(id) => {
            request = request.header("cookie", format!("{}={id}", crate::sessions::COOKIE));
        }
    }
    let request = request.body(Body::empty()).expect("a request");
    router(server).oneshot(request).await.expect("an answer")
}

/// Every route: method, path, need.
fn every() -> Vec<(&'static str, &'static str, Need)> {
    let pages = pages().into_iter().map(|route| (route.method, route.path, route.need));
    let api = api::table().into_iter();
    pages.chain(api.map(|call| (call.method, call.path, Need::Role(call.role)))).collect()
}

#[tokio::test]
async fn each_route_is_answered_to_those_who_have_its_role_and_to_no_others() {
    let server = server(&ROLES).await;
    for (method, path, need) in every() {
        let Need::Role(need) = need else { continue };
        let status = ask(&server, method, path, &Shows::Nothing, HOST).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} for nobody");
        let wrong = Shows::Token("0".repeat(32));
        let status = ask(&server, method, path, &wrong, HOST).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} with a wrong token");
        for role in ROLES {
            let (id, _) = server.sessions.enter(&secret(role), &server.access).expect("in");
            for shows in [Shows::Token(secret(role)), Shows::Cookie(id)] {
                let status = ask(&server, method, path, &shows, HOST).await.status();
                let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
                assert_eq!(refused, role < need, "{method} {path} for {role:?}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_everybody_here_may_look_and_nobody_changes_anything() {
    let server = server(&[]).await;
    for (method, path, need) in every() {
        let Need::Role(need) = need else { continue };
        let status = ask(&server, method, path, &Shows::Nothing, HOST).await.status();
        let refused = status == StatusCode::UNAUTHORIZED;
        assert_eq!(refused, need > Role::Read, "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_of_this_server_is_refused_on_every_route() {
    let server = server(&ROLES).await;
    let shows = Shows::Token(secret(Role::Erase));
    for (method, path, _) in every().into_iter().chain([("GET", "/nowhere", Need::Open)]) {
        for host in ["evil.example", "evil.example:8080", ""] {
            let status = ask(&server, method, path, &shows, host).await.status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} at {host:?}");
        }
    }
}

#[tokio::test]
async fn nothing_changes_for_a_page_of_another_server() {
    let server = server(&ROLES).await;
    let (id, _) = server.sessions.enter(&secret(Role::Erase), &server.access).expect("in");
    for (method, path, need) in every() {
        if method == "GET" || need == Need::Open {
            continue;
        }
        for origin in [Some("http://evil.example"), Some("null"), None] {
            let mut request = Request::builder()
                .method(method)
                .uri(path.replace("{run}", "r-1").replace("{connection}", "acme"))
                .header("host", HOST)
                .header("cookie", format!("{}={id}", crate::sessions::COOKIE));
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let request = request.body(Body::empty()).expect("a request");
            let status = router(&server).oneshot(request).await.expect("an answer").status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} from {origin:?}");
        }
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_keep_to_this_server() {
    let server = server(&[]).await;
    for (method, path, _) in every().into_iter().chain([("GET", "/nowhere", Need::Open)]) {
        let answer = ask(&server, method, path, &Shows::Nothing, HOST).await;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{method} {path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{method} {path}: {policy}");
        assert!(!policy.contains("unsafe"), "{method} {path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(header("access-control-allow-origin").is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn what_others_named_is_text_on_a_page_and_nothing_else() {
    let server = server(&[]).await;
    for path in ["/", "/runs/r-1"] {
        let answer = ask(&server, "GET", path, &Shows::Nothing, HOST).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a page");
        let page = String::from_utf8_lossy(&body);
        assert!(page.contains("zoom-&#60;b&#62;backfill"), "{path}: {page}");
        assert!(!page.contains("<script>") && !page.contains("<b>backfill"), "{path}: {page}");
    }
}

#[tokio::test]
async fn whoever_has_an_answer_already_is_told_so() {
    let server = server(&[]).await;
    let ask = async |tag: Option<&str>| {
        let mut request = Request::builder().uri("/api/v1/runs").header("host", HOST);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let request = request.body(Body::empty()).expect("a request");
        router(&server).oneshot(request).await.expect("an answer")
    };
    let first = ask(None).await;
    assert_eq!(first.status(), StatusCode::OK);
    let tag = first.headers()["etag"].to_str().expect("text").to_owned();
    let again = ask(Some(&tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let body = axum::body::to_bytes(again.into_body(), 1).await.expect("nothing");
    assert!(body.is_empty());
    assert_eq!(ask(Some("W/\"0\"")).await.status(), StatusCode::OK);
}
