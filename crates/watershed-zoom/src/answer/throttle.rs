//! A 429: whose budget is spent, for how long.
//!
//! # Source
//! Zoom "Rate limits" and its older guide to the headers; public clients for the forms that
//! `Retry-After` and `X-RateLimit-Reset` take; checked 2026-11-24.

use jiff::Timestamp;
use watershed_model::{Category, Heard, Left, Millis, Operation, RetryCause, Throttle, Verdict};

use super::Answer;

/// A day's budget is back after a day at most; one hour for clocks that differ.
const WAIT_MAX_MS: i64 = 25 * 3_600_000;
/// The least wait: a second's budget is back after a second.
const WAIT_MIN_MS: i64 = 1_000;
/// A wait beyond this is no wait for the next second or minute.
const DAILY_FROM_MS: i64 = 120_000;

/// The verdict of a 429 (or of code 4001 in its place).
pub(crate) fn throttled(
    op: &Operation,
    answer: &Answer<'_>,
    message: &str,
    now: Millis,
) -> Verdict {
    let text = message.to_lowercase();
    if text.contains("too many concurrent") {
        return Verdict::Retry { cause: RetryCause::Busy, message: super::body::shown(message) };
    }
    let category = answer.header("x-ratelimit-category").and_then(category).or(op.category);
    let Some(category) = category else {
        // A download: no limit counts it, so none can be told to wait.
        let message = super::body::shown(message);
        return Verdict::Retry { cause: RetryCause::RateLimit, message };
    };
    // A moment further away than any budget is refused for is not believed.
    let believed = |at: &Millis| (0..=WAIT_MAX_MS).contains(&(*at - now));
    let retry_after =
        answer.header("retry-after").and_then(|h| retry_after(h, now)).filter(believed);
    let kind = answer.header("x-ratelimit-type").unwrap_or_default().to_ascii_lowercase();
    let daily = kind.starts_with("daily")
        || text.contains("daily rate limit")
        || retry_after.is_some_and(|at| at - now > DAILY_FROM_MS);
    let until = if daily {
        retry_after.unwrap_or_else(|| now.next_day())
    } else {
        // A reset far away is the day's, sent beside a limit per second.
        let reset = answer
            .header("x-ratelimit-reset")
            .and_then(reset)
            .filter(|at| *at - now <= DAILY_FROM_MS);
        retry_after.max(reset).unwrap_or(now)
    };
    let until = until.clamp(now + WAIT_MIN_MS, now + WAIT_MAX_MS);
    Verdict::Wait(Throttle { category, daily, until })
}

/// What an answer's headers say of the budget, whatever else it says.
///
/// # Source
/// Zoom "Rate limits": `X-RateLimit-Category`, `-Type` (`QPS` or `Daily-limit`), `-Limit`,
/// `-Remaining`; none is guaranteed. A limit without its type was seen to be a day's beside a
/// category of seconds, so it is not used. Checked 2026-11-24.
pub fn heard(answer: &Answer<'_>) -> Option<Heard> {
    let category = category(answer.header("x-ratelimit-category")?)?;
    let number = |name| answer.header(name).and_then(|text| text.trim().parse::<u32>().ok());
    let kind = answer.header("x-ratelimit-type").unwrap_or_default().to_ascii_lowercase();
    let known = kind.starts_with("daily") || kind == "qps";
    let limit = number("x-ratelimit-limit").filter(|limit| known && *limit > 0);
    let left = limit.zip(number("x-ratelimit-remaining")).map(|(limit, remaining)| Left {
        daily: kind.starts_with("daily"),
        limit,
        remaining: remaining.min(limit),
    });
    Some(Heard { category, left, own: None, alone: false })
}

fn category(name: &str) -> Option<Category> {
    match name.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
        "light" => Some(Category::Light),
        "medium" => Some(Category::Medium),
        "heavy" => Some(Category::Heavy),
        "resource-intensive" => Some(Category::ResourceIntensive),
        _ => None,
    }
}

/// Whole seconds, an ISO 8601 instant, or an HTTP date.
fn retry_after(header: &str, now: Millis) -> Option<Millis> {
    if let Ok(seconds) = header.parse::<i64>() {
        return Some(now + seconds.saturating_mul(1_000));
    }
    moment(header)
}

/// Unix seconds, or an ISO 8601 instant.
fn reset(header: &str) -> Option<Millis> {
    match header.parse::<i64>() {
        Ok(seconds) => Some(Millis(seconds.saturating_mul(1_000))),
        Err(_) => moment(header),
    }
}

fn moment(text: &str) -> Option<Millis> {
    let iso = text.parse::<Timestamp>().ok();
    let http = || jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    iso.or_else(http).map(Millis::from)
}
