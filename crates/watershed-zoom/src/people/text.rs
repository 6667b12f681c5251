//! People in running text. Linear in its length.

use std::ops::Range;

use super::mark::{self, Mark, Marks, NAME_WORDS};

/// What stands between two words of one name is no longer than this: `Ada (Ops) Lovelace`.
const BETWEEN_MAX: usize = 4;

/// Where a text names somebody of whom `known` has a mark: by id, by address, or by a name of
/// several words. A name of one word counts where it is the whole text, or stands at the beginning
/// of a line before a colon, as a speaker does. In their order.
pub(super) fn named(marks: &Marks, known: impl Fn(Mark) -> bool, text: &str) -> Vec<Range<usize>> {
    let addresses = addresses(text, |address| known(marks.mail(address)));
    let words = placed(text);
    let mut found = addresses.clone();
    let mut at = 0;
    while at < words.len() {
        if addresses.iter().any(|address| address.contains(&words[at].start)) {
            at += 1;
            continue;
        }
        let mut end = known(marks.id(&text[words[at].clone()])).then_some(at);
        let mut name = marks.begin_name();
        for (last, place) in words.iter().enumerate().skip(at).take(NAME_WORDS) {
            if last > at && !joins(&text[words[last - 1].end..place.start]) {
                break;
            }
            name.add(&text[place.clone()]);
            if known(name.mark()) && (last > at || alone(text, place)) {
                end = Some(last);
            }
        }
        match end {
            Some(last) => {
                found.push(words[at].start..words[last].end);
                at = last + 1;
            }
            None => at += 1,
        }
    }
    found.sort_unstable_by_key(|place| place.start);
    found
}

/// Whether what stands between two words leaves them in one name.
fn joins(between: &str) -> bool {
    between.len() <= BETWEEN_MAX && !between.contains(['\n', ':', '@'])
}

/// Whether a word is a name although it is only one.
fn alone(text: &str, word: &Range<usize>) -> bool {
    let before = text[..word.start].rsplit('\n').next().unwrap_or_default().trim();
    let after = text[word.end..].split('\n').next().unwrap_or_default();
    let one_line = || !text.trim().contains('\n');
    before.is_empty() && (after.starts_with(':') || (after.trim().is_empty() && one_line()))
}

/// The addresses that are `known`.
fn addresses(text: &str, known: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let from = before.rfind(|c| !part(c)).map_or(0, |at| at + width(&before[at..]));
        let length = after.find(|c: char| !(c.is_alphanumeric() || ".-".contains(c)));
        let until = at + 1 + length.unwrap_or(after.len());
        let domain = text[at + 1..until].trim_end_matches(['.', '-']);
        // A name may begin with more than letters, and what stands around it may look like it.
        let starts = std::iter::once(from).chain(
            text[from..at]
                .char_indices()
                .filter(|(_, c)| !(c.is_alphanumeric() || "._-+".contains(*c)))
                .map(|(i, c)| from + i + c.len_utf8()),
        );
        let end = at + 1 + domain.len();
        let place = starts.map(|start| start..end).find(|place| known(&text[place.clone()]));
        found.extend(place.filter(|place| found.last().is_none_or(|last| last.end <= place.start)));
    }
    found
}

fn width(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn placed(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(mark::in_word).map(|at| rest + at) {
        let length = text[start..].find(|c| !mark::in_word(c)).unwrap_or(text.len() - start);
        places.push(start..start + length);
        rest = start + length;
    }
    places
}
