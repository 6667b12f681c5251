use proptest::prelude::*;

use super::*;

fn cues(text: &str) -> Vec<(i64, i64, Option<String>, String)> {
    let parsed = parse(text).unwrap_or_else(|e| panic!("{e}"));
    parsed.into_iter().map(|c| (c.start_ms, c.end_ms, c.speaker, c.text)).collect()
}

fn said(line: &str) -> (Option<String>, String, String) {
    let text = format!("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{line}\n");
    let cue = parse(&text).unwrap_or_else(|e| panic!("{e}")).remove(0);
    (cue.speaker, cue.text, cue.text_raw)
}

const MEETING: &str = "WEBVTT\n\n1\n00:00:02.656 --> 00:00:05.230\nJill Chill: Good morning, \
    shall we begin?\n\n2\n00:00:05.410 --> 00:00:06.120\nYes.\n";

#[test]
fn a_transcript_gives_its_cues_and_an_unknown_speaker_is_none() {
    let expected = vec![
        (2_656, 5_230, Some("Jill Chill".to_owned()), "Good morning, shall we begin?".to_owned()),
        (5_410, 6_120, None, "Yes.".to_owned()),
    ];
    assert_eq!(cues(MEETING), expected);
    assert_eq!(cues(&MEETING.replace('\n', "\r\n")), expected);
    assert_eq!(cues(&format!("\u{feff}{MEETING}")), expected);
    assert_eq!(cues(&MEETING.replace("1\n0", "0").replace("2\n0", "0")), expected);
}

#[test]
fn a_cue_may_span_lines_have_settings_and_lack_hours() {
    let text = "WEBVTT - Zoom\nKind: captions\n\nNOTE by hand\n\n\
        61:01.500 --> 100:00:00.000 align:start\nA: one\ntwo: three\n\nlast\n\
        01:02.000 --> 01:03.000";
    let expected_message = parse(text);
    // 61 minutes are none.
    assert_eq!(expected_message, Err(VttError::BadTiming { line: 6 }));
    let text = text.replace("61:01.500", "59:01.500");
    assert_eq!(
        cues(&text),
        [
            (3_541_500, 360_000_000, Some("A".to_owned()), "one\ntwo: three".to_owned()),
            (62_000, 63_000, None, String::new()),
        ]
    );
}

#[test]
fn a_prefix_is_a_speaker_only_where_it_looks_like_a_name() {
    let speaker = |line: &str| said(line).0;
    assert_eq!(speaker("Zoë O'Neil (she/her): Hi"), Some("Zoë O'Neil (she/her)".to_owned()));
    assert_eq!(speaker("I said. And then: nothing"), None);
    assert_eq!(speaker("Really? So: yes"), None);
    assert_eq!(speaker("10:30 works"), None);
    assert_eq!(speaker(": nobody"), None);
    assert_eq!(speaker(&format!("{}: x", "ä".repeat(64))), Some("ä".repeat(64)));
    assert_eq!(speaker(&format!("{}: x", "ä".repeat(65))), None);
}

#[test]
fn what_was_written_is_kept_beside_what_was_said() {
    let (speaker, text, raw) = said("Jill: see: this");
    assert_eq!(speaker.as_deref(), Some("Jill"));
    assert_eq!(text, "see: this");
    assert_eq!(raw, "Jill: see: this");
}

#[test]
fn cues_that_overlap_or_run_backwards_are_taken_as_written() {
    let text = "WEBVTT\n\n00:00:09.000 --> 00:00:01.000\na\n\n00:00:00.000 --> 00:00:10.000\nb\n";
    let times: Vec<_> = cues(text).into_iter().map(|c| (c.0, c.1)).collect();
    assert_eq!(times, [(9_000, 1_000), (0, 10_000)]);
}

#[test]
fn what_is_no_transcript_is_refused() {
    for text in ["", "WEBVTTX", "<html>WEBVTT", "webvtt\n", "{\"code\":124}"] {
        assert_eq!(parse(text), Err(VttError::NotVtt), "{text}");
    }
    assert_eq!(parse("WEBVTT"), Ok(Vec::new()));
    let timing = |line: &str| parse(&format!("WEBVTT\n\n{line}\nx"));
    for line in [
        "-->",
        "a --> b",
        "00:00:01.00 --> 00:00:02.000",
        "00:60:00.000 --> 00:00:02.000",
        "1:2:3:4.000 --> 00:00:02.000",
        "-1:00.000 --> 00:02.000",
        "00:01.000 -->",
    ] {
        assert_eq!(timing(line), Err(VttError::BadTiming { line: 3 }), "{line}");
    }
}

/// Lines that a parser could stumble over, mixed.
fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("00:00:01.000 --> 00:00:02.000".to_owned()),
        Just("-->".to_owned()),
        Just(String::new()),
        Just("\r".to_owned()),
        Just("WEBVTT".to_owned()),
        "[a-zé: .]{0,80}",
        any::<String>(),
    ];
    (any::<bool>(), proptest::collection::vec(line, 0..40)).prop_map(|(head, lines)| {
        format!("{}{}", if head { "WEBVTT\n" } else { "" }, lines.join("\n"))
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_grow(text in texts()) {
        if let Ok(cues) = parse(&text) {
            let bytes: usize = cues.iter().map(|c| c.text_raw.len()).sum();
            prop_assert!(bytes <= text.len(), "every byte is read once");
            for cue in cues {
                prop_assert!(cue.text_raw.ends_with(&cue.text));
            }
        }
    }
}

#[test]
fn ten_times_the_text_takes_some_ten_times_as_long() {
    // Quadratic work on 80,000 blocks would take minutes; linear work takes well under a second
    // even in an unoptimised build.
    let text = format!("WEBVTT\n\n{}", "00:00:01.000 --> 00:00:02.000\nA: b\n\n".repeat(80_000));
    assert_eq!(cues(&text).len(), 80_000);
    let lines = format!("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{}", "b: b\n".repeat(1_000_000));
    assert_eq!(cues(&lines).len(), 1);
}

#[test]
fn the_number_of_cues_is_bounded() {
    let text = format!("WEBVTT\n\n{}", "00:01.000 --> 00:02.000\n\n".repeat(CUES_MAX + 1));
    assert_eq!(parse(&text), Err(VttError::TooManyCues { max: CUES_MAX }));
}
