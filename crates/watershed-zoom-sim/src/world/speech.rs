//! Speech: what was said in a recording, as cues, and how Zoom writes it down.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::World;
use super::instances::Instance;
use super::meetings::Meeting;
use super::names::SENTENCES;
use super::people::Status;
use crate::draw::{Draw, Purpose};
use crate::ids::FileAt;

/// Why writing into a text does not fail.
pub(crate) const WRITTEN: &str = "a string takes all that is written";

/// One cue of a transcript; times are milliseconds from the start of the recording.
#[derive(Clone, Debug)]
pub(crate) struct Cue {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) speaker: Option<Arc<str>>,
    pub(crate) text: Cow<'static, str>,
}

/// The text as it stands in the file, the speaker before it.
impl fmt::Display for Cue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.speaker {
            Some(speaker) => write!(f, "{speaker}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl World {
    pub(crate) fn cues(&self, meeting: &Meeting, instance: &Instance, file: u64) -> Vec<Cue> {
        let mut draw = self.speech_draw(instance, file);
        let length_ms = (instance.end_s - instance.start_s) * 1_000;
        let speakers = self.speakers(meeting, &mut draw);
        let count = draw.between(6, 30);
        let mut at_ms = draw.between(500, 4_000);
        let mut cues = Vec::new();
        for _ in 0..count {
            let end_ms = (at_ms + draw.between(700, 6_000)).min(length_ms);
            if end_ms <= at_ms {
                break;
            }
            let mut text = Cow::from(draw.pick(&SENTENCES));
            if draw.chance(0.15) {
                text = format!("{text}\n{}", draw.pick(&SENTENCES)).into();
            }
            let speaker = (!draw.chance(0.15)).then(|| speakers[draw.below(3) as usize].clone());
            cues.push(Cue { start_ms: at_ms, end_ms, speaker, text });
            at_ms = end_ms + draw.between(20, 3_000);
        }
        cues
    }

    /// WebVTT: with LF or CRLF, with or without cue numbers, sometimes behind a BOM.
    pub(crate) fn vtt(&self, meeting: &Meeting, instance: &Instance, file: u64) -> String {
        let mut draw = self.speech_draw(instance, file ^ 0xFF);
        let (numbered, crlf, bom) = (draw.chance(0.8), draw.chance(0.3), draw.chance(0.2));
        let mut text = String::from(if bom { "\u{feff}WEBVTT\n" } else { "WEBVTT\n" });
        for (number, cue) in self.cues(meeting, instance, file).iter().enumerate() {
            text.push('\n');
            if numbered {
                writeln!(text, "{}", number + 1).expect(WRITTEN);
            }
            let (start, end) = (Clock(cue.start_ms), Clock(cue.end_ms));
            writeln!(text, "{start} --> {end}\n{cue}").expect(WRITTEN);
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    }

    /// A chat: time, name and message by tabs; a second line of a message stands alone.
    pub(crate) fn chat(&self, meeting: &Meeting, instance: &Instance, file: u64) -> String {
        let mut text = String::new();
        for cue in self.cues(meeting, instance, file) {
            let Some(name) = &cue.speaker else { continue };
            let seconds = Seconds(cue.start_ms / 1_000);
            write!(text, "{seconds}\t{name}:\t{}\r\n", cue.text).expect(WRITTEN);
        }
        text
    }

    /// Three voices, the host's first.
    fn speakers(&self, meeting: &Meeting, draw: &mut Draw) -> [Arc<str>; 3] {
        let mut of = [0; 3].map(|_: i32| draw.below(self.users));
        of[0] = meeting.at.user;
        of.map(|user| {
            let person = self.person(user);
            match person.status {
                Status::Pending => "Guest".into(),
                Status::Active | Status::Inactive => {
                    format!("{} {}", person.first, person.last).into()
                }
            }
        })
    }

    fn speech_draw(&self, instance: &Instance, file: u64) -> Draw {
        let at = FileAt { of: instance.at, file };
        let place = [at.of.of.user, at.of.of.meeting << 16 | at.of.instance, at.file];
        Draw::of(self.seed, Purpose::Cues, place)
    }
}

/// Milliseconds, as `00:00:02.656`.
pub(super) struct Clock(pub(super) i64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", Seconds(self.0 / 1_000), self.0 % 1_000)
    }
}

/// Seconds, as `00:00:02`.
struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.0 / 3_600, self.0 / 60 % 60, self.0 % 60)
    }
}
