//! Changes of a text, drawn by chance: what breaks readers most.

use std::fmt;

use bolero::TypeGenerator;

/// A text that does not grow beyond this, however often a piece of it is doubled.
const TEXT_MAX: usize = 1 << 20;

/// A change. Places and lengths wrap around at the end of the text that they meet.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) enum Edit {
    /// Takes a piece out.
    Cut { at: u16, len: u8 },
    /// Puts bytes in.
    Put { at: u16, bytes: Vec<u8> },
    /// Puts in a word that means something to a reader.
    Word { at: u16, word: u8 },
    /// Writes a piece once more, somewhere else.
    Copy { from: u16, len: u8, to: u16 },
    /// Writes a piece again and again.
    Repeat { at: u16, len: u8, times: u8 },
    /// Puts in a piece of another text of the corpus.
    Graft { text: u8, from: u16, len: u8, to: u16 },
    /// Changes one bit.
    Flip { at: u16, bit: u8 },
}

/// Words that mean something to one reader or another.
const WORDS: [&str; 48] = [
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    " ",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "${{",
    "}}",
    ": ",
    ", ",
    "- ",
    "&a ",
    "*a",
    "<<: *a",
    "!",
    "|",
    ">-\n",
    "#",
    "-->",
    "WEBVTT",
    "NOTE",
    "00:",
    ".999",
    "999999",
    "null",
    "true",
    "\"\"",
    "-1",
    "1e999",
    "9223372036854775808",
    "\\ud800",
    "\u{0}",
    "\u{202e}",
    "é",
    "🦀",
    " in ",
    "&&",
    "==",
    ".all(x, x)",
    "%2F",
];

impl Edit {
    fn change(&self, text: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let place = |at: u16| usize::from(at) % (text.len() + 1);
        let piece = |text: &[u8], from: u16, len: u8| {
            let from = usize::from(from) % (text.len() + 1);
            text[from..(from + usize::from(len)).min(text.len())].to_vec()
        };
        let (at, replaced, new) = match self {
            Edit::Cut { at, len } => {
                let cut = piece(text, *at, *len).len();
                (place(*at), cut, Vec::new())
            }
            Edit::Put { at, bytes } => (place(*at), 0, bytes.clone()),
            Edit::Word { at, word } => {
                (place(*at), 0, WORDS[usize::from(*word) % WORDS.len()].as_bytes().to_vec())
            }
            Edit::Copy { from, len, to } => (place(*to), 0, piece(text, *from, *len)),
            Edit::Repeat { at, len, times } => {
                (place(*at), 0, piece(text, *at, *len).repeat(usize::from(*times)))
            }
            Edit::Graft { text: which, from, len, to } => {
                let other = &corpus[usize::from(*which) % corpus.len()];
                (place(*to), 0, piece(other, *from, *len))
            }
            Edit::Flip { at, bit } => match text.get(place(*at)) {
                Some(byte) => (place(*at), 1, vec![byte ^ (1 << (bit % 8))]),
                None => return,
            },
        };
        if text.len() + new.len() <= TEXT_MAX {
            text.splice(at..at + replaced, new);
        }
    }
}

/// A text, shown so that it can be kept as a file: `printf '%b'` writes it.
#[derive(Clone)]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl Text {
    /// One of these texts, changed.
    pub(crate) fn made(corpus: &[Vec<u8>], which: u8, edits: &[Edit]) -> Text {
        let mut text = corpus[usize::from(which) % corpus.len()].clone();
        for edit in edits {
            edit.change(&mut text, corpus);
        }
        Text(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.escape_ascii())
    }
}
