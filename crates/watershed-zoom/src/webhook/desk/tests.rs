use serde_json::json;

use super::*;

const NOW: Millis = Millis(1_700_000_000_000);
const AT: &str = "1700000000";

fn desk() -> Desk {
    Desk {
        signer: Signer::new(b"a-secret"),
        account: "acme-1".into(),
        redacted: false,
        agreed: None,
    }
}

fn of(account: &str) -> String {
    json!({ "event": "user.deleted", "event_ts": 1, "payload": {
        "account_id": account, "object": { "id": "u" },
    } })
    .to_string()
}

/// What is made of a body that was signed with this secret at this time.
fn sent(secret: &str, at: &str, body: &str) -> Result<Received, Refusal> {
    let signature = Signer::new(secret.as_bytes()).sign(at, body.as_bytes());
    desk().receive(Heads { timestamp: at, signature: &signature }, body.as_bytes(), NOW)
}

#[test]
fn what_is_rightly_signed_fresh_and_of_the_account_is_taken() {
    let Ok(Received::Event(event)) = sent("a-secret", AT, &of("acme-1")) else { panic!("refused") };
    assert_eq!(event.name, "user.deleted");
}

#[test]
fn each_thing_that_is_wrong_has_its_refusal() {
    let cases = [
        ("another-secret", AT, of("acme-1"), Refusal::Signature),
        ("another-secret", "1", "no JSON".to_owned(), Refusal::Signature),
        ("a-secret", "1699990000", of("acme-1"), Refusal::Age),
        ("a-secret", "1700000400", of("acme-1"), Refusal::Age),
        ("a-secret", "now", of("acme-1"), Refusal::Age),
        ("a-secret", AT, "no JSON".to_owned(), Refusal::Form),
        ("a-secret", AT, "{}".to_owned(), Refusal::Form),
        ("a-secret", AT, "[".repeat(100_000), Refusal::Form),
        ("a-secret", AT, of("acme-2"), Refusal::Account),
        ("a-secret", AT, r#"{"event":"user.deleted"}"#.to_owned(), Refusal::Account),
    ];
    for (secret, at, body, refusal) in cases {
        let shown = &body[..body.len().min(60)];
        assert_eq!(sent(secret, at, &body).err(), Some(refusal), "{secret} {at} {shown}");
    }
}

#[test]
fn a_body_that_was_read_and_written_anew_is_refused() {
    let body = format!(" {}", of("acme-1"));
    let signature = desk().signer.sign(AT, body.as_bytes());
    let heads = Heads { timestamp: AT, signature: &signature };
    assert!(desk().receive(heads, body.as_bytes(), NOW).is_ok());
    let anew: Value = serde_json::from_str(&body).expect("JSON");
    let anew = desk().receive(heads, anew.to_string().as_bytes(), NOW);
    assert_eq!(anew, Err(Refusal::Signature));
}

#[test]
fn a_challenge_is_answered_only_to_who_signed_it() {
    let body = json!({ "event": CHALLENGE, "payload": { "plainToken": "abc" } }).to_string();
    let Ok(Received::Challenge(reply)) = sent("a-secret", AT, &body) else { panic!("refused") };
    assert_eq!(reply["plainToken"], "abc");
    assert_eq!(sent("another-secret", AT, &body), Err(Refusal::Signature));
    assert_eq!(sent("a-secret", "1699990000", &body), Err(Refusal::Age));
    let trick = json!({ "event": CHALLENGE, "payload": { "plainToken": "v0:1700000000:{}" } });
    assert_eq!(sent("a-secret", AT, &trick.to_string()), Err(Refusal::Form));
}
