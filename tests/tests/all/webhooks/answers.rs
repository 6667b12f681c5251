//! What comes, and how it is answered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::endpoint::{
    Answer, Endpoint, Headers, PATH, SECRET, asked, ended, folder, hmac, inbox, now, off, signed,
};

#[test]
fn a_right_event_is_in_the_inbox_when_it_is_acknowledged_and_without_its_secrets() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let mut body: Value = serde_json::from_str(&ended("acme-account", "a/b==")).expect("JSON");
    body["event"] = json!("recording.completed");
    body["download_token"] = json!("SIMSECRET-download");
    body["payload"]["object"]["password"] = json!("SIMSECRET-passcode");
    body["payload"]["object"]["recording_files"] =
        json!([{ "id": "f1", "play_url": "https://zoom.us/SIMSECRET", "status": "completed" }]);
    let answer = endpoint.post(&body.to_string());
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
    assert_eq!(inbox(&home), ["a/b=="]);
    let kept = asked(&home, "SELECT connection || event || body FROM _inbox").remove(0);
    assert!(kept.starts_with("acmerecording.completed{") && kept.contains("\"id\":\"f1\""));
    assert!(!kept.contains("SIMSECRET") && kept.contains("Weekly"), "{kept}");
    assert!((endpoint.outcome("kept") - 1.0).abs() < f64::EPSILON);
    let event = "watershed_webhook_events_total{connection=\"acme\",event=\"recording.completed\"}";
    assert!((endpoint.metric(event) - 1.0).abs() < f64::EPSILON);
    let waits = "watershed_inbox_waiting_events{connection=\"acme\"}";
    assert!((endpoint.metric(waits) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn what_is_wrong_is_refused_each_with_its_status_counted_and_not_kept() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let body = ended("acme-account", "a==");
    let ask = |at: &str, secret: &str, sent: &str, signed_body: &str| {
        endpoint.ask("POST", PATH, &signed(secret, at, signed_body), sent.as_bytes()).status
    };
    let anew = format!(" {body}");
    let (other, huge) = (ended("globex-account", "a=="), "x".repeat(10 << 20));
    let at_limit = format!("{body}{}", " ".repeat((1 << 20) - body.len()));
    let cases = [
        ("signature", 401, ask(&now(), "another", &body, &body)),
        // Signed by the app of another connection.
        ("signature", 401, ask(&now(), "SIMSECRET-webhook-globex", &body, &body)),
        // Read and written anew by whoever stands between.
        ("signature", 401, ask(&now(), SECRET, &body, &anew)),
        ("signature", 401, endpoint.ask("POST", PATH, &Vec::new(), body.as_bytes()).status),
        ("age", 401, ask(&off(-2 * 3_600 - 5), SECRET, &body, &body)),
        ("age", 401, ask(&off(5 * 60 + 60), SECRET, &body, &body)),
        ("form", 400, ask(&now(), SECRET, "{\"event\"", "{\"event\"")),
        ("account", 403, ask(&now(), SECRET, &other, &other)),
        ("size", 413, ask(&now(), SECRET, &huge, &huge)),
        ("size", 413, ask(&now(), SECRET, &format!("{at_limit} "), &format!("{at_limit} "))),
    ];
    for (why, expected, status) in cases {
        assert_eq!(status, expected, "{why}");
    }
    for (why, times) in [("signature", 4.0), ("age", 2.0), ("form", 1.0), ("account", 1.0)] {
        assert!((endpoint.outcome(why) - times).abs() < f64::EPSILON, "{why}");
    }
    assert!((endpoint.outcome("size") - 2.0).abs() < f64::EPSILON);
    assert_eq!(inbox(&home), [""; 0]);
    for (at, body) in [(off(-2 * 3_600 + 60), &body), (now(), &at_limit)] {
        assert_eq!(ask(&at, SECRET, body, body), 204, "just within what is allowed");
    }
    assert_eq!(endpoint.ask("GET", PATH, &Vec::new(), b"").status, 405);
    assert_eq!(endpoint.get("/webhooks/zoom/").status, 404);
}

#[test]
fn what_is_sent_again_is_acknowledged_and_kept_once() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let body = ended("acme-account", "a==");
    for _ in 0..5 {
        assert_eq!(endpoint.post(&body).status, 204);
    }
    // By another subscription: another secret member, another time of signing.
    let mut other: Value = serde_json::from_str(&body).expect("JSON");
    other["download_token"] = json!("another");
    let other = other.to_string();
    let headers = signed(SECRET, &off(-60), &other);
    assert_eq!(endpoint.ask("POST", PATH, &headers, other.as_bytes()).status, 204);
    assert_eq!(inbox(&home), ["a=="]);
    assert!((endpoint.outcome("known") - 5.0).abs() < f64::EPSILON);
    drop(endpoint);
    let endpoint = Endpoint::start(&home);
    assert_eq!(endpoint.post(&body).status, 204, "also after it was started again");
    assert_eq!(inbox(&home), ["a=="]);
}

