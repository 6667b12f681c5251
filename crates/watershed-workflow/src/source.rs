//! The text of a workflow file, and where in it a byte stands.
//!
//! A value that was folded, quoted or escaped differs from its raw text; [`inner_offsets`]
//! tells where each of its bytes stands in the file, so that an error inside an expression
//! is underlined exactly there.

use std::ops::Range;

/// A workflow file: its name and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As given by the caller; shown in messages.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// Line and column of a byte offset, both from 1; a column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The byte offset of a line and column, both from 1; the end of the text beyond it.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = match line {
            0 | 1 => 0,
            _ => match self.text.match_indices('\n').nth(line - 2) {
                Some((at, _)) => at + 1,
                None => return self.text.len(),
            },
        };
        let rest = &self.text[start..];
        let length = rest.find('\n').unwrap_or(rest.len());
        rest[..length]
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(start + length, |(at, _)| start + at)
    }

    /// The range, cut to the text and to whole characters.
    pub(crate) fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        start..self.floor(span.end).max(start)
    }

    fn floor(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// A value and the bytes of the file it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<T> At<T> {
    pub(crate) fn new(value: T, span: Range<usize>) -> Self {
        At { value, span }
    }
}

/// For each byte of `value`, and for its end, the byte of `raw` it comes from.
///
/// A block or plain scalar differs from its value only in blanks; a quoted one also in its
/// quotes and escapes. So the characters that are no blanks are matched one by one. `None`
/// where the two do not belong together.
pub(crate) fn inner_offsets(raw: &str, value: &str) -> Option<Vec<usize>> {
    align(raw, value, Style::Plain).or_else(|| match raw.as_bytes().first() {
        Some(b'\'') => align(raw, value, Style::Single),
        Some(b'"') => align(raw, value, Style::Double),
        _ => None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
}

fn align(raw: &str, value: &str, style: Style) -> Option<Vec<usize>> {
    let mut at = usize::from(style != Style::Plain);
    let mut offsets = Vec::with_capacity(value.len() + 1);
    let mut blanks = Blanks::default();
    for c in value.chars() {
        let (start, next) = step(raw, at, c, style, &mut blanks)?;
        offsets.extend(std::iter::repeat_n(start, c.len_utf8()));
        at = next;
    }
    offsets.push(at.min(raw.len()));
    let rest = raw.get(at..)?.trim();
    let ended = match style {
        Style::Plain => rest.is_empty(),
        Style::Single => rest == "'",
        Style::Double => rest == "\"",
    };
    ended.then_some(offsets)
}

/// Where the blanks that were met last end: a long run of them is walked through once.
#[derive(Default)]
struct Blanks {
    end: usize,
}

impl Blanks {
    /// How many bytes of blanks stand there.
    fn at(&mut self, raw: &str, at: usize) -> usize {
        if at >= self.end {
            self.end = raw.len() - raw[at..].trim_start().len();
        }
        self.end - at
    }
}

/// Where `c` stands at or after `at`, and where the next character may stand.
fn step(raw: &str, at: usize, c: char, style: Style, known: &mut Blanks) -> Option<(usize, usize)> {
    let mut at = at;
    if style == Style::Double {
        loop {
            let rest = raw.get(at..)?;
            let blanks = known.at(raw, at);
            // An escaped line break stands for nothing.
            match rest[blanks..].strip_prefix("\\\n") {
                Some(_) => at += blanks + 2,
                None => match escape(&rest[blanks..], c) {
                    Some(length) => return Some((at + blanks, at + blanks + length)),
                    None => break,
                },
            }
        }
    }
    let rest = raw.get(at..)?;
    if c == ' ' || c == '\n' || c == '\t' {
        // Where the raw text has no blank here, a fold ate it: the place is still right.
        let length = rest.chars().next().filter(|r| r.is_whitespace()).map_or(0, char::len_utf8);
        return Some((at, at + length));
    }
    let blanks = known.at(raw, at);
    let start = at + blanks;
    let found = &rest[blanks..];
    if style == Style::Single && c == '\'' {
        return found.starts_with("''").then_some((start, start + 2));
    }
    found.starts_with(c).then_some((start, start + c.len_utf8()))
}

/// The length of an escape that stands for `c`.
fn escape(text: &str, c: char) -> Option<usize> {
    let kind = text.strip_prefix('\\')?.chars().next()?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let meant = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'e' => '\u{1b}',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' | 'u' | 'U' => char::from_u32(u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?)?,
        other => other,
    };
    (meant == c).then_some(1 + kind.len_utf8() + digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(raw: &str, value: &str, needle: &str) -> String {
        let offsets = inner_offsets(raw, value).expect("they belong together");
        let at = value.find(needle).expect("it is in the value");
        raw[offsets[at]..offsets[at + needle.len()]].to_owned()
    }

    #[test]
    fn a_plain_value_stands_where_it_stands() {
        assert_eq!(found("a == bé", "a == bé", "bé"), "bé");
    }

    #[test]
    fn a_folded_value_is_found_behind_its_indentation() {
        assert_eq!(found("aa é\n      bb\n    cc\n", "aa é bb\ncc", "bb"), "bb");
        assert_eq!(found("aa\n\n    dd\n", "aa\ndd", "dd"), "dd");
    }

    #[test]
    fn quotes_and_escapes_are_seen_through() {
        assert_eq!(found("'it''s x'", "it's x", "x"), "x");
        assert_eq!(found("\"a\\n\\u00e9 x.y\"", "a\né x.y", "x.y"), "x.y");
        assert_eq!(found("\"a \\\n   b c\"", "a b c", "c"), "c");
    }

    #[test]
    fn a_block_that_begins_with_a_quote_is_no_quoted_value() {
        assert_eq!(found("\"a\" == b\n", "\"a\" == b", "b"), "b");
    }

    #[test]
    fn positions_count_characters() {
        let file = SourceFile { name: "f".into(), text: "a\nüb: c\n".into() };
        assert_eq!(file.position(4), (2, 2));
        assert_eq!(file.offset(2, 2), 4);
        assert_eq!(file.offset(9, 1), file.text.len());
    }
}
