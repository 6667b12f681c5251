use serde_json::json;

use super::*;
use crate::catalogue;

fn op(id: &str) -> &'static Operation {
    catalogue().operation(id).expect("in the catalogue")
}

fn asked(id: &str, with: Value) -> Result<Request, String> {
    let Value::Object(with) = with else { panic!("parameters are an object") };
    request(op(id), &with, None).map_err(|e| e.to_string())
}

/// Path and subject of a request.
#[track_caller]
fn check(id: &str, with: Value, path: &str, subject: &str) {
    let request = asked(id, with).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(request.path_and_query, path);
    assert_eq!(request.subject.as_str(), subject);
}

#[test]
fn each_operation_is_asked_at_its_place() {
    check(
        "zoom.list_users",
        json!({"status": "inactive"}),
        "/users?page_size=300&status=inactive",
        r#"{"status":"inactive"}"#,
    );
    check(
        "zoom.list_meetings",
        json!({"user_id": "KDcuGIm1QgePTO8WbOqwIQ", "type": "previous_meetings",
               "from": "2026-01-01", "to": "2026-06-30"}),
        "/users/KDcuGIm1QgePTO8WbOqwIQ/meetings?page_size=300&type=previous_meetings\
         &from=2026-01-01&to=2026-06-30",
        r#"{"type":"previous_meetings","user_id":"KDcuGIm1QgePTO8WbOqwIQ"}"#,
    );
    check(
        "zoom.list_past_instances",
        json!({"meeting_id": 85746065432_i64}),
        "/past_meetings/85746065432/instances",
        r#"{"meeting_id":85746065432}"#,
    );
    check(
        "zoom.get_past_meeting",
        json!({"uuid": "/aDYl//RtCd4ii1uC2+hA=="}),
        "/past_meetings/%252FaDYl%252F%252FRtCd4ii1uC2%252BhA%253D%253D",
        r#"{"uuid":"/aDYl//RtCd4ii1uC2+hA=="}"#,
    );
    check(
        "zoom.report_participants",
        json!({"uuid": "aDYlohsHRtCd4ii1uC2+hA=="}),
        "/report/meetings/aDYlohsHRtCd4ii1uC2%2BhA%3D%3D/participants?page_size=300",
        r#"{"uuid":"aDYlohsHRtCd4ii1uC2+hA=="}"#,
    );
    check(
        "zoom.list_past_participants",
        json!({"uuid": "a"}),
        "/past_meetings/a/participants?page_size=300",
        r#"{"uuid":"a"}"#,
    );
    check(
        "zoom.list_user_recordings",
        json!({"user_id": "jill@example.com", "from": "2026-01-01", "to": "2026-01-30"}),
        "/users/jill%40example.com/recordings?page_size=300&from=2026-01-01&to=2026-01-30",
        r#"{"user_id":"jill@example.com"}"#,
    );
    check(
        "zoom.list_account_recordings",
        json!({"from": "2026-01-01", "to": "2026-01-30"}),
        "/accounts/me/recordings?page_size=300&from=2026-01-01&to=2026-01-30",
        "{}",
    );
    check(
        "zoom.get_recording",
        json!({"uuid": "a/b"}),
        "/meetings/a%252Fb/recordings",
        r#"{"uuid":"a/b"}"#,
    );
}

#[test]
fn a_download_has_no_path_and_is_covered_by_its_file() {
    let file = json!({"id": "f-1", "meeting_id": "u==", "file_type": "TRANSCRIPT",
        "file_extension": "VTT", "recording_start": "2026-01-01T10:00:00Z", "recording_end": null});
    check(
        "zoom.download_recording_file",
        json!({"file": file}),
        "",
        r#"{"file_id":"f-1","instance_uuid":"u=="}"#,
    );
}