#[test]
fn where_a_connection_redacts_only_ids_kinds_and_times_are_kept() {
    let home = folder(
        "[connections.careful]\naccount_id = \"careful-account\"\nclient_id = \"careful\"\n\
         client_secret = { env = \"ACME_SECRET\" }\nwebhook_secret = { env = \"ACME_WEBHOOKS\" }\n\
         redact = { \"*.join_url\" = \"drop\" }\n",
    );
    let endpoint = Endpoint::start(&home);
    let body = ended("careful-account", "a==");
    let headers = signed(SECRET, &now(), &body);
    let answer = endpoint.ask("POST", "/webhooks/zoom/careful", &headers, body.as_bytes());
    assert_eq!(answer.status, 204);
    assert_eq!(inbox(&home), ["a=="]);
    let kept = asked(&home, "SELECT body FROM _inbox").remove(0);
    assert!(!kept.contains("Weekly") && kept.contains("host-1"), "{kept}");
}

#[test]
fn an_event_that_nobody_knows_is_kept_and_counted() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let body = json!({ "event": "meeting.rtms_started", "event_ts": 1, "payload": {
        "account_id": "acme-account", "object": { "anything": [1] },
    } });
    assert_eq!(endpoint.post(&body.to_string()).status, 204);
    assert_eq!(asked(&home, "SELECT event FROM _inbox"), ["meeting.rtms_started"]);
    let other = "watershed_webhook_events_total{connection=\"acme\",event=\"other\"}";
    assert!((endpoint.metric(other) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_challenge_is_answered_to_who_has_signed_it_and_to_nobody_else() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let challenge = |token: &str| {
        json!({ "event": "endpoint.url_validation", "payload": { "plainToken": token } })
            .to_string()
    };
    let body = challenge("qgg8vlvZRS6UYooatFL8Aw");
    let answer = endpoint.post(&body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let encrypted = hmac(SECRET, b"qgg8vlvZRS6UYooatFL8Aw");
    let expected = json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": encrypted });
    assert_eq!(told, expected);
    assert_eq!(endpoint.ask("POST", PATH, &Vec::new(), body.as_bytes()).status, 401);
    let headers = signed("another", &now(), &body);
    assert_eq!(endpoint.ask("POST", PATH, &headers, body.as_bytes()).status, 401);
    assert_eq!(endpoint.post(&challenge("v0:1700000000:{}")).status, 400, "no oracle");
    assert_eq!(inbox(&home), [""; 0]);
}

#[test]
fn a_connection_that_is_not_there_looks_like_a_bad_signature() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let body = ended("acme-account", "a==");
    let ask = |connection: &str, headers: &Headers, body: &str| -> Answer {
        let path = format!("/webhooks/zoom/{connection}");
        endpoint.ask("POST", &path, headers, body.as_bytes())
    };
    let wrong = signed("another", &now(), &body);
    let expected = ask("acme", &wrong, &body);
    assert_eq!(expected.status, 401);
    for connection in ["nobody", "quiet", "ACME", "%61cme%00", "%ff", "a%2Fb"] {
        assert_eq!(ask(connection, &wrong, &body), expected, "{connection}");
        assert_eq!(ask(connection, &Vec::new(), &body), expected, "{connection}, unsigned");
    }
    let unknown = "watershed_webhook_requests_total{connection=\"\",outcome=\"signature\"}";
    assert!((endpoint.metric(unknown) - 12.0).abs() < f64::EPSILON);

    // So much that what is done with it takes longer than the way there.
    let long = "x".repeat(1 << 20);
    let wrong = signed("another", &now(), &long);
    let median = |connection: &str| {
        let mut took: Vec<Duration> = (0..15)
            .map(|_| {
                let began = Instant::now();
                assert_eq!(ask(connection, &wrong, &long), expected);
                began.elapsed()
            })
            .collect();
        took.sort();
        took[7]
    };
    let (there, not_there) = (median("acme"), median("nobody"));
    eprintln!("1 MiB with a bad signature: {there:?}; of no connection: {not_there:?}");
    assert!(not_there * 2 > there && there * 2 > not_there, "{there:?}, {not_there:?}");
}
