//! What is given for a token.

use serde_json::{Value, json};

use super::Leaves::{Either, Less, Whole};
use super::wire::Wire;
use super::{Behaviour, TOKEN};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour::new("a token that is empty", TOKEN, Less, |wire| token(wire, json!(""))),
    Behaviour::new("a token that is a number", TOKEN, Less, |wire| token(wire, json!(7))),
    Behaviour::new("a token with a header of its own", TOKEN, Less, |wire| {
        token(wire, json!("a\r\nX-Evil: yes"))
    }),
    Behaviour::new("a token of 60,000 characters", TOKEN, Less, |w| {
        token(w, json!("a".repeat(60_000)))
    }),
    Behaviour::new("a token of 1 MB", TOKEN, Less, |w| token(w, json!("a".repeat(1_000_000)))),
    Behaviour::new("a token that nobody takes", TOKEN, Less, |wire| token(wire, json!("wrong"))),
    Behaviour::new("a token that lives 0 seconds", TOKEN, Whole, |wire| life(wire, json!(0))),
    Behaviour::new("a token that lives -1 seconds", TOKEN, Whole, |wire| life(wire, json!(-1))),
    Behaviour::new("a token that lives for ever", TOKEN, Whole, |w| life(w, json!(u64::MAX))),
    Behaviour::new("a token that lives 10^16 seconds", TOKEN, Whole, |wire| {
        life(wire, json!(9_300_000_000_000_000_u64))
    }),
    Behaviour::new("a token whose life is a text", TOKEN, Whole, |wire| life(wire, json!("long"))),
    Behaviour::new("a token without scopes", TOKEN, Either, |wire| {
        wire.changed(|body| body["scope"] = Value::Null)
    }),
    Behaviour::new("a token whose scopes are a list", TOKEN, Either, |wire| {
        wire.changed(|body| body["scope"] = json!(["user:read:admin"]))
    }),
    Behaviour::new("a token whose scopes are hostile", TOKEN, Less, |wire| {
        wire.changed(|body| body["scope"] = json!(super::statuses::ESCAPES))
    }),
    Behaviour::new("a token for the API of somebody else", TOKEN, Whole, |wire| {
        wire.changed(|body| body["api_url"] = json!("https://zoom.us.evil.test"))
    }),
    Behaviour::new("refused credentials", TOKEN, Less, |wire| {
        let body =
            json!({"reason": "Invalid client_id or client_secret", "error": "invalid_client"});
        wire.send(&super::wire::Answer::json(400, &body))
    }),
];

fn token(wire: &mut Wire<'_>, token: Value) -> std::io::Result<()> {
    wire.changed(|body| body["access_token"] = token)
}

fn life(wire: &mut Wire<'_>, seconds: Value) -> std::io::Result<()> {
    wire.changed(|body| body["expires_in"] = seconds)
}
