//! Files of recordings: found again by their id in a fresh answer, and read.
//!
//! Signed URLs never travel with a task. It holds the instance and the file's id; the
//! recording is read again (`zoom.get_recording`) for the URL of the moment.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use watershed_model::{Millis, Operation, Page, RetryCause, Row, Unavailable, Verdict};

use crate::answer::{Answer, RECORDING_MS, instant, processing, throttled, waiting};
use crate::catalogue::files::{DOWNLOAD_RECORDING_FILE, TRANSCRIPT_CUES, TRANSCRIPTS};
use crate::{keys, vtt};

mod kind;

pub use kind::{FileKind, is_json, is_page};

/// An answer of `zoom.get_recording` that is longer is read for each file anew: what is read of it
/// takes ten times its room.
const READ_MAX: usize = 16 * 1024;
/// Files without id that are taken for one task.
const FILES_MAX: usize = 100;

/// A file of a recording, as a task names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// The instance that was recorded.
    pub instance_uuid: String,
    /// Its id; `CC` and `TIMELINE` files have none.
    pub file_id: Option<String>,
    /// Its type, such as `TRANSCRIPT`.
    pub file_type: String,
    /// When its recording began, as sent.
    pub recording_start: String,
    /// When it ended, or else began, where the record says so.
    pub recorded_at: Option<Millis>,
}

impl FileRef {
    /// Of a step's parameters, member `file`.
    ///
    /// # Errors
    /// A dead letter where the record does not say which instance the file belongs to.
    #[expect(clippy::result_large_err, reason = "a verdict is what the caller goes on with")]
    pub fn of(with: &Map<String, Value>) -> Result<FileRef, Verdict> {
        let file = with.get("file").unwrap_or(&Value::Null);
        FileRef::of_record(file).map_err(|why| Verdict::Dead {
            http: 0,
            code: None,
            message: format!("{}: the file must be {why}", DOWNLOAD_RECORDING_FILE.id),
        })
    }

    /// Of the file's record; the error says what it must be.
    pub(crate) fn of_record(file: &Value) -> Result<FileRef, String> {
        let text = |member| keys::id(file, member);
        let file_id = text("id");
        let file_type = text("file_type").unwrap_or_default();
        let instance_uuid = text("meeting_id").filter(|uuid| !matches!(uuid.as_str(), "." | ".."));
        match instance_uuid {
            Some(instance_uuid) if file_id.is_some() || !file_type.is_empty() => Ok(FileRef {
                instance_uuid,
                file_id,
                file_type,
                recording_start: text("recording_start").unwrap_or_default(),
                recorded_at: instant(file, "recording_end")
                    .or_else(|| instant(file, "recording_start")),
            }),
            _ => Err("a recording file with meeting_id and with id or file_type".to_owned()),
        }
    }

    /// Its key in `recording_files` and `transcripts`. Files without id that are equal in type and
    /// start are told apart by their place in the list, from 0.
    pub fn key(&self, ordinal: usize) -> String {
        self.file_id.clone().unwrap_or_else(|| {
            format!("{}|{}|{}|{ordinal}", self.instance_uuid, self.file_type, self.recording_start)
        })
    }

    /// What its text is read into rows of.
    pub fn has_cues(&self) -> bool {
        self.file_type == "TRANSCRIPT"
    }

    /// What it means that the recording, or the file in it, is not there: a list shows files that
    /// are still in the works before the recording itself does.
    pub fn missing(&self, now: Millis) -> Verdict {
        match self.recorded_at {
            Some(at) if now < at + RECORDING_MS => in_the_works(at, now),
            _ => Verdict::Unavailable {
                why: Unavailable::NotFound,
                message: "the recording does not have the file".to_owned(),
            },
        }
    }

    fn is(&self, file: &Value) -> bool {
        let text = |member| keys::id(file, member);
        match &self.file_id {
            Some(id) => text("id").as_ref() == Some(id),
            None => {
                text("id").is_none()
                    && text("file_type").unwrap_or_default() == self.file_type
                    && text("recording_start").unwrap_or_default() == self.recording_start
            }
        }
    }
}

/// Where a file is to be had. It has no `Debug`: the URL is signed.
#[derive(Clone)]
pub struct DownloadTarget {
    /// The URL: a secret of the moment.
    pub url: String,
    /// Its key in `recording_files`.
    pub key: String,
    /// Bytes that it should have, where told.
    pub size: Option<u64>,
    /// What it is.
    pub kind: FileKind,
}

/// The answer of `zoom.get_recording`. It has no `Debug`: its URLs are signed.
#[derive(Clone)]
pub struct Recording {
    body: Bytes,
    read: Option<Arc<Value>>,
}

impl Recording {
    /// Of the answer's body.
    pub fn new(body: Bytes) -> Recording {
        let small = Some(&body).filter(|body| body.len() <= READ_MAX);
        let read = small.and_then(|body| read(body)).map(Arc::new);
        Recording { body, read }
    }

    /// The recording as sent; `None` where the answer is not JSON.
    pub fn record(&self) -> Option<Arc<Value>> {
        self.read.clone().or_else(|| read(&self.body).map(Arc::new))
    }

