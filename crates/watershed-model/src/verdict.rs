//! What an answer of the API means.

use serde::{Deserialize, Serialize};

use crate::{Category, Millis, Row};

/// One page (or record, or file) that was read whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Records that it lists and that can be stored. One that repeats another brings no row.
    pub records: u64,
    /// The rows that go into the datasets, in the order sent.
    pub rows: Vec<Row>,
    /// The token of the next page; `None` where this was the last.
    pub next: Option<String>,
    /// Set where the answer covers less than was asked (a window came back narrower).
    pub narrowed: Option<String>,
    /// Set where the listing, up to here, has brought records that cannot be stored.
    pub unfit: Option<Unfit>,
}

/// Records of a listing that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Whether some of them are of this very page.
    pub here: bool,
    /// How many there are, and what is wrong with the first.
    pub told: String,
}

/// Why something is not to be had. Complete, and coverage says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// The plan tier of the account has no such call. Stops the step on the connection.
    Tier,
    /// The role of the app's owner lacks the privilege. Stops the step on the connection.
    Role,
    /// A scope was not granted. Stops the step on the connection.
    Scope,
    /// The user is gone or of another account.
    UserGone,
    /// The invitation has expired.
    InvitationExpired,
    /// The meeting was deleted, has expired or is too old to be told apart.
    Gone,
    /// Older than Zoom keeps it.
    TooOld,
    /// Meeting information cannot be accessed.
    NotAccessible,
    /// It is a webinar.
    Webinar,
    /// An account setting hides it.
    AccountSetting,
    /// In the trash.
    Trashed,
    /// It was waited for until its deadline.
    NeverCame,
    /// Not found, for no named reason.
    NotFound,
}

impl Unavailable {
    /// The reason as stored in coverage.
    pub fn name(self) -> &'static str {
        match self {
            Unavailable::Tier => "tier",
            Unavailable::Role => "role",
            Unavailable::Scope => "scope",
            Unavailable::UserGone => "user gone",
            Unavailable::InvitationExpired => "invitation expired",
            Unavailable::Gone => "deleted, expired or too old",
            Unavailable::TooOld => "too old",
            Unavailable::NotAccessible => "not accessible",
            Unavailable::Webinar => "is a webinar",
            Unavailable::AccountSetting => "account setting",
            Unavailable::Trashed => "trashed",
            Unavailable::NeverCame => "never came",
            Unavailable::NotFound => "not found",
        }
    }

    /// Whether it holds for the step on the whole connection, so that asking on is in vain.
    pub fn stops_step(self) -> bool {
        matches!(self, Unavailable::Tier | Unavailable::Role | Unavailable::Scope)
    }
}

/// Why a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryCause {
    /// 5xx or 408.
    ServerError,
    /// Connection refused, reset, timed out.
    Transport,
    /// A body that ended early, was not JSON, or had no expected member.
    BadBody,
    /// A page of another kind (HTML) where JSON was due.
    NotJson,
    /// 429.
    RateLimit,
    /// The token was refused once.
    Token,
    /// Zoom asked to come back (concurrent requests).
    Busy,
}

impl RetryCause {
    /// The name used in counts of repeated calls.
    pub fn name(self) -> &'static str {
        match self {
            RetryCause::ServerError => "server_error",
            RetryCause::Transport => "transport",
            RetryCause::BadBody => "bad_body",
            RetryCause::NotJson => "not_json",
            RetryCause::RateLimit => "rate_limit",
            RetryCause::Token => "token",
            RetryCause::Busy => "busy",
        }
    }
}

/// A 429, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// The category that Zoom names, else the operation's own.
    pub category: Category,
    /// Whether the day's budget is spent; else the period is the second (or minute).
    pub daily: bool,
    /// When calls of the category may start again.
    pub until: Millis,
}

/// What the headers of an answer say of the budget that its call was counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The category that Zoom counted the call in.
    pub category: Category,
    /// Limit and what remained of it after the call, where both were told.
    pub left: Option<Left>,
    /// Calls of the worker that heard it that may be in what it tells, for a second or minute;
    /// `None` where other workers make calls for the account as well.
    #[serde(default)]
    pub own: Option<u16>,
    /// Whether that is one for sure, its own: no process made another in that second or minute.
    #[serde(default)]
    pub alone: bool,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Whether it is the day's; else it is the second's (or minute's).
    pub daily: bool,
    /// Calls a period, of the whole account.
    pub limit: u32,
    /// Of these, calls that nobody had made.
    pub remaining: u32,
}

/// What an answer means, and so what happens next.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Rows, and perhaps a next page.
    Data(Page),
    /// Complete, with no rows.
    Empty,
    /// Not there yet: ask again at `retry_at`; after `deadline` it is unavailable.
    Waiting {
        /// When to ask again.
        retry_at: Millis,
        /// When to give up.
        deadline: Millis,
        /// What is not there yet.
        why: String,
        /// What is already there.
        page: Option<Page>,
    },
    /// Not to be had.
    Unavailable {
        /// Why.
        why: Unavailable,
        /// Zoom's own code and text.
        message: String,
    },
    /// A scope is missing; each entry is an alternative.
    ScopeMissing(Vec<String>),
    /// Try the same call again, later.
    Retry {
        /// Why.
        cause: RetryCause,
        /// What was answered.
        message: String,
    },
    /// The rate limit was met: wait until then. Costs no attempt.
    Wait(Throttle),
    /// The token is no longer good: a new one, and the same call once more.
    Token {
        /// What was answered.
        message: String,
    },
    /// The page token is no longer good: the listing starts again.
    Restart,
    /// A dead letter.
    Dead {
        /// HTTP status.
        http: u16,
        /// Zoom's code.
        code: Option<i64>,
        /// What was answered.
        message: String,
    },
    /// The connection cannot go on.
    Fatal {
        /// What to tell the operator.
        message: String,
    },
}