#[test]
fn the_window_is_told_and_is_no_part_of_the_subject() {
    let request =
        asked("zoom.list_account_recordings", json!({"from": "2026-01-01", "to": "2026-01-30"}));
    let window = request.map(|r| r.window.map(|w| (w.from.to_string(), w.to.to_string())));
    assert_eq!(window, Ok(Some(("2026-01-01".to_owned(), "2026-01-30".to_owned()))));
}

#[test]
fn the_next_page_differs_in_its_token_only() {
    let with = Map::from_iter([("status".to_owned(), json!("active"))]);
    let first = request(op("zoom.list_users"), &with, None).expect("a request");
    let next = request(op("zoom.list_users"), &with, Some("a+b&c=")).expect("a request");
    assert_eq!(
        next.path_and_query,
        format!("{}&next_page_token=a%2Bb%26c%3D", first.path_and_query)
    );
    assert_eq!(next.subject, first.subject);
}

#[test]
fn a_number_and_its_text_are_the_same_subject() {
    let number = asked("zoom.list_past_instances", json!({"meeting_id": 123}));
    assert_eq!(asked("zoom.list_past_instances", json!({"meeting_id": "123"})), number);
}

#[test]
fn a_hint_is_neither_sent_nor_covered() {
    let bare = asked("zoom.report_participants", json!({"uuid": "u"}));
    let hinted = json!({"uuid": "u", "ended_at": "2026-01-01T10:00:00Z", "participants_count": 3});
    assert_eq!(asked("zoom.report_participants", hinted), bare);
    let unknown = json!({"uuid": "u", "ended_at": null, "participants_count": null});
    assert_eq!(asked("zoom.report_participants", unknown), bare);
}

#[test]
fn what_cannot_be_asked_is_named_with_operation_parameter_and_value() {
    let days = |from: &str, to: &str| json!({"from": from, "to": to});
    for (id, with, expected) in [
        (
            "zoom.list_users",
            json!({"status": "gone"}),
            "zoom.list_users: parameter status is \"gone\", but must be one of active, inactive, \
             pending",
        ),
        ("zoom.list_users", json!({"state": 1}), "zoom.list_users: no parameter state (given 1)"),
        (
            "zoom.get_past_meeting",
            json!({}),
            "zoom.get_past_meeting: parameter uuid is missing (given nothing)",
        ),
        (
            "zoom.get_past_meeting",
            json!({"uuid": null}),
            "zoom.get_past_meeting: parameter uuid is missing (given null)",
        ),
        (
            "zoom.list_past_instances",
            json!({"meeting_id": "abc"}),
            "zoom.list_past_instances: parameter meeting_id is \"abc\", but must be a whole number",
        ),
        (
            "zoom.list_account_recordings",
            days("2026-02-30", "2026-03-01"),
            "zoom.list_account_recordings: parameter from is \"2026-02-30\", but must be a day, \
             yyyy-mm-dd",
        ),
        (
            "zoom.list_account_recordings",
            days("2026-03-02", "2026-03-01"),
            "zoom.list_account_recordings: parameter to is 2026-03-01, which makes no window: it \
             lies before `from`",
        ),
        (
            "zoom.list_meetings",
            json!({"user_id": "u", "from": "2026-03-02"}),
            "zoom.list_meetings: parameter from is 2026-03-02, which makes no window: the other \
             end is missing",
        ),
        (
            "zoom.download_recording_file",
            json!({"file": {"id": "f"}}),
            "zoom.download_recording_file: parameter file is {\"id\":\"f\"}, but must be a \
             recording file with meeting_id and with id or file_type",
        ),
    ] {
        assert_eq!(asked(id, with), Err(expected.to_owned()));
    }
}

#[test]
fn no_id_climbs_out_of_its_path() {
    for id in ["", ".", ".."] {
        assert!(asked("zoom.list_meetings", json!({"user_id": id})).is_err(), "{id}");
    }
    check(
        "zoom.list_meetings",
        json!({"user_id": "../accounts?x=1#y"}),
        "/users/..%2Faccounts%3Fx%3D1%23y/meetings?page_size=300",
        r#"{"user_id":"../accounts?x=1#y"}"#,
    );
}
