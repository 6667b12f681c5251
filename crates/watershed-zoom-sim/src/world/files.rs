//! Recordings and their files: which instances were recorded, and what came of it.
//!
//! A file list grows: a transcript comes hours after the video, and what is still `processing`
//! only the account's list shows.

use std::fmt::Write as _;

use serde_json::Value;

use super::World;
use super::instances::Instance;
use super::meetings::{Meeting, MeetingKind};
use super::people::Showcase;
use super::speech::{Clock, WRITTEN};
use crate::draw::{Draw, Purpose};
use crate::ids::FileAt;
use crate::time::HOUR_S;

/// Which operation tells of the recording: they differ in what they show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    UserList,
    AccountList,
    One,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Video,
    Audio,
    Chat,
    Transcript,
    Captions,
    Timeline,
    Poll,
    Summary,
}

impl FileKind {
    pub(crate) fn file_type(self) -> &'static str {
        match self {
            FileKind::Video => "MP4",
            FileKind::Audio => "M4A",
            FileKind::Chat => "CHAT",
            FileKind::Transcript => "TRANSCRIPT",
            FileKind::Captions => "CC",
            FileKind::Timeline => "TIMELINE",
            FileKind::Poll => "CSV",
            FileKind::Summary => "SUMMARY",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            FileKind::Video => "MP4",
            FileKind::Audio => "M4A",
            FileKind::Chat => "TXT",
            FileKind::Transcript | FileKind::Captions => "VTT",
            FileKind::Poll => "CSV",
            FileKind::Timeline | FileKind::Summary => "JSON",
        }
    }

    pub(crate) fn recording_type(self) -> &'static str {
        match self {
            FileKind::Video => "shared_screen_with_speaker_view",
            FileKind::Audio => "audio_only",
            FileKind::Chat => "chat_file",
            FileKind::Transcript => "audio_transcript",
            FileKind::Captions => "closed_caption",
            FileKind::Timeline => "timeline",
            FileKind::Poll => "poll",
            FileKind::Summary => "summary",
        }
    }

    /// Captions and timelines have no id, status or size.
    pub(crate) fn has_id(self) -> bool {
        !matches!(self, FileKind::Captions | FileKind::Timeline)
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            FileKind::Video => "video/mp4",
            FileKind::Audio => "audio/mp4",
            FileKind::Chat => "text/plain;charset=utf-8",
            FileKind::Transcript | FileKind::Captions => "text/vtt;charset=utf-8",
            FileKind::Poll => "text/csv;charset=utf-8",
            FileKind::Timeline | FileKind::Summary => "application/json",
        }
    }
}

/// A recorded file.
#[derive(Clone, Debug)]
pub(crate) struct RecordingFile {
    pub(crate) at: FileAt,
    pub(crate) kind: FileKind,
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
    pub(crate) processing: bool,
    /// When it came; until then nobody knows of it.
    pub(crate) from_s: i64,
}

/// A recorded instance with its files.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) meeting: Meeting,
    pub(crate) instance: Instance,
    /// As they are now, those still to come left out.
    pub(crate) files: Vec<RecordingFile>,
    /// Files that are still to come.
    pub(crate) awaited: usize,
    pub(crate) draw: Draw,
}

impl Recording {
    /// The files that the source shows.
    pub(crate) fn shown(&self, source: Source) -> impl Iterator<Item = &RecordingFile> {
        let all = source == Source::AccountList;
        self.files.iter().filter(move |file| all || !file.processing)
    }
}

impl World {
    /// The recording of an instance, if it was recorded and is not in the trash or gone.
    pub(crate) fn recording(&self, meeting: &Meeting, instance: &Instance) -> Option<Recording> {
        self.recorded(meeting, instance).filter(|_| self.bin(instance.at).is_none())
    }

    /// The recording of an instance, wherever it went.
    pub(crate) fn recorded(&self, meeting: &Meeting, instance: &Instance) -> Option<Recording> {
        let place = [instance.at.of.user, instance.at.of.meeting, instance.at.instance];
        let mut draw = Draw::of(self.seed, Purpose::Recording, place);
        let by_chance = match meeting.kind {
            MeetingKind::Webinar(_) | MeetingKind::Upload => true,
            MeetingKind::Instant => draw.chance(0.6),
            _ => draw.chance(0.35),
        };
        use Showcase::{DoubleSlash, IdlessFiles, Instant, LeadingSlash, OddText, Yesterday};
        let shown = matches!(
            meeting.showcase,
            Some(DoubleSlash | IdlessFiles | Instant | LeadingSlash | OddText | Yesterday)
        );
        if !(by_chance || shown) {
            return None;
        }
        let mut files = self.plan_files(meeting, instance, &mut draw);
        let planned = files.len();
        files.retain(|file| file.from_s <= self.now_s);
        let awaited = planned - files.len();
        let (meeting, instance) = (meeting.clone(), instance.clone());
        Some(Recording { meeting, instance, files, awaited, draw })
    }

