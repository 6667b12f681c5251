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

    /// Whether it is text, which has a few bytes for each word.
    pub fn is_text(self) -> bool {
        matches!(self, FileKind::Captions | FileKind::Json | FileKind::Text | FileKind::Csv)
    }

    /// That a file which begins so is asked for again: an error page or a file of another kind is
    /// not taken as one. `None`: it can be one of this kind.
    pub fn wrong(self, content_type: &str, head: &[u8]) -> Option<Verdict> {
        let again =
            |cause, message: &str| Some(Verdict::Retry { cause, message: message.to_owned() });
        let begin = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if is_page(content_type) || is_html(begin) {
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
            _ => None,
        }
    }
}

/// Whether a text is JSON to its end.
pub fn is_json(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether a page for people has come, whatever was asked for.
pub fn is_page(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().contains("html")
}

fn is_html(begin: &[u8]) -> bool {
    let starts =
        |with: &[u8]| begin.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    starts(b"<!doctype html") || starts(b"<html")
}
