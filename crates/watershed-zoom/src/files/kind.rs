//! What a file is: its extension, and whether bytes can be one.

use watershed_model::{RetryCause, Verdict};

use crate::vtt;

/// What a file of a recording is, by its `file_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Pictures and sound, `MP4`.
    Video,
    /// Sound alone, `M4A`.
    Audio,
    /// `TRANSCRIPT` and `CC`: WebVTT.
    Captions,
    /// `TIMELINE`, `TB`, `SUMMARY`: JSON.
    Json,
    /// `CHAT`.
    Text,
    /// `CSV`: polls.
    Csv,
    /// What Zoom may add.
    Other,
}

impl FileKind {
    /// Of a `file_type`.
    pub fn of(file_type: &str) -> FileKind {
        match file_type {
            "MP4" => FileKind::Video,
            "M4A" => FileKind::Audio,
            "TRANSCRIPT" | "CC" => FileKind::Captions,
            "TIMELINE" | "TB" | "SUMMARY" => FileKind::Json,
            "CHAT" | "TXT" => FileKind::Text,
            "CSV" => FileKind::Csv,
            _ => FileKind::Other,
        }
    }

    /// The end of its file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            FileKind::Video => "mp4",
            FileKind::Audio => "m4a",
            FileKind::Captions => "vtt",
            FileKind::Json => "json",
            FileKind::Text => "txt",
            FileKind::Csv => "csv",
            FileKind::Other => "bin",
        }
    }

    /// Whether it must have as many bytes as its record tells. Of texts that is not certain.
    pub fn has_exact_size(self) -> bool {
        matches!(self, FileKind::Video | FileKind::Audio)
    }

    /// Makes sure that a file which begins so can be one of this kind: an error page or a file of
    /// another kind is not taken as one.
    ///
    /// # Errors
    /// The verdict that it is asked for again.
    #[expect(clippy::result_large_err, reason = "a verdict is what the caller goes on with")]
    pub fn check(self, content_type: &str, head: &[u8]) -> Result<(), Verdict> {
        let again = |cause, message: &str| {
            Err(Verdict::Retry { cause, message: message.to_owned() })
        };
        let begin = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if content_type.to_ascii_lowercase().contains("html") || is_html(begin) {
            return again(RetryCause::NotJson, "a page for people in place of the file");
        }
        if head.is_empty() {
            return again(RetryCause::BadBody, "the file is empty");
        }
        match self {
            FileKind::Video | FileKind::Audio if head.get(4..8) != Some(b"ftyp") => {
                again(RetryCause::BadBody, "the file does not begin as an MP4 does")
            }
            FileKind::Captions if !vtt::is_vtt(head) => {
                again(RetryCause::BadBody, "the transcript does not begin with WEBVTT")
            }
            FileKind::Json if !matches!(begin.first(), Some(b'{' | b'[')) => {
                again(RetryCause::BadBody, "the file does not begin as JSON does")
            }
            _ => Ok(()),
        }
    }
}

fn is_html(begin: &[u8]) -> bool {
    let starts = |with: &[u8]| {
        begin.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
    };
    starts(b"<!doctype html") || starts(b"<html")
}
