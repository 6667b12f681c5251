//! Speech: what was said in a recording, as cues, and how Zoom writes it down.

use super::World;
use super::instances::Instance;
use super::meetings::Meeting;
use super::names::SENTENCES;
use super::people::Status;
use crate::draw::{Draw, Purpose};
use crate::ids::FileAt;

/// One cue of a transcript; times are milliseconds from the start of the recording.
#[derive(Clone, Debug)]
pub(crate) struct Cue {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) speaker: Option<String>,
    pub(crate) text: String,
}

impl Cue {
    /// The text as it stands in the file, the speaker before it.
    pub(crate) fn raw(&self) -> String {
        match &self.speaker {
            Some(speaker) => format!("{speaker}: {}", self.text),
            None => self.text.clone(),
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
            let mut text = draw.pick(&SENTENCES).to_owned();
            if draw.chance(0.15) {
                text = format!("{text}\n{}", draw.pick(&SENTENCES));
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
                text.push_str(&format!("{}\n", number + 1));
            }
            let (start, end) = (clock(cue.start_ms), clock(cue.end_ms));
            text.push_str(&format!("{start} --> {end}\n{}\n", cue.raw()));
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    }

    /// A chat: time, name and message by tabs; a second line of a message stands alone.
    pub(crate) fn chat(&self, meeting: &Meeting, instance: &Instance, file: u64) -> String {
        let cues = self.cues(meeting, instance, file);
        let lines = cues.iter().filter_map(|cue| {
            let (time, name) = (clock(cue.start_ms), cue.speaker.as_ref()?);
            Some(format!("{}\t{name}:\t{}\r\n", &time[..8], cue.text))
        });
        lines.collect()
    }

    /// Three voices, the host's first.
    fn speakers(&self, meeting: &Meeting, draw: &mut Draw) -> [String; 3] {
        let mut of = [0; 3].map(|_: i32| draw.below(self.users));
        of[0] = meeting.at.user;
        of.map(|user| {
            let person = self.person(user);
            match person.status {
                Status::Pending => "Guest".to_owned(),
                Status::Active | Status::Inactive => format!("{} {}", person.first, person.last),
            }
        })
    }

    fn speech_draw(&self, instance: &Instance, file: u64) -> Draw {
        let at = FileAt { of: instance.at, file };
        let place = [at.of.of.user, at.of.of.meeting << 16 | at.of.instance, at.file];
        Draw::of(self.seed, Purpose::Cues, place)
    }
}

/// `00:00:02.656`.
fn clock(ms: i64) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{rest:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
