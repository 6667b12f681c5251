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

mod refusals {
    use super::*;

    #[track_caller]
    fn check(id: &str, status: u16, code: i64, message: &str, expected: &str) {
        let body = if code == 0 {
            json!({"message": message})
        } else {
            json!({"code": code, "message": message})
        };
        let found = verdict(id, json!({}), status, &body);
        assert_eq!(word(&found), expected, "HTTP {status}, code {code}, {message:?}");
    }

    const USERS: &str = "zoom.list_users";
    const MEETINGS: &str = "zoom.list_meetings";
    const PAST: &str = "zoom.get_past_meeting";
    const REPORT: &str = "zoom.report_participants";
    const RECORDINGS: &str = "zoom.list_user_recordings";
    const RECORDING: &str = "zoom.get_recording";

    #[test]
    fn a_token_that_is_no_longer_good_is_renewed() {
        for text in
            ["Access token is expired.", "Invalid access token.", "Requires an access token."]
        {
            check(USERS, 400, 124, text, "token");
            check(MEETINGS, 401, 124, text, "token");
            check(MEETINGS, 200, 124, text, "token");
        }
        check(PAST, 401, 4700, "Token cannot be empty.", "token");
        check(PAST, 401, 4700, "", "token");
        for code in [4741, 4735, 4738, 4717] {
            check(PAST, 401, code, "The token was revoked.", "token");
        }
        check(PAST, 401, 0, "", "token");
    }

    #[test]
    fn a_missing_scope_is_told_by_its_text_whatever_the_numbers_say() {
        let text = "Invalid access token, does not contain scopes:[user:read:list_users:admin, \
                    user:read:list_users].";
        let expected = "scope user:read:list_users:admin user:read:list_users";
        for (status, code) in [(400, 4711), (400, 4700), (401, 4700), (403, 4711), (401, 124)] {
            check(USERS, status, code, text, expected);
        }
        let bare = "Invalid access token, does not contain scopes.";
        check(
            USERS,
            400,
            4711,
            bare,
            "scope user:read:list_users:admin user:read:list_users:master",
        );
    }

    #[test]
    fn a_connection_that_is_shut_out_is_fatal() {
        let text = "Access to the Zoom REST API has been denied for this account. Contact Zoom \
                    Support for details.";
        check(USERS, 403, 0, text, "fatal");
        check(USERS, 403, 200, text, "fatal");
        check(USERS, 400, 200, "Invalid api key or secret.", "fatal");
    }

    #[test]
    fn code_200_means_tier_or_role_also_with_http_200() {
        for status in [400, 200] {
            check(REPORT, status, 200, "Only available for paid account: abc.", "tier");
            check(REPORT, status, 200, "No permission.", "role");
            check(RECORDINGS, status, 200, "You do not have the right permissions.", "role");
            check(
                RECORDINGS,
                status,
                200,
                "The selected groups of role scope have more than 500 members.",
                "role",
            );
        }
        check(REPORT, 400, 200, "Something new.", "dead 400 200");
    }

    #[test]
    fn code_300_means_three_things() {
        let lapsed = "The next page token is invalid or expired.";
        check(USERS, 400, 300, lapsed, "restart");
        check(REPORT, 400, 300, lapsed, "restart");
        check(PAST, 400, 300, "Cannot access meeting information.", "not accessible");
        check(MEETINGS, 400, 300, "Validation Failed.", "dead 400 300");
    }

    #[test]
    fn the_fields_that_failed_are_named() {
        let body = json!({"code": 300, "message": "Validation Failed.",
            "errors": [{"field": "from", "message": "Invalid field."}]});
        let Verdict::Dead { message, .. } = verdict(MEETINGS, json!({}), 400, &body) else {
            panic!("a dead letter")
        };
        assert_eq!(message, "Zoom code 300: Validation Failed. [from: Invalid field.]");
    }

