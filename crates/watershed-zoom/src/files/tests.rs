use serde_json::json;
use watershed_model::{Throttle, Verdict};

use super::*;

const NOW: Millis = Millis(1_780_000_000_000);
const VTT: &str =
    "WEBVTT\n\n00:00:02.656 --> 00:00:05.230\nJill: Hi\n\n00:00:06.000 --> 00:00:07.000\nYes.\n";

fn with(file: Value) -> Map<String, Value> {
    Map::from_iter([("file".to_owned(), file)])
}

fn transcript_file() -> Value {
    json!({"id": "f-1", "meeting_id": "u==", "file_type": "TRANSCRIPT", "file_extension": "VTT",
           "recording_start": "2026-05-01T10:00:00Z", "recording_end": null})
}

fn target(recording: Value, file: Value) -> Result<(String, Option<u64>), Box<Verdict>> {
    let file = FileRef::of(&with(file))?;
    Ok(find_file(recording.to_string().as_bytes(), &file, NOW).map(|t| (t.url, t.size))?)
}

fn read(status: u16, kind: &str, body: &[u8]) -> Verdict {
    let headers = [("content-type".to_owned(), kind.to_owned())];
    let answer = Answer { status, headers: &headers, body };
    read_transcript(&DOWNLOAD_RECORDING_FILE, &with(transcript_file()), &answer, NOW)
}

#[test]
fn a_file_is_found_again_by_its_id() {
    let recording = json!({"recording_files": [
        {"id": "f-0", "download_url": "https://zoom.us/0"},
        {"id": "f-1", "download_url": "https://zoom.us/1", "file_size": 77},
    ]});
    assert_eq!(
        target(recording, transcript_file()),
        Ok(("https://zoom.us/1".to_owned(), Some(77)))
    );
}

#[test]
fn a_file_without_id_is_found_by_type_and_start() {
    let recording = json!({"recording_files": [
        {"id": "x", "file_type": "CC", "recording_start": "a", "download_url": "1"},
        {"file_type": "CC", "recording_start": "b", "download_url": "2"},
        {"file_type": "CC", "recording_start": "a", "download_url": "3"},
    ]});
    let file = json!({"meeting_id": "u", "file_type": "CC", "recording_start": "a", "id": null});
    assert_eq!(target(recording, file.clone()), Ok(("3".to_owned(), None)));
    assert_eq!(FileRef::of(&with(file)).map(|f| f.key()), Ok("u|CC|a|0".to_owned()));
}

#[test]
fn a_file_that_is_gone_trashed_or_in_the_works_is_told_apart() {
    let of = |file: Value| target(json!({"recording_files": [file]}), transcript_file());
    let why = |found: Result<_, Box<Verdict>>| match found {
        Err(verdict) => match *verdict {
            Verdict::Unavailable { why, .. } => why,
            other => panic!("{other:?}"),
        },
        Ok(_) => panic!("it has no URL"),
    };
    assert_eq!(why(of(json!({"id": "other"}))), Unavailable::NotFound);
    let trashed = json!({"id": "f-1", "deleted_time": "2026-05-02T00:00:00Z"});
    assert_eq!(why(of(trashed)), Unavailable::Trashed);
    assert_eq!(why(of(json!({"id": "f-1", "file_path": "/x"}))), Unavailable::NotAccessible);
    let broken = json!({"code": 0});
    let found = target(broken, transcript_file());
    assert!(found.is_err_and(|verdict| matches!(*verdict, Verdict::Retry { .. })));
}

#[test]
fn a_file_in_the_works_is_asked_for_again_for_72_hours() {
    let began = NOW + -40 * 60_000;
    let file = json!({"id": "f-1", "meeting_id": "u==", "file_type": "TRANSCRIPT",
        "recording_start": began.to_string()});
    let waits = |recording: Value, file: Value| {
        let found = target(recording, file).map_err(|verdict| *verdict);
        let Err(Verdict::Waiting { retry_at, deadline, .. }) = found else { panic!("{found:?}") };
        assert_eq!(retry_at, NOW + 20 * 60_000, "half its age again");
        assert_eq!(deadline, began + 72 * 3_600_000);
    };
    // With an address or without one, what is processed is not whole yet.
    let of = |url: &str| {
        json!({"recording_files": [{"id": "f-1", "status": "processing", "download_url": url,
            "recording_start": began.to_string()}]})
    };
    waits(of(""), file.clone());
    waits(of("https://zoom.us/1"), file.clone());
    // The list showed it, the recording itself does not have it yet.
    waits(json!({"recording_files": []}), file);
}

