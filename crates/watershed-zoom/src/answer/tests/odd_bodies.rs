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
