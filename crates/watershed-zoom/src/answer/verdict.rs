//! From an answer to its verdict.

use jiff::civil::Date;
use serde_json::{Map, Value};
use watershed_model::{Millis, Operation, Page, RetryCause, Unavailable, Unfit, Verdict};

use super::body::{self, Body};
use super::cursor::{Carried, page_token};
use super::errors::{Classified, Refusal};
use super::throttle::throttled;
use super::{Answer, rows, unripe};
use crate::strip_secrets;

/// A page token longer than this is none. Zoom's have some 40 characters.
const PAGE_TOKEN_MAX: usize = 4_096;

/// What the answer to the first page, to a listing of one page or to a record means.
///
/// `with` is what was asked; `now` is the engine's time, for waits.
pub fn read(
    op: &Operation,
    with: &Map<String, Value>,
    answer: &Answer<'_>,
    now: Millis,
) -> Verdict {
    read_after(op, with, None, answer, now)
}

/// What the answer means that followed on `cursor`, the `next` of the page before it.
///
/// Attendance needs it for right keys across pages ([`crate::keys`]); for everything else
/// it is [`read`].
pub fn read_after(
    op: &Operation,
    with: &Map<String, Value>,
    cursor: Option<&str>,
    answer: &Answer<'_>,
    now: Millis,
) -> Verdict {
    let asked = Asked { op, with, cursor, now };
    match (answer.status, body::open(answer)) {
        (429, Body::Json(body)) => throttled(op, answer, &Refusal::of(429, &body).message, now),
        (429, _) => throttled(op, answer, "", now),
        (408 | 500.., opened) => Verdict::Retry {
            cause: RetryCause::ServerError,
            message: match opened {
                Body::Json(body) => Refusal::of(answer.status, &body).told(),
                _ => format!("HTTP {}", answer.status),
            },
        },
        (200..=299, Body::Json(mut body)) => {
            strip_secrets(&mut body);
            asked.answered(answer, body)
        }
        (200..=299, Body::TooMuch(why)) => asked.dead(answer, why),
        (200..=299, Body::Empty) => retry(RetryCause::BadBody, "the body is empty".to_owned()),
        (200..=299, Body::Broken(why)) => retry(RetryCause::BadBody, why),
        (200..=299, Body::OtherKind(why)) => retry(RetryCause::NotJson, why),
        (_, Body::Json(body)) => asked.refused(&Refusal::of(answer.status, &body)),
        // A page of a proxy says nothing of what was asked, not even with 404; a 401 alone is
        // about the token whoever says it.
        (http, Body::OtherKind(why)) if http != 401 => asked.dead(answer, &why),
        // Half a refusal refuses nothing; a 404 says enough without a word.
        (http, Body::Broken(why)) if http != 401 => retry(RetryCause::BadBody, why),
        (http, Body::Empty) if !matches!(http, 401 | 404) => {
            retry(RetryCause::BadBody, format!("HTTP {http} without a word"))
        }
        (http, _) => asked.refused(&Refusal { http, code: None, message: String::new() }),
    }
}

fn retry(cause: RetryCause, message: String) -> Verdict {
    Verdict::Retry { cause, message }
}

/// The question, for its answer.
struct Asked<'a> {
    op: &'a Operation,
    with: &'a Map<String, Value>,
    cursor: Option<&'a str>,
    now: Millis,
}

