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
    for text in ["Access token is expired.", "Invalid access token.", "Requires an access token."] {
        check(USERS, 400, 124, text, "token");
        check(MEETINGS, 401, 124, text, "token");
        check(MEETINGS, 200, 124, text, "token");
    }
    check(PAST, 401, 4700, "Token cannot be empty.", "token");
    check(PAST, 401, 4700, "", "token");
    for code in [4741, 4735, 4738, 4717] {
        check(PAST, 401, code, "The token was revoked.", "token");
        check(PAST, 400, code, "The token was revoked.", "token");
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
    check(USERS, 400, 4711, bare, "scope user:read:list_users:admin user:read:list_users:master");
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
