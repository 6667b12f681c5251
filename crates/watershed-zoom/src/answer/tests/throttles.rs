use super::*;

const PER_SECOND: &str = "You have reached the maximum per-second rate limit for this API. \
    Try again later.";
const DAILY: &str = "You have reached the maximum daily rate limit for this API. Refer to \
    the response header for details on when you can make another request.";

fn throttle(message: &str, headers: &[(&str, &str)]) -> Throttle {
    let headers = json_headers(headers);
    let body = json!({"code": 429, "message": message}).to_string();
    let answer = Answer { status: 429, headers: &headers, body: body.as_bytes() };
    match read(op("zoom.list_users"), &Map::new(), &answer, NOW) {
        Verdict::Wait(throttle) => throttle,
        other => panic!("{other:?}"),
    }
}

/// Milliseconds to wait, and whether it is the day's budget.
#[track_caller]
fn check(message: &str, headers: &[(&str, &str)], daily: bool, wait_ms: i64) {
    let found = throttle(message, headers);
    assert_eq!((found.daily, found.until - NOW), (daily, wait_ms), "{headers:?}");
}

const MIDNIGHT_MS: i64 = 12_800_000;

#[test]
fn without_headers_the_text_decides() {
    check(PER_SECOND, &[], false, 1_000);
    check("", &[], false, 1_000);
    check(DAILY, &[], true, MIDNIGHT_MS);
}

#[test]
fn the_three_forms_of_retry_after_are_read() {
    check(PER_SECOND, &[("retry-after", "7")], false, 7_000);
    check(PER_SECOND, &[("retry-after", "2026-05-28T20:26:50Z")], false, 10_000);
    check(PER_SECOND, &[("retry-after", "Thu, 28 May 2026 20:26:50 GMT")], false, 10_000);
    check(DAILY, &[("retry-after", "2026-05-29T00:00:00Z")], true, MIDNIGHT_MS);
}

#[test]
fn the_two_forms_of_reset_are_read_and_the_later_moment_counts() {
    check(PER_SECOND, &[("x-ratelimit-reset", "1780000003")], false, 3_000);
    check(PER_SECOND, &[("x-ratelimit-reset", "2026-05-28T20:26:43Z")], false, 3_000);
    let both = [("x-ratelimit-reset", "1780000003"), ("retry-after", "5")];
    check(PER_SECOND, &both, false, 5_000);
    // The day's reset beside a limit per second says nothing of the next second.
    check(PER_SECOND, &[("x-ratelimit-reset", "1780012800")], false, 1_000);
}

#[test]
fn the_day_is_told_by_type_or_by_a_long_wait() {
    check("", &[("x-ratelimit-type", "Daily-limit")], true, MIDNIGHT_MS);
    check("", &[("x-ratelimit-type", "DAILY")], true, MIDNIGHT_MS);
    check("", &[("x-ratelimit-type", "QPS")], false, 1_000);
    check("", &[("retry-after", "120")], false, 120_000);
    check("", &[("retry-after", "121")], true, 121_000);
}

#[test]
fn absurd_values_are_not_believed() {
    for absurd in [
        "1000000000",
        "-5",
        "9223372036854775807",
        "1999-01-01T00:00:00Z",
        "2999-01-01T00:00:00Z",
        "soon",
        "",
    ] {
        check(PER_SECOND, &[("retry-after", absurd)], false, 1_000);
        check(DAILY, &[("retry-after", absurd)], true, MIDNIGHT_MS);
    }
    check(PER_SECOND, &[("x-ratelimit-reset", "-1")], false, 1_000);
    check(PER_SECOND, &[("retry-after", "0")], false, 1_000);
}

#[test]
fn the_category_of_the_header_is_believed() {
    for (name, category) in [
        ("Light", Category::Light),
        ("medium", Category::Medium),
        ("HEAVY", Category::Heavy),
        ("Resource-intensive", Category::ResourceIntensive),
        ("unheard-of", Category::Medium),
    ] {
        let found = throttle(PER_SECOND, &[("x-ratelimit-category", name)]);
        assert_eq!(found.category, category, "{name}");
    }
}

#[test]
fn code_4001_and_a_429_within_200_are_the_same() {
    let body = json!({"code": 4001, "message": PER_SECOND});
    for status in [429, 200] {
        let found = verdict("zoom.list_past_instances", json!({}), status, &body);
        assert_eq!(word(&found), "wait daily=false", "{status}");
    }
}

#[test]
fn concurrent_requests_are_no_matter_of_the_budget() {
    let body = json!({"code": 429, "message": "Too many concurrent requests. Try again."});
    let found = verdict("zoom.list_users", json!({}), 429, &body);
    assert!(matches!(found, Verdict::Retry { cause: RetryCause::Busy, .. }));
}

#[test]
fn a_users_daily_limit_is_the_day() {
    let text = "You have exceeded the daily rate limit (100) of Meeting Create/Update API \
        requests permitted for this particular user.";
    check(text, &[], true, MIDNIGHT_MS);
}
