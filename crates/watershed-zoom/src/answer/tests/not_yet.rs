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
fn attendance_that_is_read_within_a_quarter_of_an_hour_is_read_again() {
    let asked = |minutes_ago: i64| {
        let ended_at = NOW + -minutes_ago * 60_000;
        json!({"uuid": "u", "ended_at": ended_at.to_string()})
    };
    let some = stays(60, NOW);
    let early = verdict(REPORT, asked(2), 200, &some);
    let Verdict::Waiting { retry_at, page: Some(page), .. } = early else { panic!("it waits") };
    assert_eq!(retry_at - NOW, 15 * 60_000);
    assert!(!page.rows.is_empty(), "what is there is kept");
    assert!(matches!(verdict(REPORT, asked(15), 200, &some), Verdict::Data(_)));
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

#[test]
fn a_held_meeting_is_asked_a_quarter_of_an_hour_after_its_end_and_only_where_the_end_is_known() {
    let early = |operation: &str, with: Value, now: Millis| {
        let operation = catalogue().operation(operation).expect("known");
        let Value::Object(with) = with else { panic!("parameters are an object") };
        not_before(operation, &with, now).map(|at| at - NOW)
    };
    let ended = json!({"uuid": "u", "ended_at": NOW.to_string()});
    let past = "zoom.get_past_meeting";
    let minute = 60_000;
    assert_eq!(early(past, ended.clone(), NOW + minute), Some(15 * minute));
    assert_eq!(early(past, ended.clone(), NOW + 15 * minute), None);
    assert_eq!(early(past, ended.clone(), NOW + -minute), Some(15 * minute), "another clock");
    assert_eq!(early(past, ended.clone(), NOW + -2 * Millis::DAY), None);
    assert_eq!(early(past, json!({"uuid": "u"}), NOW), None);
    assert_eq!(early(REPORT, ended, NOW), None, "its answer tells");
}
