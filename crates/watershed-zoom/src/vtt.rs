//! WebVTT: a transcript cut into cues.
//!
//! Guarantee: linear in the length of the text, bounded in what it makes, total. Times are
//! taken as written, also where cues overlap or end before they begin.

/// Bytes that are taken at most.
const TEXT_MAX: usize = 16 * 1024 * 1024;
/// Cues that are taken at most: a day of one cue a second. With all that is made of them they take
/// some 100 MB.
const CUES_MAX: usize = 86_400;
/// A speaker's name is not longer than this, in characters.
const SPEAKER_MAX: usize = 64;

/// One cue: who said what, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Its begin, milliseconds from the start of the recording.
    pub start_ms: i64,
    /// Its end, milliseconds from the start of the recording.
    pub end_ms: i64,
    /// The display name before the first `: `; `None` where Zoom does not know it. It is not
    /// carried over from the cue before.
    pub speaker: Option<String>,
    /// What was said, without the speaker.
    pub text: String,
    /// The payload as written, lines joined by a line feed.
    pub text_raw: String,
}

/// Why a text gives no cues.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VttError {
    /// It does not begin with `WEBVTT`.
    #[error("the text does not begin with WEBVTT")]
    NotVtt,
    /// It is too long.
    #[error("the text has {bytes} bytes, more than {max}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// Bytes that are taken.
        max: usize,
    },
    /// It has too many cues.
    #[error("the text has more than {max} cues")]
    TooManyCues {
        /// Cues that are taken.
        max: usize,
    },
    /// A line with an arrow has no two times.
    #[error("line {line} has no two times")]
    BadTiming {
        /// The line, from 1.
        line: usize,
    },
}

/// Whether the text begins as WebVTT must; a byte order mark may precede.
pub fn is_vtt(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.strip_prefix(b"WEBVTT").is_some_and(|rest| {
        rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
    })
}

/// The cues of a transcript.
///
/// Lines end in LF or CRLF; numbers before a cue may be missing; hours may be missing; what
/// has no arrow (header, notes, styles) is passed over.
///
/// # Errors
/// Where the text is no WebVTT, exceeds its bounds or has an arrow between things that are
/// no times: no cue is dropped in silence.
///
/// # Source
/// W3C WebVTT; the form of Zoom's files as several public parsers take it. Checked 2026-11-24.
pub fn parse(text: &str) -> Result<Vec<Cue>, VttError> {
    if text.len() > TEXT_MAX {
        return Err(VttError::TooLong { bytes: text.len(), max: TEXT_MAX });
    }
    if !is_vtt(text.as_bytes()) {
        return Err(VttError::NotVtt);
    }
    let mut cues = Vec::new();
    let mut lines = text.lines().enumerate().skip(1);
    while let Some((at, line)) = lines.next() {
        if !line.contains("-->") {
            continue;
        }
        let (start_ms, end_ms) = timing(line).ok_or(VttError::BadTiming { line: at + 1 })?;
        let mut raw = String::new();
        for (_, line) in lines.by_ref().take_while(|(_, line)| !line.trim().is_empty()) {
            if !raw.is_empty() {
                raw.push('\n');
            }
            raw.push_str(line);
        }
        if cues.len() == CUES_MAX {
            return Err(VttError::TooManyCues { max: CUES_MAX });
        }
        cues.push(cue(start_ms, end_ms, raw));
    }
    Ok(cues)
}

fn cue(start_ms: i64, end_ms: i64, text_raw: String) -> Cue {
    let (speaker, text) = match spoken(&text_raw) {
        Some((speaker, text)) => (Some(speaker.to_owned()), text.to_owned()),
        None => (None, text_raw.clone()),
    };
    Cue { start_ms, end_ms, speaker, text, text_raw }
}

/// The speaker and the rest. A spoken `: ` can look like one: a name is short and has no
/// sentence punctuation.
fn spoken(raw: &str) -> Option<(&str, &str)> {
    let first = raw.split('\n').next().unwrap_or_default();
    let (name, _) = first.split_once(": ")?;
    let short = name.chars().take(SPEAKER_MAX + 1).count() <= SPEAKER_MAX;
    let sentence = |c| matches!(c, '.' | '!' | '?' | ';' | '…' | '。' | '！' | '？');
    let named = !name.trim().is_empty() && short && !name.contains(sentence);
    named.then(|| (name.trim(), &raw[name.len() + 2..]))
}

fn timing(line: &str) -> Option<(i64, i64)> {
    let (start, rest) = line.split_once("-->")?;
    // Settings may follow the end.
    let end = rest.split_whitespace().next()?;
    Some((clock_ms(start.trim())?, clock_ms(end)?))
}

/// `HH:MM:SS.mmm` or `MM:SS.mmm`; a comma does for the point.
fn clock_ms(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once(['.', ','])?;
    if fraction.len() != 3 {
        return None;
    }
    let mut parts = clock.split(':').rev();
    let seconds = number(parts.next()?)?;
    let minutes = number(parts.next()?)?;
    let hours = parts.next().map_or(Some(0), number)?;
    let valid = parts.next().is_none() && seconds < 60 && minutes < 60;
    valid.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + number(fraction)?)
}

/// A whole number of at most six digits: 999,999 hours do for every recording.
fn number(text: &str) -> Option<i64> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