    fn plan_files(
        &self,
        meeting: &Meeting,
        instance: &Instance,
        draw: &mut Draw,
    ) -> Vec<RecordingFile> {
        let (start_s, end_s) = (instance.start_s + 60, instance.end_s);
        let middle_s = start_s + (end_s - start_s) / 2;
        let parts = if meeting.kind != MeetingKind::Upload && draw.chance(0.12) {
            vec![(start_s, middle_s), (middle_s + 30, end_s)]
        } else {
            vec![(start_s, end_s)]
        };
        let late = meeting.showcase == Some(Showcase::Yesterday);
        let idless = meeting.showcase == Some(Showcase::IdlessFiles);
        let delay_s = if late { 72 * HOUR_S } else { draw.pick(&[1, 1, 1, 2, 6, 30]) * HOUR_S };
        let mut files = Vec::new();
        let mut add = |kind, (start_s, end_s): (i64, i64), delay_s| {
            let at = FileAt { of: instance.at, file: files.len() as u64 };
            let processing = late && kind == FileKind::Audio;
            let from_s = end_s + delay_s;
            files.push(RecordingFile { at, kind, start_s, end_s, processing, from_s });
        };
        for part in &parts {
            add(FileKind::Video, *part, 0);
            if meeting.kind == MeetingKind::Upload {
                continue;
            }
            if late || draw.chance(0.8) {
                add(FileKind::Audio, *part, 0);
            }
            if late || meeting.showcase.is_some() || draw.chance(0.75) {
                add(FileKind::Transcript, *part, delay_s);
            }
            if idless || draw.chance(0.15) {
                add(FileKind::Captions, *part, 0);
            }
            if idless {
                // A second one from the same instant on: only its place tells them apart.
                add(FileKind::Captions, *part, 0);
            }
            if idless || draw.chance(0.3) {
                add(FileKind::Timeline, *part, 0);
            }
        }
        let others = [(FileKind::Chat, 0.4), (FileKind::Poll, 0.05), (FileKind::Summary, 0.1)];
        for (kind, share) in others {
            if meeting.kind != MeetingKind::Upload && draw.chance(share) {
                add(kind, (start_s, end_s), 0);
            }
        }
        files
    }
}

/// The bytes of a file; as many as its `file_size` says, where it has one.
pub(crate) fn file_bytes(world: &World, recording: &Recording, file: &RecordingFile) -> Vec<u8> {
    let (meeting, instance) = (&recording.meeting, &recording.instance);
    match file.kind {
        FileKind::Video | FileKind::Audio => media(world, file),
        FileKind::Transcript | FileKind::Captions => {
            world.vtt(meeting, instance, file.at.file).into_bytes()
        }
        FileKind::Chat => world.chat(meeting, instance, file.at.file).into_bytes(),
        FileKind::Poll => b"#,User Name,User Email,Submitted Date/Time\r\n1,Guest,,\r\n".to_vec(),
        FileKind::Summary => {
            let said = world.cues(meeting, instance, file.at.file);
            let overview = said.first().map(|cue| cue.text.clone()).unwrap_or_default();
            serde_json::json!({ "overall_summary": overview, "items": [] }).to_string().into_bytes()
        }
        FileKind::Timeline => timeline(world, recording, file).into_bytes(),
    }
}

impl World {
    /// Bytes of a file, without making those that are only noise.
    pub(crate) fn file_size(&self, recording: &Recording, file: &RecordingFile) -> u64 {
        match file.kind {
            FileKind::Video | FileKind::Audio => media_size(self, file),
            _ => file_bytes(self, recording, file).len() as u64,
        }
    }
}

fn media_draw(world: &World, file: &RecordingFile) -> Draw {
    let of = file.at.of;
    let place = [of.of.user, of.of.meeting << 16 | of.instance, file.at.file];
    Draw::of(world.seed, Purpose::File, place)
}

fn media_size(world: &World, file: &RecordingFile) -> u64 {
    1_024 + media_draw(world, file).below((world.media_kib - 1) * 1_024)
}

fn media(world: &World, file: &RecordingFile) -> Vec<u8> {
    let mut draw = media_draw(world, file);
    let size = 1_024 + draw.below((world.media_kib - 1) * 1_024);
    let mut bytes = Vec::with_capacity(size as usize + 8);
    let brand: &[u8; 4] = if file.kind == FileKind::Audio { b"M4A " } else { b"mp42" };
    bytes.extend_from_slice(b"\0\0\0\x10ftyp");
    bytes.extend_from_slice(brand);
    bytes.extend_from_slice(&[0; 4]);
    while (bytes.len() as u64) < size {
        bytes.extend_from_slice(&draw.next().to_le_bytes());
    }
    bytes.truncate(size as usize);
    bytes
}

fn timeline(world: &World, recording: &Recording, file: &RecordingFile) -> String {
    let mut text = String::from("{\"timeline\":[");
    let cues = world.cues(&recording.meeting, &recording.instance, file.at.file);
    for (number, cue) in cues.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let (ts, id) = (Clock(cue.start_ms), 16_778_240 + 1_024 * number);
        let name = Value::from(cue.speaker.as_deref().unwrap_or_default());
        write!(
            text,
            r#"{comma}{{"ts":"{ts}","users":[{{"avatar_url":"","client_type":3,"email_address":"","#
        )
        .expect(WRITTEN);
        write!(
            text,
            r#""multiple_people":false,"user_id":"{id}","username":{name},"zoom_userid":""}}]}}"#
        )
        .expect(WRITTEN);
    }
    text.push_str("],\"timeline_refine\":[]}");
    text
}