    /// Finds the file. Those without id that are equal in type and start are one task's.
    ///
    /// # Errors
    /// What else it means: the file is no longer there, is in the trash, is still in the works,
    /// or the answer is none. The wait for a file in the works ends 72 hours after its recording.
    #[expect(clippy::result_large_err, reason = "a verdict is what the caller goes on with")]
    pub fn files(&self, file: &FileRef, now: Millis) -> Result<Vec<DownloadTarget>, Verdict> {
        let broken =
            |why: &str| Verdict::Retry { cause: RetryCause::BadBody, message: why.to_owned() };
        let recording =
            self.record().ok_or_else(|| broken("the recording's answer is not JSON"))?;
        let Some(Value::Array(files)) = recording.get("recording_files") else {
            return Err(broken("the recording's answer has no list recording_files"));
        };
        let found: Vec<&Value> = files.iter().filter(|candidate| file.is(candidate)).collect();
        if found.is_empty() {
            return Err(file.missing(now));
        }
        let many = if file.file_id.is_some() { 1 } else { FILES_MAX };
        found.into_iter().take(many).enumerate().map(|(n, of)| target(file, n, of, now)).collect()
    }
}

fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
}

#[expect(clippy::result_large_err, reason = "a verdict is what the caller goes on with")]
fn target(
    file: &FileRef,
    ordinal: usize,
    found: &Value,
    now: Millis,
) -> Result<DownloadTarget, Verdict> {
    let url = found.get("download_url").and_then(Value::as_str).filter(|url| !url.is_empty());
    match url {
        Some(url) if !processing(found) => Ok(DownloadTarget {
            url: url.to_owned(),
            key: file.key(ordinal),
            size: found.get("file_size").and_then(Value::as_f64).map(|size| size as u64),
            kind: FileKind::of(&file.file_type),
        }),
        _ => Err(without_url(found, now)),
    }
}

/// What it means that a file has no URL.
fn without_url(file: &Value, now: Millis) -> Verdict {
    let unavailable =
        |why, message: &str| Verdict::Unavailable { why, message: message.to_owned() };
    let recorded = instant(file, "recording_end").or_else(|| instant(file, "recording_start"));
    if keys::id(file, "deleted_time").is_some() {
        return unavailable(Unavailable::Trashed, "the file is in the trash");
    }
    match recorded {
        Some(at) if processing(file) => in_the_works(at, now),
        _ => unavailable(Unavailable::NotAccessible, "the file has no download URL"),
    }
}

fn in_the_works(recorded_at: Millis, now: Millis) -> Verdict {
    let why = "the file is still in processing";
    waiting(now, recorded_at, recorded_at + RECORDING_MS, why, None)
}

/// What it means that a download was answered with another status than 200, 206 or 416.
pub fn refused(op: &Operation, answer: &Answer<'_>, now: Millis) -> Verdict {
    let again = |cause, message: &str| Verdict::Retry { cause, message: message.to_owned() };
    match answer.status {
        // The token is good for the API; the URL has aged perhaps. The next attempt reads the
        // recording again.
        401 | 403 => {
            let message = format!("the download was refused with {}", answer.status);
            again(RetryCause::Token, &message)
        }
        404 | 410 => again(RetryCause::BadBody, "nothing is at the download URL"),
        // The operation's category is that of reading the recording; no limit counts a
        // download unless the answer says which.
        429 if answer.header("x-ratelimit-category").is_none() => {
            again(RetryCause::RateLimit, "the download was refused with 429")
        }
        429 => throttled(op, answer, "", now),
        408 | 500.. => again(RetryCause::ServerError, &format!("HTTP {}", answer.status)),
        204 => again(RetryCause::BadBody, "the download brought no file"),
        http => {
            let message = format!("the download was answered with HTTP {http}");
            Verdict::Dead { http, code: None, message }
        }
    }
}

/// Reads a transcript: one row of `transcripts`, one of `transcript_cues` a cue. `with` is what
/// was asked; `key` the file's.
pub fn read_transcript(with: &Map<String, Value>, key: &str, body: &[u8]) -> Verdict {
    let again =
        |message: &str| Verdict::Retry { cause: RetryCause::BadBody, message: message.to_owned() };
    let file = match FileRef::of(with) {
        Ok(file) => file,
        Err(verdict) => return verdict,
    };
    // A file that a byte was lost from is asked for again, not stored with a hole.
    let Ok(text) = std::str::from_utf8(body) else {
        return again("the transcript is not UTF-8");
    };
    match vtt::parse(text) {
        Ok(cues) => Verdict::Data(transcript(&file, key, with, text, cues)),
        Err(error) => again(&format!("the transcript: {error}")),
    }
}

fn transcript(
    file: &FileRef,
    key: &str,
    with: &Map<String, Value>,
    text: &str,
    cues: Vec<vtt::Cue>,
) -> Page {
    let instance = Value::from(file.instance_uuid.as_str());
    let given = with.get("file").and_then(Value::as_object);
    let mut record: Map<String, Value> = given
        .into_iter()
        .flatten()
        .filter(|(name, value)| TRANSCRIPTS.record.field(name).is_some() && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    record.insert("text".to_owned(), Value::from(text.trim_start_matches('\u{feff}')));
    let mut rows = Vec::with_capacity(cues.len() + 1);
    let asked: Arc<Map<String, Value>> = Arc::default();
    rows.push(Row {
        dataset: &TRANSCRIPTS,
        key: key.to_owned(),
        record: Value::Object(record),
        asked: Map::from_iter([("instance_uuid".to_owned(), instance.clone())]).into(),
    });
    rows.extend(cues.into_iter().enumerate().map(|(index, cue)| Row {
        dataset: &TRANSCRIPT_CUES,
        key: format!("{key}|{index}"),
        record: serde_json::json!({
            "file_id": key,
            "instance_uuid": instance,
            "cue_index": index,
            "start_ms": cue.start_ms,
            "end_ms": cue.end_ms,
            "speaker": cue.speaker,
            "text": cue.text,
            "text_raw": cue.text_raw,
        }),
        asked: asked.clone(),
    }));
    Page { records: 1, rows, ..Page::default() }
}

#[cfg(test)]
mod tests;