    #[test]
    fn what_is_gone_is_unavailable_with_its_reason() {
        check(MEETINGS, 404, 1001, "User does not exist: abc.", "user gone");
        check(REPORT, 400, 1010, "User not found on this account: abc.", "user gone");
        check(RECORDINGS, 400, 1010, "User does not belong to this account:abc.", "user gone");
        check(MEETINGS, 400, 1120, "Invitation has expired.", "invitation expired");
        check(MEETINGS, 403, 2306, "Not allowed to view meetings.", "account setting");
        check(PAST, 400, 3000, "Cannot access webinar info.", "is a webinar");
        check(PAST, 404, 3001, "Meeting does not exist: 1.", "deleted, expired or too old");
        check(
            REPORT,
            404,
            3001,
            "Meeting 1 is not found or has expired.",
            "deleted, expired or too old",
        );
        check(REPORT, 400, 12702, "Can not access meeting a year ago.", "too old");
        check(PAST, 404, 0, "", "not found");
        check(PAST, 404, 9999, "Who knows.", "not found");
    }

    #[test]
    fn what_is_empty_is_complete_without_rows() {
        check(MEETINGS, 400, 3161, "Meeting hosting is not allowed for this user.", "empty");
        check(PAST, 400, 3161, "Meeting hosting is not allowed for this user.", "not accessible");
        check(RECORDING, 404, 3301, "There is no recording for this meeting.", "empty");
        check(RECORDINGS, 404, 3301, "There is no recording for this session.", "empty");
        check(RECORDING, 404, 3322, "This meeting transcript does not exist.", "empty");
    }

    #[test]
    fn our_mistakes_and_news_are_dead_letters() {
        check(PAST, 400, 2300, "This API endpoint is not recognized.", "dead 400 2300");
        check(PAST, 404, 2300, "This API endpoint is not recognized.", "dead 404 2300");
        check(PAST, 400, 9999, "Something new.", "dead 400 9999");
        check(PAST, 400, 0, "", "dead 400 0");
        check(PAST, 403, 0, "", "dead 403 0");
        check(PAST, 302, 0, "", "dead 302 0");
    }

    #[test]
    fn trouble_at_zoom_is_tried_again() {
        for status in [408, 500, 502, 503, 504] {
            check(USERS, status, 0, "Internal error.", "retry server_error");
            check(USERS, status, 1001, "User does not exist.", "retry server_error");
        }
    }

    #[test]
    fn a_code_sent_as_text_is_a_code_and_code_0_is_none() {
        let text = json!({"code": "1001", "message": "User does not exist: x."});
        assert_eq!(word(&verdict(MEETINGS, json!({}), 404, &text)), "user gone");
        let fine = json!({"code": 0, "meetings": []});
        assert_eq!(word(&verdict(MEETINGS, json!({}), 200, &fine)), "empty");
        let beside = json!({"code": 200, "message": "?", "meetings": []});
        assert_eq!(word(&verdict(MEETINGS, json!({}), 200, &beside)), "empty");
    }

    #[test]
    fn a_hostile_message_is_cut_and_cleaned() {
        let text = format!("\u{1b}[31m{}", "x".repeat(5_000));
        let body = json!({"code": 1001, "message": text});
        let found = verdict(MEETINGS, json!({}), 404, &body);
        let Verdict::Unavailable { message, .. } = found else { panic!("gone") };
        assert!(!message.contains('\u{1b}') && message.chars().count() < 400);
    }
}

mod odd_bodies {
    use super::*;

    fn raw(status: u16, kind: &str, body: &[u8]) -> String {
        let headers = [("content-type".to_owned(), kind.to_owned())];
        let answer = Answer { status, headers: &headers, body };
        word(&read(op("zoom.list_users"), &Map::new(), &answer, NOW))
    }

