mod anything;
mod not_yet;
mod odd_bodies;
mod pages;
mod refusals;
mod throttles;

use serde_json::{Map, Value, json};
use watershed_model::{
    Category, Millis, Operation, Page, RetryCause, Throttle, Unavailable, Verdict,
};

use super::*;
use crate::catalogue;

/// 2026-05-28T20:26:40Z.
const NOW: Millis = Millis(1_780_000_000_000);

fn op(id: &str) -> &'static Operation {
    catalogue().operation(id).expect("in the catalogue")
}

fn json_headers(more: &[(&str, &str)]) -> Vec<(String, String)> {
    [("content-type", "application/json;charset=UTF-8")]
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn with(members: Value) -> Map<String, Value> {
    let Value::Object(members) = members else { panic!("parameters are an object") };
    members
}

/// The verdict of a JSON answer.
fn verdict(id: &str, asked: Value, status: u16, body: &Value) -> Verdict {
    let (headers, body) = (json_headers(&[]), body.to_string());
    let answer = Answer { status, headers: &headers, body: body.as_bytes() };
    read(op(id), &with(asked), &answer, NOW)
}

/// A verdict in a word or two.
fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Data(page) => format!("data {}", page.rows.len()),
        Verdict::Empty => "empty".to_owned(),
        Verdict::Waiting { .. } => "waiting".to_owned(),
        Verdict::Unavailable { why, .. } => why.name().to_owned(),
        Verdict::ScopeMissing(scopes) => format!("scope {}", scopes.join(" ")),
        Verdict::Retry { cause, .. } => format!("retry {}", cause.name()),
        Verdict::Wait(throttle) => format!("wait daily={}", throttle.daily),
        Verdict::Token { .. } => "token".to_owned(),
        Verdict::Restart => "restart".to_owned(),
        Verdict::Dead { http, code, .. } => format!("dead {http} {}", code.unwrap_or(0)),
        Verdict::Fatal { .. } => "fatal".to_owned(),
    }
}
