//! Refusals: Zoom's error bodies, word for word where its documents give the words.
//!
//! # Source
//! Zoom's API reference (errors of each operation) and its pages on errors and rate limits.

use serde_json::{Value, json};

use crate::exchange::Answer;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    /// The scopes of which one would do.
    Scope(Vec<String>),
    /// The account id.
    PaidOnly(String),
    PageToken,
    Validation(&'static str),
    NoUser(String),
    InvitationExpired(String),
    NotRecognized,
    IsWebinar,
    /// What was asked for: number or UUID.
    NoMeeting(String),
    /// The same in Zoom's words; but the report will come.
    ReportNotYet(String),
    MayNotHost,
    NoRecording,
    TooOld,
}

impl Refusal {
    /// Whether the same call must be expected to be refused again.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(
            self,
            Refusal::TokenExpired
                | Refusal::TokenInvalid
                | Refusal::TokenMissing
                | Refusal::PageToken
                | Refusal::ReportNotYet(_)
        )
    }

    pub(crate) fn answer(&self) -> Answer {
        let (status, code, message) = self.parts();
        let mut body = json!({ "code": code, "message": message });
        if let Refusal::Validation(field) = self {
            body["errors"] = json!([{ "field": field, "message": "Invalid field." }]);
        }
        Answer::of_json(status, &body)
    }

    fn parts(&self) -> (u16, u32, String) {
        match self {
            Refusal::TokenExpired => (401, 124, "Access token is expired.".into()),
            Refusal::TokenInvalid => (401, 124, "Invalid access token.".into()),
            Refusal::TokenMissing => (401, 124, "Requires an access token.".into()),
            Refusal::Scope(scopes) => {
                let scopes = scopes.join(", ");
                let text = format!("Invalid access token, does not contain scopes:[{scopes}].");
                (400, 4711, text)
            }
            Refusal::PaidOnly(account) => {
                (200, 200, format!("Only available for paid account: {account}."))
            }
            Refusal::PageToken => (400, 300, "The next page token is invalid or expired.".into()),
            Refusal::Validation(_) => (400, 300, "Validation Failed.".into()),
            Refusal::NoUser(user) => (404, 1001, format!("User does not exist: {user}.")),
            Refusal::InvitationExpired(user) => (400, 1120, format!("Invite is expired: {user}.")),
            Refusal::NotRecognized => (404, 2300, "This API endpoint is not recognized.".into()),
            Refusal::IsWebinar => (400, 3000, "Cannot access webinar info.".into()),
            Refusal::NoMeeting(id) | Refusal::ReportNotYet(id) => {
                (404, 3001, format!("Meeting does not exist: {id}."))
            }
            Refusal::MayNotHost => (
                400,
                3161,
                "Your user account is not allowed meeting hosting and scheduling capabilities."
                    .into(),
            ),
            Refusal::NoRecording => (404, 3301, "There is no recording for this meeting.".into()),
            Refusal::TooOld => (400, 12_702, "Can not access meeting a year ago.".into()),
        }
    }
}

/// 429 for a full second.
pub(crate) fn per_second(code: u32) -> Value {
    json!({
        "code": code,
        "message": "You have reached the maximum per-second rate limit for this API. \
                    Try again later.",
    })
}

/// 429 for a full day.
pub(crate) fn daily(code: u32) -> Value {
    json!({
        "code": code,
        "message": "You have reached the maximum daily rate limit for this API. Refer to the \
                    response header for details on when you can make another request.",
    })
}