    #[test]
    fn a_page_for_people_is_never_data() {
        let html = b"<!DOCTYPE html><title>Just a moment...</title>";
        for (status, expected) in [
            (200, "retry not_json"),
            (403, "dead 403 0"),
            (404, "dead 404 0"),
            (401, "token"),
            (429, "wait daily=false"),
            (502, "retry server_error"),
        ] {
            assert_eq!(raw(status, "text/html", html), expected, "{status}");
            assert_eq!(raw(status, "application/json", html), expected, "{status}");
        }
    }

    #[test]
    fn an_answer_without_content_is_tried_again() {
        assert_eq!(raw(200, "application/json", b""), "retry bad_body");
        assert_eq!(raw(204, "", b""), "retry bad_body");
        assert_eq!(raw(404, "", b""), "not found");
    }

    #[test]
    fn an_answer_of_another_shape_is_tried_again() {
        assert_eq!(raw(200, "image/png", b"{\"users\":[]}"), "retry not_json");
        for body in [
            "{\"users\":[{\"id\":\"a\"},{\"id\"",
            "[]",
            "null",
            "7",
            "{}",
            "{\"users\":{}}",
            "{\"users\":[1]}",
            "{\"users\":[{\"email\":\"\"}]}",
            "{\"users\":[],\"next_page_token\":7}",
        ] {
            assert_eq!(raw(200, "application/json", body.as_bytes()), "retry bad_body", "{body}");
        }
    }

    #[test]
    fn a_body_nested_like_no_answer_is_a_dead_letter() {
        let body = format!("{{\"users\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(raw(200, "application/json", body.as_bytes()), "dead 200 0");
    }
}

mod throttles {
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
}

mod not_yet {
    use super::*;

    const REPORT: &str = "zoom.report_participants";

    fn asked(hours_ago: i64) -> Value {
        json!({"uuid": "u", "ended_at": (NOW + -hours_ago * 3_600_000).to_string()})
    }

    fn gone() -> Value {
        json!({"code": 3001, "message": "Meeting does not exist: u."})
    }

    #[test]
    fn a_fresh_meeting_that_the_report_does_not_know_is_waited_for() {
        let Verdict::Waiting { retry_at, deadline, page: None, .. } =
            verdict(REPORT, asked(2), 404, &gone())
        else {
            panic!("it waits")
        };
        assert_eq!(retry_at - NOW, 3_600_000);
        assert_eq!(deadline - NOW, 22 * 3_600_000);
        assert_eq!(word(&verdict(REPORT, asked(0), 404, &gone())), "waiting");
    }

    #[test]
    fn after_a_day_or_without_knowing_the_end_it_is_gone() {
        for asked in [asked(24), asked(30), json!({"uuid": "u"})] {
            let found = verdict(REPORT, asked, 404, &gone());
            assert_eq!(word(&found), "deleted, expired or too old");
        }
    }

    #[test]
    fn no_wait_is_longer_than_to_its_deadline() {
        let Verdict::Waiting { retry_at, deadline, .. } = verdict(REPORT, asked(23), 404, &gone())
        else {
            panic!("it waits")
        };
        assert_eq!(retry_at, deadline);
    }

    #[test]
    fn an_empty_report_waits_for_a_day_and_is_empty_then() {
        let none = json!({"participants": [], "next_page_token": ""});
        assert_eq!(word(&verdict(REPORT, asked(1), 200, &none)), "waiting");
        assert_eq!(word(&verdict(REPORT, asked(25), 200, &none)), "empty");
        assert_eq!(word(&verdict(REPORT, json!({"uuid": "u"}), 200, &none)), "empty");
    }

    #[test]
    fn a_meeting_of_one_has_no_attendance_whichever_way_zoom_says_it() {
        let asked = json!({"uuid": "u", "participants_count": 1,
            "ended_at": (NOW + -3_600_000).to_string()});
        assert_eq!(word(&verdict(REPORT, asked.clone(), 404, &gone())), "empty");
        assert_eq!(word(&verdict(REPORT, asked, 200, &json!({"participants": []}))), "empty");
    }

