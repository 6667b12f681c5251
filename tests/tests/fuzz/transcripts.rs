//! WebVTT: cues or a reason, and no cue is lost on the way.

use std::fmt::Write as _;

use watershed_zoom::vtt::{Cue, parse};

use crate::corpus::Corpus;

#[test]
fn transcripts() {
    Corpus::of("transcripts").read(|text| {
        let text = String::from_utf8_lossy(text);
        let Ok(cues) = parse(&text) else { return };
        for cue in &cues {
            assert!(cue.text_raw.ends_with(&cue.text), "{cue:?}");
            assert!(text.contains(cue.text_raw.lines().next().unwrap_or_default()), "{cue:?}");
        }
        assert_eq!(parse(&written(&cues)).as_ref(), Ok(&cues), "written and read again");
    });
}

fn written(cues: &[Cue]) -> String {
    let mut text = "WEBVTT\r\n\r\n".to_owned();
    for cue in cues {
        write!(text, "{} --> {}\r\n", clock(cue.start_ms), clock(cue.end_ms)).expect("text");
        for line in cue.text_raw.split('\n') {
            write!(text, "{line}\r\n").expect("text");
        }
        text.push_str("\r\n");
    }
    text
}

fn clock(ms: i64) -> String {
    let (s, m, h) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    format!("{h:02}:{:02}:{:02}.{:03}", m % 60, s % 60, ms % 1_000)
}
