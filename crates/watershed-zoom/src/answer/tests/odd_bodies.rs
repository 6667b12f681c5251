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

#[test]
fn a_record_that_does_not_say_whose_it_is_has_a_documented_member_at_least() {
    let told = |id, asked, body| word(&verdict(id, asked, 200, &body));
    let user = || json!({ "user_id": "u1" });
    assert_eq!(told("zoom.get_user_settings", user(), json!({ "recording": {} })), "data 1");
    for body in [json!({}), json!({ "hello": "world" }), json!({ "code": 0 })] {
        assert_eq!(told("zoom.get_user_settings", user(), body), "retry bad_body");
    }
    let refused = json!({ "code": 1001, "message": "User does not exist: u1." });
    assert_eq!(told("zoom.get_user_settings", user(), refused), "user gone");
    let invited =
        told("zoom.get_invitation", json!({ "meeting_id": 7 }), json!({ "sip_links": [] }));
    assert_eq!(invited, "data 1");
}

#[test]
fn its_key_and_the_column_that_tells_it_are_what_was_asked() {
    let uuid = json!({ "uuid": "/a==" });
    let Verdict::Data(page) = verdict(
        "zoom.get_recording_settings",
        uuid,
        200,
        &json!({ "topic": "T", "password": "x" }),
    ) else {
        panic!("no data")
    };
    let [row] = &page.rows[..] else { panic!("{:?}", page.rows) };
    assert_eq!((row.key.as_str(), &row.asked["instance_uuid"]), ("/a==", &json!("/a==")));
    assert_eq!(row.record, json!({ "topic": "T" }), "less the passcode");
}
