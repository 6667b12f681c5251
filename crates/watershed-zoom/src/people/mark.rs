//! Marks: what is remembered of people who are left out. A keyed hash of an id, an address or a
//! name; who has not the key cannot tell whose it is, nor try people out.

use std::hash::Hasher as _;

use serde_json::Value;
use siphasher::sip::SipHasher24;

use crate::pseudonym::Pseudonyms;

/// Words of a name that count.
pub(super) const NAME_WORDS: usize = 6;

/// 64 bits: of 100,000 people with 10^9 words that are looked up, one is taken for somebody in
/// 200,000 times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u64);

/// Makes marks, under a key of the connection.
#[derive(Clone)]
pub(super) struct Marks(SipHasher24);

/// A name as far as it has been read, word by word.
#[derive(Clone)]
pub(super) struct Name(SipHasher24, bool);

impl Marks {
    pub(super) fn new(pseudonyms: &Pseudonyms) -> Marks {
        Marks(SipHasher24::new_with_key(&pseudonyms.bytes(b"marks of people who are left out")))
    }

    /// Of the key itself.
    pub(super) fn of_key(&self) -> Mark {
        self.of(b'k', b"")
    }

    /// Of a user's id. Case counts.
    pub(super) fn id(&self, text: &str) -> Mark {
        self.of(b'i', text.trim().as_bytes())
    }

    /// Of an address.
    pub(super) fn mail(&self, text: &str) -> Mark {
        self.of(b'm', text.trim().to_lowercase().as_bytes())
    }

    /// Of a name, its words however far apart.
    pub(super) fn name(&self, text: &str) -> Option<Mark> {
        let mut name = self.begin_name();
        words(text).take(NAME_WORDS).for_each(|word| name.add(word));
        name.1.then(|| name.mark())
    }

    /// A name of which no word is read yet.
    pub(super) fn begin_name(&self) -> Name {
        let mut hasher = self.0;
        hasher.write_u8(b'n');
        Name(hasher, false)
    }

    /// All by which a user is known, by his record.
    pub(super) fn of_user(&self, user: &Value) -> Vec<Mark> {
        let text = |member| user.get(member).and_then(Value::as_str).unwrap_or_default();
        let (first, last) = (text("first_name"), text("last_name"));
        let mut marks = Vec::new();
        marks.extend(Some(text("id")).filter(|id| !id.trim().is_empty()).map(|id| self.id(id)));
        marks.extend(Some(text("email")).filter(|m| m.contains('@')).map(|m| self.mail(m)));
        marks.extend(self.name(text("display_name")));
        marks.extend(self.name(&format!("{first} {last}")));
        marks.extend(self.name(&format!("{last} {first}")));
        marks.sort_unstable();
        marks.dedup();
        marks
    }

    fn of(&self, kind: u8, bytes: &[u8]) -> Mark {
        let mut hasher = self.0;
        hasher.write_u8(kind);
        hasher.write(bytes);
        Mark(hasher.finish())
    }
}

impl Name {
    pub(super) fn add(&mut self, word: &str) {
        if self.1 {
            self.0.write_u8(b' ');
        }
        self.0.write(word.to_lowercase().as_bytes());
        self.1 = true;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.0.finish())
    }
}

/// The words of a name.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !in_word(c)).filter(|word| !word.is_empty())
}

/// What a word of a name, or an id, is made of.
pub(super) fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}