    fn stays(duration: i64, left_at: Millis) -> Value {
        json!({"participants": [
            {"user_id": "1", "duration": 60, "leave_time": left_at.to_string()},
            {"user_id": "2", "duration": duration, "leave_time": ""},
        ]})
    }

    #[test]
    fn a_stay_without_duration_is_read_again_and_kept_meanwhile() {
        let left_at = NOW + -3_600_000;
        let found = verdict(REPORT, json!({"uuid": "u"}), 200, &stays(0, left_at));
        let Verdict::Waiting { deadline, page: Some(page), .. } = found else {
            panic!("it waits with what is there")
        };
        assert_eq!(page.rows.len(), 2);
        assert_eq!(deadline, left_at + 24 * 3_600_000);
        let done = verdict(REPORT, json!({"uuid": "u"}), 200, &stays(9, left_at));
        assert_eq!(word(&done), "data 2");
        let old = stays(0, NOW + -25 * 3_600_000);
        assert_eq!(word(&verdict(REPORT, json!({"uuid": "u"}), 200, &old)), "data 2");
    }

    #[test]
    fn what_an_earlier_page_lacked_makes_the_last_one_wait() {
        let mut first = stays(0, NOW + -3_600_000);
        first["next_page_token"] = json!("p2");
        let Verdict::Data(page) = verdict(REPORT, json!({"uuid": "u"}), 200, &first) else {
            panic!("the first page goes on")
        };
        let last = json!({"participants": [{"user_id": "3", "duration": 5}]}).to_string();
        let headers = json_headers(&[]);
        let answer = Answer { status: 200, headers: &headers, body: last.as_bytes() };
        let asked = with(json!({"uuid": "u"}));
        let found = read_after(op(REPORT), &asked, page.next.as_deref(), &answer, NOW);
        assert_eq!(word(&found), "waiting");
    }

    fn recording(status: &str, ended_at: Millis) -> Value {
        json!({"uuid": "u", "start_time": "2026-01-01T00:00:00Z", "recording_files": [
            {"id": "a", "status": "completed"},
            {"id": "b", "status": status, "recording_end": ended_at.to_string()},
        ]})
    }

    #[test]
    fn a_file_in_processing_is_waited_for_three_days() {
        let get = |body: &Value| verdict("zoom.get_recording", json!({"uuid": "u"}), 200, body);
        let fresh = NOW + -10 * 3_600_000;
        let Verdict::Waiting { retry_at, deadline, page: Some(page), .. } =
            get(&recording("processing", fresh))
        else {
            panic!("it waits with what is there")
        };
        assert_eq!(page.rows.len(), 3);
        assert_eq!((retry_at - NOW, deadline - fresh), (5 * 3_600_000, 72 * 3_600_000));
        assert_eq!(word(&get(&recording("completed", fresh))), "data 3");
        assert_eq!(word(&get(&recording("processing", NOW + -73 * 3_600_000))), "data 3");
    }

    #[test]
    fn a_listing_with_a_file_in_processing_waits_as_a_whole() {
        let body = json!({"meetings": [recording("processing", NOW)]});
        let asked = json!({"from": "2026-05-01", "to": "2026-05-28"});
        let found = verdict("zoom.list_account_recordings", asked, 200, &body);
        assert_eq!(word(&found), "waiting");
    }
}

mod pages {
    use super::*;

    fn page(id: &str, asked: Value, cursor: Option<&str>, body: &Value) -> Page {
        match after(id, asked, cursor, body) {
            Verdict::Data(page) => page,
            other => panic!("{other:?}"),
        }
    }

    fn after(id: &str, asked: Value, cursor: Option<&str>, body: &Value) -> Verdict {
        let (headers, body) = (json_headers(&[]), body.to_string());
        let answer = Answer { status: 200, headers: &headers, body: body.as_bytes() };
        read_after(op(id), &with(asked), cursor, &answer, NOW)
    }

