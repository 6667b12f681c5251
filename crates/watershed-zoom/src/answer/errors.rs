//! The table of failures: which verdict a refusal by Zoom gets.
//!
//! Rules are tried in order, the first that fits decides. Numbers that mean several things
//! (200, 300, 4700, 4711) are told apart by their text.
//!
//! # Source
//! Zoom API reference and error definitions (OpenAPI 2026-03 and 2026-08); public clients;
//! checked 2026-11-24.

use serde_json::Value;
use watershed_model::{Operation, Unavailable, Verdict};

use super::body::shown;

/// What Zoom said of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) http: u16,
    pub(super) code: Option<i64>,
    /// As sent; shown only through [`Refusal::told`].
    pub(super) message: String,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// A scope is missing; the text lists the alternatives.
    Scope,
    /// A new token, and the call once more.
    Token,
    /// The connection cannot go on.
    Fatal,
    /// The listing starts again.
    Restart,
    /// Complete, with no rows.
    Empty,
    /// Empty for a listing; for a single record not to be had.
    EmptyList(Unavailable),
    /// Not to be had.
    Not(Unavailable),
    /// No such meeting, or none yet: the caller looks at when it ended.
    NoMeeting,
    /// A dead letter.
    Dead,
}

use Reaction::{Dead, Empty, EmptyList, Fatal, NoMeeting, Not, Restart, Scope, Token};

/// One row of the table.
struct Rule {
    /// HTTP statuses; none means any.
    http: &'static [u16],
    /// Zoom's codes; none means any, also no code.
    code: &'static [i64],
    /// One of these must be in the message, compared in lower case; none means any.
    text: &'static [&'static str],
    then: Reaction,
}

macro_rules! rules {
    ($([$($http:literal)*] [$($code:literal)*] [$($text:literal),*] => $then:expr;)*) => {
        &[$(Rule { http: &[$($http),*], code: &[$($code),*], text: &[$($text),*], then: $then }),*]
    };
}

static RULES: &[Rule] = rules![
    // HTTP      code    text, one of                                 what follows
    [400 401 403 200] [] ["does not contain scopes"] => Scope;
    [] [124] [] => Token;
    // Revoked, owner gone, disabled: a second one in a row ends it.
    [] [4741 4735 4738 4717] [] => Token;
    [401] [] [] => Token;
    [403] [] ["access to the zoom rest api has been denied"] => Fatal;
    [] [200] ["only available for paid account"] => Not(Unavailable::Tier);
    [] [200] ["no permission", "not have the right permission", "selected groups of role scope"]
        => Not(Unavailable::Role);
    [] [200] ["invalid api key or secret"] => Fatal;
    [] [300] ["next page token"] => Restart;
    [] [300] ["cannot access meeting information"] => Not(Unavailable::NotAccessible);
    [] [300] [] => Dead;
    [] [1001 1010] [] => Not(Unavailable::UserGone);
    [] [1120] [] => Not(Unavailable::InvitationExpired);
    [] [2300] [] => Dead;
    [] [2306] [] => Not(Unavailable::AccountSetting);
    [] [3000] ["webinar"] => Not(Unavailable::Webinar);
    [] [3001] [] => NoMeeting;
    [] [3161] [] => EmptyList(Unavailable::NotAccessible);
    [] [3301 3322] [] => Empty;
    [] [12702] [] => Not(Unavailable::TooOld);
    [404] [] [] => Not(Unavailable::NotFound);
];

/// What a classified failure comes to, save "no such meeting".
pub(super) enum Classified {
    /// This.
    Verdict(Verdict),
    /// Zoom knows no such meeting: gone, or not there yet.
    NoMeeting,
}

impl Refusal {
    /// Of an error body; a code sent as text counts.
    pub(super) fn of(http: u16, body: &Value) -> Refusal {
        let code = match body.get("code") {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let mut message =
            body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        for error in body.get("errors").and_then(Value::as_array).into_iter().flatten().take(3) {
            let of = |member| error.get(member).and_then(Value::as_str).unwrap_or_default();
            message.push_str(&format!(" [{}: {}]", of("field"), of("message")));
        }
        Refusal { http, code, message }
    }

    /// For people: code and text. Zoom ends some texts with the id that was asked for; without
    /// it the same reason reads the same for all.
    pub(super) fn told(&self) -> String {
        let text = match self.message.rsplit_once(": ") {
            Some((text, id)) if !id.contains(' ') && !id.ends_with(']') => text,
            _ => &self.message,
        };
        match (self.code, text) {
            (Some(code), text) => format!("Zoom code {code}: {}", shown(text)),
            (None, "") => format!("HTTP {} without a word", self.http),
            (None, text) => format!("HTTP {}: {}", self.http, shown(text)),
        }
    }

    /// The verdict by the table.
    pub(super) fn classify(&self, op: &Operation) -> Classified {
        let text = self.message.to_lowercase();
        let rule = RULES.iter().find(|rule| {
            (rule.http.is_empty() || rule.http.contains(&self.http))
                && (rule.code.is_empty() || self.code.is_some_and(|c| rule.code.contains(&c)))
                && (rule.text.is_empty() || rule.text.iter().any(|t| text.contains(t)))
        });
        let message = self.told();
        let not = |why| Verdict::Unavailable { why, message: message.clone() };
        Classified::Verdict(match rule.map_or(Dead, |rule| rule.then) {
            Scope => Verdict::ScopeMissing(self.scopes(op)),
            Token => Verdict::Token { message },
            Fatal => Verdict::Fatal { message },
            Restart => Verdict::Restart,
            Empty => Verdict::Empty,
            EmptyList(_) if op.rows_in.is_some() => Verdict::Empty,
            EmptyList(why) | Not(why) => not(why),
            NoMeeting => return Classified::NoMeeting,
            Dead => Verdict::Dead { http: self.http, code: self.code, message },
        })
    }

    /// The scopes that the text lists in brackets; else those of the catalogue.
    fn scopes(&self, op: &Operation) -> Vec<String> {
        let listed = self.message.split_once('[').map_or("", |(_, rest)| rest);
        let listed = listed.split(']').next().unwrap_or_default();
        let scopes: Vec<String> = listed
            .split(',')
            .map(|scope| shown(scope.trim()))
            .filter(|scope| !scope.is_empty())
            .take(20)
            .collect();
        if scopes.is_empty() {
            return op.scopes.iter().map(|s| (*s).to_owned()).collect();
        }
        scopes
    }
}
