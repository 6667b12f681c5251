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
    let row =
        |leave: &str| json!({"user_id": "1", "join_time": "t", "leave_time": leave, "duration": 1});
    let asked = || json!({"uuid": "u"});
    let body = json!({"participants": [row("11:00")], "next_page_token": "p2"});
    let first = page("zoom.report_participants", asked(), None, &body);
    let cursor = first.next.as_deref();
    let body = json!({"participants": [row("12:00")]});
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
        item(op("zoom.list_user_recordings"), &page.rows[1].record),
        json!({"uuid": "u", "id": 7, "type": 8, "topic": "5", "news": {"x": 1},
        "on_prem": null, "recording_files": [
            {"id": "f", "file_size": 12.0, "meeting_id": "u"},
        ]})
    );
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
    let message = "Zoom code 1001: User does not exist".to_owned();
    assert_eq!(found, Verdict::Unavailable { why: Unavailable::UserGone, message });
}

/// How many pages are read of a listing whose page n is `body(n)`, at most 1,000.
fn pages_read(body: impl Fn(u32) -> Value) -> u32 {
    let mut cursor: Option<String> = None;
    for n in 1..=1_000 {
        match after("zoom.list_users", json!({}), cursor.as_deref(), &body(n)) {
            Verdict::Data(page) => cursor = page.next,
            dead => {
                assert_eq!(word(&dead), "dead 200 0");
                return n;
            }
        }
    }
    1_000
}

#[test]
fn a_list_in_circles_is_a_dead_letter_whatever_its_tokens_are() {
    let users = |id: u32| json!([{"id": id.to_string()}]);
    let turns = |n: u32| json!({"users": users(n % 2), "next_page_token": (n % 2).to_string()});
    assert!(pages_read(turns) < 50);
    let same = |n: u32| json!({"users": users(7), "next_page_token": n.to_string()});
    assert!(pages_read(same) < 20);
    let none = |n: u32| json!({"users": [], "next_page_token": n.to_string()});
    assert!(pages_read(none) < 20);
    let on = |n: u32| json!({"users": users(n), "next_page_token": n.to_string()});
    assert_eq!(pages_read(on), 1_000);
}

#[test]
fn a_record_has_no_pages() {
    let body = json!({"uuid": "u", "id": 1, "next_page_token": "x"});
    assert_eq!(page("zoom.get_past_meeting", json!({"uuid": "u"}), None, &body).next, None);
}

fn unfit(page: &Page) -> Option<(bool, &str)> {
    page.unfit.as_ref().map(|unfit| (unfit.here, unfit.told.as_str()))
}

#[test]
fn a_record_that_cannot_be_stored_takes_no_other_along() {
    let body = json!({"users": [{"id": "a"}, {"email": ""}, 7, {"id": "b"}]});
    let page = page("zoom.list_users", json!({}), None, &body);
    assert_eq!(keys(&page), ["a", "b"]);
    let records: Vec<&Value> = page.rows.iter().map(|row| &row.record).collect();
    assert_eq!(records, [&json!({"id": "a"}), &json!({"id": "b"})]);
    let told = "2 records cannot be stored, the first: users[1] has nothing to identify it by";
    assert_eq!(unfit(&page), Some((true, told)));
}

#[test]
fn what_an_earlier_page_could_not_store_is_told_to_the_end() {
    let body = json!({"users": [{"id": "a"}, null], "next_page_token": "p2"});
    let first = page("zoom.list_users", json!({}), None, &body);
    let told = "a record cannot be stored: users[1] is no object";
    assert_eq!(unfit(&first), Some((true, told)));
    let body = json!({"users": [{"id": "b"}]});
    let last = page("zoom.list_users", json!({}), first.next.as_deref(), &body);
    assert_eq!((last.next.as_deref(), unfit(&last)), (None, Some((false, told))));
}

#[test]
fn a_page_of_which_nothing_can_be_stored_is_not_empty() {
    let body = json!({"users": [null], "next_page_token": ""});
    assert_eq!(word(&after("zoom.list_users", json!({}), None, &body)), "data 0");
    let body = json!({"participants": ["Ana"]});
    let found = after("zoom.report_participants", json!({"uuid": "u"}), None, &body);
    assert_eq!(word(&found), "data 0");
}

#[test]
fn a_file_that_is_none_takes_neither_its_recording_nor_the_other_files_along() {
    let asked = || json!({"user_id": "x", "from": "2026-05-01", "to": "2026-05-28"});
    let of = |files: Value| {
        let body = json!({"meetings": [{"uuid": "u", "recording_files": files}]});
        page("zoom.list_user_recordings", asked(), None, &body)
    };
    let page = of(json!([{"id": "f"}, "g"]));
    assert_eq!(keys(&page), ["f", "u"]);
    let told = "a record cannot be stored: recording_files[1] of a recording is no object";
    assert_eq!(unfit(&page), Some((true, told)));
    let page = of(json!("none"));
    assert_eq!(keys(&page), ["u"]);
    assert!(page.unfit.is_some());
    for none in [json!(null), json!([])] {
        assert_eq!(of(none).unfit, None);
    }
}