    fn keys(page: &Page) -> Vec<&str> {
        page.rows.iter().map(|row| row.key.as_str()).collect()
    }

    #[test]
    fn a_listing_ends_where_the_token_is_empty_absent_or_null() {
        for (token, next) in [(json!("x"), Some("x")), (json!(""), None), (json!(null), None)] {
            let body = json!({"users": [{"id": "a"}], "next_page_token": token});
            assert_eq!(page("zoom.list_users", json!({}), None, &body).next.as_deref(), next);
        }
        let body = json!({"users": [{"id": "a"}]});
        assert_eq!(page("zoom.list_users", json!({}), None, &body).next, None);
    }

    #[test]
    fn an_empty_page_in_the_middle_goes_on() {
        let body = json!({"users": [], "next_page_token": "x"});
        assert_eq!(page("zoom.list_users", json!({}), None, &body).next.as_deref(), Some("x"));
    }

    #[test]
    fn a_page_that_names_itself_as_the_next_is_a_dead_letter() {
        let body = json!({"users": [{"id": "a"}], "next_page_token": "x"});
        assert_eq!(word(&after("zoom.list_users", json!({}), Some("x"), &body)), "dead 200 0");
    }

    #[test]
    fn attendance_in_circles_is_a_dead_letter() {
        let stay = json!({"user_id": "1", "join_time": "t", "duration": 1});
        let body = |token: &str| json!({"participants": [stay], "next_page_token": token});
        let asked = || json!({"uuid": "u"});
        let first = page("zoom.report_participants", asked(), None, &body("a"));
        let second = after("zoom.report_participants", asked(), first.next.as_deref(), &body("b"));
        assert_eq!(word(&second), "dead 200 0");
    }

    #[test]
    fn twins_on_two_pages_get_two_keys() {
        let stay = |leave: &str| json!({"user_id": "1", "join_time": "10:00", "leave_time": leave, "duration": 1});
        let asked = || json!({"uuid": "u"});
        let body = json!({"participants": [stay("11:00")], "next_page_token": "p2"});
        let first = page("zoom.report_participants", asked(), None, &body);
        let cursor = first.next.as_deref();
        let body = json!({"participants": [stay("12:00")]});
        let second = page("zoom.report_participants", asked(), cursor, &body);
        assert_ne!(keys(&first), keys(&second));
        // The call that follows on the cursor sends Zoom's own token.
        let asked = with(asked());
        let request = crate::request(op("zoom.report_participants"), &asked, cursor);
        let path = request.map(|r| r.path_and_query).unwrap_or_default();
        assert!(path.ends_with("&next_page_token=p2"), "{path}");
    }

    #[test]
    fn rows_keep_what_was_sent_and_items_have_one_type() {
        let body = json!({"from": "2026-05-01", "to": "2026-05-28", "meetings": [{
            "uuid": "u", "id": 7, "type": "8", "topic": 5, "news": {"password": "p", "x": 1},
            "on_prem": "yes", "password": "p", "recording_files": [
                {"id": "f", "file_size": "12", "download_url": "d"},
            ],
        }]});
        let asked = json!({"user_id": "x", "from": "2026-05-01", "to": "2026-05-28"});
        let page = page("zoom.list_user_recordings", asked, None, &body);
        assert_eq!(keys(&page), ["f", "u"]);
        let recording = json!({"uuid": "u", "id": 7, "type": "8", "topic": 5, "news": {"x": 1},
            "on_prem": "yes", "recording_files": [{"id": "f", "file_size": "12"}]});
        assert_eq!(page.rows[1].record, recording);
        assert_eq!(
            page.items[0],
            json!({"uuid": "u", "id": 7, "type": 8, "topic": "5", "news": {"x": 1},
            "on_prem": null, "recording_files": [
                {"id": "f", "file_size": 12.0, "meeting_id": "u"},
            ]})
        );
        assert_eq!(item(op("zoom.list_user_recordings"), &page.rows[1].record), page.items[0]);
    }