#[test]
fn a_file_of_no_instance_is_a_dead_letter() {
    assert!(matches!(FileRef::of(&with(json!({"id": "f"}))), Err(Verdict::Dead { .. })));
    assert!(matches!(FileRef::of(&Map::new()), Err(Verdict::Dead { .. })));
}

#[test]
fn a_transcript_is_one_row_and_one_for_each_cue() {
    let Verdict::Data(page) = read(200, "text/vtt", VTT.as_bytes()) else { panic!("data") };
    let keys: Vec<_> = page.rows.iter().map(|r| (r.dataset.name, r.key.as_str())).collect();
    assert_eq!(
        keys,
        [("transcripts", "f-1"), ("transcript_cues", "f-1|0"), ("transcript_cues", "f-1|1")]
    );
    assert_eq!(page.rows[0].asked.get("instance_uuid"), Some(&json!("u==")));
    assert_eq!(
        page.rows[0].record,
        json!({"id": "f-1", "meeting_id": "u==", "file_type": "TRANSCRIPT",
               "file_extension": "VTT", "recording_start": "2026-05-01T10:00:00Z", "text": VTT})
    );
    assert_eq!(
        page.rows[1].record,
        json!({"file_id": "f-1", "instance_uuid": "u==", "cue_index": 0, "start_ms": 2656,
               "end_ms": 5230, "speaker": "Jill", "text": "Hi", "text_raw": "Jill: Hi"})
    );
    assert_eq!(page.rows[2].record["speaker"], Value::Null);
}

#[test]
fn the_kind_of_the_bytes_counts_not_the_content_type() {
    let with_bom = [b"\xef\xbb\xbf", VTT.as_bytes()].concat();
    assert!(matches!(read(200, "application/octet-stream", &with_bom), Verdict::Data(_)));
}

#[test]
fn no_other_body_is_taken_for_a_transcript() {
    let cause = |verdict| match verdict {
        Verdict::Retry { cause, .. } => cause,
        other => panic!("{other:?}"),
    };
    let html = b"<!DOCTYPE html><title>Passcode Required</title>";
    assert_eq!(cause(read(200, "text/html", html)), RetryCause::NotJson);
    assert_eq!(cause(read(200, "text/vtt", html)), RetryCause::NotJson);
    assert_eq!(cause(read(200, "text/html;charset=utf-8", b"sign in")), RetryCause::NotJson);
    assert_eq!(cause(read(200, "text/vtt", b"")), RetryCause::BadBody);
    assert_eq!(cause(read(200, "text/vtt", b"{\"code\":124}")), RetryCause::BadBody);
    assert_eq!(cause(read(200, "text/vtt", b"WEBVTT\n\n\xff\xfe")), RetryCause::BadBody);
    let cut = b"WEBVTT\n\n00:00:01.000 --> 00:0";
    assert_eq!(cause(read(200, "text/vtt", cut)), RetryCause::BadBody);
}

#[test]
fn each_status_of_a_download_has_its_verdict() {
    for (status, expected) in [
        (401, RetryCause::Token),
        (403, RetryCause::Token),
        (404, RetryCause::BadBody),
        (204, RetryCause::BadBody),
        (206, RetryCause::BadBody),
        (408, RetryCause::ServerError),
        (500, RetryCause::ServerError),
        (502, RetryCause::ServerError),
        (429, RetryCause::RateLimit),
    ] {
        let verdict = read(status, "text/html", b"<html>");
        assert!(matches!(verdict, Verdict::Retry { cause, .. } if cause == expected), "{status}");
    }
    assert!(matches!(read(400, "", b""), Verdict::Dead { http: 400, .. }));
}

#[test]
fn a_throttled_download_waits_where_zoom_names_a_category() {
    let headers = [("x-ratelimit-category".to_owned(), "Light".to_owned())];
    let answer = Answer { status: 429, headers: &headers, body: b"" };
    let verdict = read_transcript(&DOWNLOAD_RECORDING_FILE, &with(transcript_file()), &answer, NOW);
    let category = watershed_model::Category::Light;
    assert_eq!(verdict, Verdict::Wait(Throttle { category, daily: false, until: NOW + 1_000 }));
}

#[test]
fn a_video_is_not_read_as_a_transcript() {
    let mut file = transcript_file();
    file["file_type"] = json!("MP4");
    let answer = Answer { status: 200, headers: &[], body: VTT.as_bytes() };
    let verdict = read_transcript(&DOWNLOAD_RECORDING_FILE, &with(file), &answer, NOW);
    assert!(matches!(verdict, Verdict::Dead { .. }));
}