impl Asked<'_> {
    fn dead(&self, answer: &Answer<'_>, message: &str) -> Verdict {
        Verdict::Dead { http: answer.status, code: None, message: message.to_owned() }
    }

    /// A status of success. It is a failure still where it has a code in place of content.
    fn answered(&self, answer: &Answer<'_>, mut body: Value) -> Verdict {
        let refusal = Refusal::of(answer.status, &body);
        let has = match self.op.rows_in.or_else(|| identity(self.op)) {
            Some(member) => body.get(member).is_some(),
            None => documented(self.op, &body),
        };
        if !has && refusal.code.is_some_and(|code| code != 0) {
            if matches!(refusal.code, Some(429 | 4001)) {
                return throttled(self.op, answer, &refusal.message, self.now);
            }
            return self.refused(&refusal);
        }
        let records = match self.op.rows_in {
            // Settings and the like do not say whose they are; what says nothing is none.
            None if body.is_object() && identity(self.op).is_none() && !has => {
                return retry(RetryCause::BadBody, "the body has no documented member".to_owned());
            }
            None if body.is_object() => vec![body.take()],
            Some(member) => match body.get_mut(member).map(Value::take) {
                Some(Value::Array(records)) => records,
                _ => return retry(RetryCause::BadBody, format!("the body has no list {member}")),
            },
            None => return retry(RetryCause::BadBody, "the body is no object".to_owned()),
        };
        self.page(answer, &body, records)
    }

    fn page(&self, answer: &Answer<'_>, body: &Value, records: Vec<Value>) -> Verdict {
        let token = match body.get("next_page_token") {
            // A record has no pages, whatever it says.
            _ if self.op.rows_in.is_none() => None,
            None | Some(Value::Null) => None,
            Some(Value::String(token)) if token.is_empty() => None,
            Some(Value::String(token)) if token.len() <= PAGE_TOKEN_MAX => Some(token.as_str()),
            Some(_) => {
                return retry(RetryCause::BadBody, "next_page_token is no such token".to_owned());
            }
        };
        if token.is_some() && token == self.cursor.map(page_token) {
            return self.dead(answer, "the page names itself as the next one");
        }
        let mut carried = Carried::of(self.cursor);
        let before = carried.unfit.clone();
        let (records, keys) = rows::identified(self.op, self.with, records, &mut carried);
        if self.op.rows_in.is_none() && records.is_empty() {
            return retry(RetryCause::BadBody, carried.unfit.first);
        }
        let is_known = |key: &Option<String>| key.is_none();
        if keys.iter().all(is_known) && !records.is_empty() && token.is_some() {
            return self.dead(answer, "the listing goes in circles: a page brought nothing new");
        }
        if token.is_some() && self.cursor.is_some() && carried.trail.comes_again(&records) {
            return self.dead(answer, "the listing goes in circles: the same records come again");
        }
        let ended_at = unripe::ended_at(self.with);
        carried.unripe_until =
            carried.unripe_until.max(unripe::unripe_until(self.op, &records, ended_at));
        let listed = records.len() as u64;
        let rows = rows::rows(self.op, self.with, (records, keys), &mut carried.unfit);
        let next = token.map(|token| carried.cursor(token));
        let here = carried.unfit != before;
        let unfit = carried.unfit.told().map(|told| Unfit { here, told });
        let narrowed = self.narrowed(body);
        self.settle(Page { records: listed, rows, next, narrowed, unfit }, &carried)
    }

    /// Data, empty, or not there yet.
    fn settle(&self, page: Page, carried: &Carried) -> Verdict {
        if page.next.is_some() {
            return Verdict::Data(page);
        }
        let attendance = unripe::attendance(self.op.dataset);
        if let Some(deadline) = carried.unripe_until.filter(|until| *until > self.now) {
            let (span, why) = if attendance {
                (unripe::ATTENDANCE_MS, "attendance is still being worked out")
            } else {
                (unripe::RECORDING_MS, "files are still in processing")
            };
            return unripe::waiting(self.now, deadline + -span, deadline, why, Some(page));
        }
        // Read too early it may lack whoever is still being worked out.
        if attendance
            && page.records > 0
            && let Some(end) = unripe::ended_at(self.with)
            && self.now < end + unripe::RETRY_MIN_MS
        {
            let why = "attendance is still being worked out";
            return unripe::waiting(self.now, end, end + unripe::ATTENDANCE_MS, why, Some(page));
        }
        let says_something = page.narrowed.is_some() || page.unfit.is_some();
        if page.records > 0 || says_something || self.cursor.is_some() {
            return Verdict::Data(page);
        }
        match self.fresh_end() {
            Some(end) if attendance && !self.alone() => self.not_yet(end),
            _ => Verdict::Empty,
        }
    }

    /// What Zoom refused with a body.
    fn refused(&self, refusal: &Refusal) -> Verdict {
        match refusal.classify(self.op) {
            Classified::Verdict(verdict) => verdict,
            Classified::NoMeeting if unripe::attendance(self.op.dataset) && self.alone() => {
                Verdict::Empty
            }
            Classified::NoMeeting => match self.fresh_end() {
                Some(end) => self.not_yet(end),
                None => Verdict::Unavailable { why: Unavailable::Gone, message: refusal.told() },
            },
        }
    }

    /// When the meeting ended, where that is less than a day ago.
    fn fresh_end(&self) -> Option<Millis> {
        unripe::ended_at(self.with).filter(|end| self.now - *end < unripe::ATTENDANCE_MS)
    }

    fn not_yet(&self, end: Millis) -> Verdict {
        let why = "attendance is not there yet";
        unripe::waiting(self.now, end, end + unripe::ATTENDANCE_MS, why, None)
    }

    /// A meeting of one person has no attendance, ever.
    fn alone(&self) -> bool {
        self.with.get("participants_count").and_then(Value::as_i64).is_some_and(|n| n < 2)
    }

    /// Zoom cuts a window that is too long, and only says so by the days it echoes. Days
    /// that have not come yet are not missed.
    fn narrowed(&self, body: &Value) -> Option<String> {
        let day =
            |value: Option<&Value>| -> Option<Date> { value?.as_str()?.get(..10)?.parse().ok() };
        let asked = (day(self.with.get("from"))?, day(self.with.get("to"))?);
        let told = (day(body.get("from"))?, day(body.get("to"))?);
        let narrower = told.0 > asked.0 || told.1 < asked.1.min(self.now.date());
        narrower
            .then(|| format!("asked {} to {}, answered {} to {}", asked.0, asked.1, told.0, told.1))
    }
}

/// Whether one of the documented members is there.
fn documented(op: &Operation, body: &Value) -> bool {
    op.record.fields.iter().any(|field| body.get(field.name).is_some())
}

/// The member without which a record is none.
fn identity(op: &Operation) -> Option<&'static str> {
    ["uuid", "id"].into_iter().find(|name| op.record.field(name).is_some())
}