    #[test]
    fn an_id_is_the_same_key_as_number_and_as_text() {
        let of = |id: Value| {
            let body = json!({"meetings": [{"id": id}]});
            page("zoom.list_meetings", json!({"user_id": "x"}), None, &body).rows[0].key.clone()
        };
        assert_eq!(of(json!(85746065432_i64)), of(json!("85746065432")));
    }

    #[test]
    fn a_window_that_came_back_narrower_is_told() {
        let narrowed = |from: &str, to: &str| {
            let asked = json!({"from": "2026-04-01", "to": "2026-06-30"});
            let body = json!({"from": from, "to": to, "meetings": [{"uuid": "u"}]});
            page("zoom.list_account_recordings", asked, None, &body).narrowed
        };
        assert_eq!(narrowed("2026-04-01", "2026-06-30"), None);
        assert_eq!(narrowed("2026-03-31", "2026-07-01"), None);
        let told = "asked 2026-04-01 to 2026-06-30, answered 2026-04-01 to 2026-05-01";
        assert_eq!(narrowed("2026-04-01", "2026-05-01").as_deref(), Some(told));
        assert!(narrowed("2026-05-30", "2026-06-30").is_some());
        // Today is 2026-05-28: what lies beyond is not missed.
        assert_eq!(narrowed("2026-04-01", "2026-05-28"), None);
        assert_eq!(narrowed("", ""), None);
    }

    #[test]
    fn a_narrower_window_without_rows_is_not_taken_for_an_empty_one() {
        let asked = json!({"from": "2026-04-01", "to": "2026-05-20"});
        let body = json!({"from": "2026-04-20", "to": "2026-05-20", "meetings": []});
        let found = after("zoom.list_account_recordings", asked, None, &body);
        assert_eq!(word(&found), "data 0");
    }

    #[test]
    fn unavailable_names_what_zoom_said() {
        let body = json!({"code": 1001, "message": "User does not exist: x."});
        let found = verdict("zoom.list_meetings", json!({}), 404, &body);
        let message = "Zoom code 1001: User does not exist: x.".to_owned();
        assert_eq!(found, Verdict::Unavailable { why: Unavailable::UserGone, message });
    }
}

mod anything {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            status in 100..600_u16,
            body in proptest::collection::vec(any::<u8>(), 0..200),
            header in ".{0,40}",
            which in 0..9_usize,
        ) {
            let names = ["content-type", "retry-after", "x-ratelimit-reset", "x-ratelimit-type"];
            let headers: Vec<_> = names.iter().map(|n| ((*n).to_owned(), header.clone())).collect();
            let operation = catalogue().operations[which];
            for headers in [&headers[..], &[]] {
                let answer = Answer { status, headers, body: &body };
                let _ = read_after(operation, &Map::new(), Some(&header), &answer, NOW);
            }
        }

        #[test]
        fn no_json_makes_it_panic_or_lets_a_secret_out(
            members in proptest::collection::btree_map(
                prop_oneof![Just("users"), Just("meetings"), Just("participants"), Just("code"),
                    Just("next_page_token"), Just("from"), Just("uuid"), Just("password")],
                prop_oneof![Just(json!(null)), Just(json!("x")), Just(json!(3001)),
                    Just(json!([{"id": 1, "uuid": "u", "start_url": "s3cr3t", "duration": 0}])),
                    Just(json!([[]])), Just(json!({"password": "s3cr3t"}))],
                0..6),
            status in prop_oneof![Just(200_u16), Just(400), Just(404)],
            which in 0..9_usize,
        ) {
            let body: Value = members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            let found = verdict(catalogue().operations[which].id, json!({}), status, &body);
            let told = format!("{found:?}");
            prop_assert!(!told.contains("s3cr3t"), "{}", told);
        }
    }
}
