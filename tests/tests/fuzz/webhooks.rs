//! Bodies of webhooks, rightly signed: an event, a challenge or a refusal.

use serde_json::Value;
use watershed_model::Millis;
use watershed_zoom::SECRET_MEMBERS;
use watershed_zoom::webhook::{Desk, EVENTS, Heads, Received, Signer, sample};

use crate::corpus::Corpus;

const NOW: Millis = Millis(1_780_000_000_000);

#[test]
fn webhooks() {
    let account = "acme".into();
    let samples = EVENTS.iter().map(|event| {
        let body = sample(event.name, &account, NOW).expect("each has a sample");
        body.to_string().into_bytes()
    });
    Corpus::of("webhooks").and(samples).read(|body| {
        for redacted in [false, true] {
            let desk = Desk {
                signer: Signer::new(b"secret"),
                account: "acme".into(),
                redacted,
                agreed: None,
            };
            let signature = desk.signer.sign("1780000000", body);
            let heads = Heads { timestamp: "1780000000", signature: &signature };
            let received = desk.receive(heads, body, NOW);
            assert_eq!(received, desk.receive(heads, body, NOW));
            if let Ok(Received::Event(event)) = received {
                assert!(!event.name.is_empty());
                assert!(!tells_a_secret(&event.body), "{}", event.body);
            }
        }
    });
}

fn tells_a_secret(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(tells_a_secret),
        Value::Object(members) => members.iter().any(|(name, value)| {
            SECRET_MEMBERS.contains(&name.as_str())
                || name == "download_token"
                || tells_a_secret(value)
        }),
        _ => false,
    }
}
