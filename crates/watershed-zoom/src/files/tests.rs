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

/// URL, size and key.
type Found = (String, Option<u64>, String);

fn targets(recording: Value, file: Value) -> Result<Vec<Found>, Box<Verdict>> {
    let file = FileRef::of(&with(file))?;
    let found = Recording::new(recording.to_string().into()).files(&file, NOW)?;
    Ok(found.into_iter().map(|t| (t.url, t.size, t.key)).collect())
}

fn read(body: &[u8]) -> Verdict {
    read_transcript(&with(transcript_file()), "f-1", body)
}

fn cause(verdict: Verdict) -> RetryCause {
    match verdict {
        Verdict::Retry { cause, .. } => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_found_again_by_its_id() {
    let recording = json!({"recording_files": [
        {"id": "f-0", "download_url": "https://zoom.us/0"},
        {"id": "f-1", "download_url": "https://zoom.us/1", "file_size": 77},
    ]});
    let found = targets(recording, transcript_file());
    assert_eq!(found, Ok(vec![("https://zoom.us/1".to_owned(), Some(77), "f-1".to_owned())]));
}

#[test]
fn a_byte_order_mark_before_the_recording_is_passed_over() {
    let recording = json!({"recording_files": [{"id": "f-1", "download_url": "u"}]});
    let file = FileRef::of(&with(transcript_file())).expect("it is a file");
    let found = Recording::new(format!("\u{feff}{recording}").into()).files(&file, NOW);
    assert_eq!(found.map(|found| found[0].url.clone()), Ok("u".to_owned()));
}

#[test]
fn files_without_id_are_found_by_type_and_start_and_told_apart_by_their_place() {
    let recording = json!({"recording_files": [
        {"id": "x", "file_type": "CC", "recording_start": "a", "download_url": "1"},
        {"file_type": "CC", "recording_start": "b", "download_url": "2"},
        {"file_type": "CC", "recording_start": "a", "download_url": "3"},
        {"file_type": "CC", "recording_start": "a", "download_url": "4"},
    ]});
    let file = json!({"meeting_id": "u", "file_type": "CC", "recording_start": "a", "id": null});
    let of = |url: &str, key: &str| (url.to_owned(), None, key.to_owned());
    assert_eq!(targets(recording, file), Ok(vec![of("3", "u|CC|a|0"), of("4", "u|CC|a|1")]));
}

#[test]
fn a_file_that_is_gone_trashed_or_in_the_works_is_told_apart() {
    let of = |file: Value| targets(json!({"recording_files": [file]}), transcript_file());
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
    let found = targets(broken, transcript_file());
    assert!(found.is_err_and(|verdict| matches!(*verdict, Verdict::Retry { .. })));
}

#[test]
fn a_file_in_the_works_is_asked_for_again_for_72_hours() {
    let began = NOW + -40 * 60_000;
    let file = json!({"id": "f-1", "meeting_id": "u==", "file_type": "TRANSCRIPT",
        "recording_start": began.to_string()});
    let waits = |recording: Value, file: Value| {
        let found = targets(recording, file).map_err(|verdict| *verdict);
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
    let Verdict::Data(page) = read(VTT.as_bytes()) else { panic!("data") };
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
    assert_eq!(FileKind::Captions.wrong("application/octet-stream", &with_bom), None);
    assert!(matches!(read(&with_bom), Verdict::Data(_)));
    assert_eq!(FileKind::Video.wrong("text/plain", b"\0\0\0\x18ftypmp42"), None);
    assert_eq!(FileKind::Json.wrong("", b" [{}]"), None);
    assert_eq!(FileKind::Text.wrong("", b"10:00 Jill: <html> is a word"), None);
}

#[test]
fn no_other_file_is_taken_for_one() {
    let check = |kind: FileKind, content_type: &str, head: &[u8]| {
        cause(kind.wrong(content_type, head).expect("it is another file"))
    };
    let html = b"\n<!DOCTYPE html><title>Passcode Required</title>";
    for kind in [FileKind::Video, FileKind::Captions, FileKind::Text, FileKind::Other] {
        assert_eq!(check(kind, "text/html;charset=utf-8", b"sign in"), RetryCause::NotJson);
        assert_eq!(check(kind, "text/vtt", html), RetryCause::NotJson);
        assert_eq!(check(kind, "text/vtt", b"<HTML>"), RetryCause::NotJson);
        assert_eq!(check(kind, "text/vtt", b""), RetryCause::BadBody);
    }
    assert_eq!(check(FileKind::Captions, "text/vtt", b"{\"code\":124}"), RetryCause::BadBody);
    assert_eq!(check(FileKind::Video, "video/mp4", b"{\"code\":124}"), RetryCause::BadBody);
    assert_eq!(check(FileKind::Json, "application/json", b"WEBVTT"), RetryCause::BadBody);
}

#[test]
fn a_transcript_with_a_hole_is_asked_for_again() {
    assert_eq!(cause(read(b"WEBVTT\n\n\xff\xfe")), RetryCause::BadBody);
    assert_eq!(cause(read(b"WEBVTT\n\n00:00:01.000 --> 00:0")), RetryCause::BadBody);
}

fn refusal(status: u16, headers: &[(String, String)]) -> Verdict {
    refused(&DOWNLOAD_RECORDING_FILE, &Answer { status, headers, body: b"" }, NOW)
}

#[test]
fn each_status_of_a_download_has_its_verdict() {
    for (status, expected) in [
        (401, RetryCause::Token),
        (403, RetryCause::Token),
        (404, RetryCause::BadBody),
        (204, RetryCause::BadBody),
        (408, RetryCause::ServerError),
        (500, RetryCause::ServerError),
        (502, RetryCause::ServerError),
        (429, RetryCause::RateLimit),
    ] {
        assert_eq!(cause(refusal(status, &[])), expected, "{status}");
    }
    assert!(matches!(refusal(400, &[]), Verdict::Dead { http: 400, .. }));
}

#[test]
fn a_throttled_download_waits_where_zoom_names_a_category() {
    let headers = [("x-ratelimit-category".to_owned(), "Light".to_owned())];
    let category = watershed_model::Category::Light;
    let throttle = Throttle { category, daily: false, until: NOW + 1_000 };
    assert_eq!(refusal(429, &headers), Verdict::Wait(throttle));
}

#[test]
fn json_that_breaks_off_is_told_from_json() {
    assert!(is_json(b"\xef\xbb\xbf{\"timeline\":[{}]}"));
    assert!(!is_json(b"{\"timeline\":[{}"));
}

#[test]
fn each_type_of_file_has_its_extension() {
    for (file_type, extension) in [
        ("MP4", "mp4"),
        ("M4A", "m4a"),
        ("TRANSCRIPT", "vtt"),
        ("CC", "vtt"),
        ("TIMELINE", "json"),
        ("TB", "json"),
        ("SUMMARY", "json"),
        ("CHAT", "txt"),
        ("CSV", "csv"),
        ("../x", "bin"),
    ] {
        assert_eq!(FileKind::of(file_type).extension(), extension, "{file_type}");
    }
}
