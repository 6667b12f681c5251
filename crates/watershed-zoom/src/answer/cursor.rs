//! What a listing carries from page to page: Zoom's token, and what later pages must know of
//! earlier ones (stays already keyed, whether something was not ripe, whether it goes in circles,
//! what cannot be stored).
//!
//! A cursor is opaque to the engine. Where there is nothing to carry it is Zoom's own token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use watershed_model::{Millis, hash64};

use super::unfit::Tally;
use crate::keys::Stays;

/// Begins a cursor that carries more than the token.
const MARK: &str = "~w3~";
/// The same, of programs that left nothing out, or did not look for circles either.
const MARKS_BEFORE: [(&str, usize); 2] = [("~w2~", 3), ("~w1~", 2)];
/// So many parts come before the token.
const PARTS: usize = 4;
/// So many pages may bring what an earlier one brought: a list that moves may look so, and one may
/// have pages without a record.
const AGAIN_MAX: u32 = 10;

/// What earlier pages brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Carried {
    /// Stays keyed so far.
    pub(super) stays: Stays,
    /// Until when something that was not ripe yet is waited for; the latest of all pages.
    pub(super) unripe_until: Option<Millis>,
    /// Whether pages come again.
    pub(super) trail: Trail,
    /// Records that cannot be stored.
    pub(super) unfit: Tally,
}

/// What tells a listing in circles, whatever the tokens of its pages say: one page is remembered,
/// and after twice as many pages as the last time another one (Brent). A circle of n pages is seen
/// at the latest in the 3nth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Trail {
    /// The records of the page that is remembered.
    mark: u64,
    /// Pages since then, and at how many another one is remembered.
    pages: u32,
    until: u32,
    /// Pages that brought the records of one that was remembered.
    again: u32,
}

impl Trail {
    /// Takes note of a page; whether too many came again.
    pub(super) fn comes_again(&mut self, records: &[Value]) -> bool {
        let hash = |record: &Value| hash64(&[record.to_string().as_bytes()]);
        let page = records.iter().map(hash).fold(1, u64::wrapping_add);
        if page == self.mark {
            self.again += 1;
        }
        self.pages += 1;
        if self.pages >= self.until {
            (self.mark, self.pages, self.until) = (page, 0, self.until.max(1).saturating_mul(2));
        }
        self.again > AGAIN_MAX
    }

    fn of(text: &str) -> Option<Trail> {
        let mut parts = text.split('.');
        let mark = u64::from_str_radix(parts.next()?, 16).ok()?;
        let mut count = || parts.next()?.parse().ok();
        Some(Trail { mark, pages: count()?, until: count()?, again: count()? })
    }
}

/// Zoom's own token in a cursor.
pub(crate) fn page_token(cursor: &str) -> &str {
    split(cursor).map_or(cursor, |(_, token)| token)
}

/// The cursor that stands where a listing has ended, but for records that cannot be stored.
pub fn ended(unfit: &str) -> String {
    let mut carried = Carried::default();
    carried.unfit.add(|| unfit.to_owned());
    carried.cursor("")
}

/// What could not be stored of the listing that has ended there; `None` where a page follows.
pub fn unfit(cursor: &str) -> Option<String> {
    let (_, token) = split(cursor)?;
    token.is_empty().then(|| Carried::of(Some(cursor)).unfit.first)
}

impl Carried {
    /// What the cursor carries; nothing where it is a mere token.
    pub(super) fn of(cursor: Option<&str>) -> Carried {
        let Some(([stays, until, trail, unfit], _)) = cursor.and_then(split) else {
            return Carried::default();
        };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        Carried {
            stays: Stays::from_bytes(&bytes(stays)),
            unripe_until: until.parse().ok().map(Millis),
            trail: Trail::of(trail).unwrap_or_default(),
            unfit: Tally::of(&String::from_utf8_lossy(&bytes(unfit))),
        }
    }

    /// The cursor of the next page. A token that could be taken for one of ours is never left bare.
    pub(super) fn cursor(&self, token: &str) -> String {
        if *self == Carried::default() && !token.starts_with('~') {
            return token.to_owned();
        }
        let stays = URL_SAFE_NO_PAD.encode(self.stays.to_bytes());
        let until = self.unripe_until.map(|u| u.0.to_string()).unwrap_or_default();
        let Trail { mark, pages, until: next, again } = self.trail;
        let unfit = URL_SAFE_NO_PAD.encode(self.unfit.written());
        format!("{MARK}{stays}~{until}~{mark:x}.{pages}.{next}.{again}~{unfit}~{token}")
    }
}

/// The parts of a cursor of ours, and the token.
fn split(cursor: &str) -> Option<([&str; PARTS], &str)> {
    let marks = [(MARK, PARTS)].into_iter().chain(MARKS_BEFORE);
    let (mut rest, count) =
        marks.into_iter().find_map(|(mark, count)| Some((cursor.strip_prefix(mark)?, count)))?;
    let mut parts = [""; PARTS];
    for part in &mut parts[..count] {
        (*part, rest) = rest.split_once('~')?;
    }
    Some((parts, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_without_anything_to_carry_is_the_token() {
        assert_eq!(Carried::default().cursor("R4aF9~x"), "R4aF9~x");
        assert_eq!(page_token("R4aF9~x"), "R4aF9~x");
        assert_eq!(Carried::of(Some("R4aF9~x")), Carried::default());
    }

    #[test]
    fn a_cursor_gives_back_what_was_put_in() {
        let mut carried = Carried { unripe_until: Some(Millis(17)), ..Carried::default() };
        carried.stays.keys("u", &[json!({"user_id": "1"}), json!({"user_id": "2"})]);
        carried.trail.comes_again(&[json!({"id": 1})]);
        carried.unfit.add(|| "users[3] is ~no~ object".to_owned());
        let cursor = carried.cursor("a~b~c");
        assert_eq!(page_token(&cursor), "a~b~c");
        assert_eq!(Carried::of(Some(&cursor)), carried);
    }

    #[test]
    fn a_cursor_of_the_program_before_is_read() {
        assert_eq!(page_token("~w1~~17~a~b"), "a~b");
        let carried = Carried { unripe_until: Some(Millis(17)), ..Carried::default() };
        assert_eq!(Carried::of(Some("~w1~~17~a~b")), carried);
        assert_eq!(page_token("~w2~~17~0.0.0.0~a~b"), "a~b");
        assert_eq!(Carried::of(Some("~w2~~17~0.0.0.0~a~b")), carried);
    }

    #[test]
    fn where_a_listing_has_ended_stands_what_could_not_be_stored() {
        assert_eq!(unfit(&ended("users[3] is none")).as_deref(), Some("users[3] is none"));
        let mut carried = Carried::default();
        carried.unfit.add(|| "users[3] is none".to_owned());
        assert_eq!(unfit(&carried.cursor("t")), None, "a page follows");
        assert_eq!(unfit(""), None);
    }

    #[test]
    fn a_token_that_looks_like_a_cursor_is_sent_as_it_came() {
        for token in ["~w1~~17~x", "~w2~~~0.0.0.0~x", "~w3~~~0.0.0.0~MS54~", "~w3~", "~"] {
            let cursor = Carried::default().cursor(token);
            assert_eq!(page_token(&cursor), token);
            assert_eq!(Carried::of(Some(&cursor)), Carried::default());
        }
    }

    /// The page, from 1, at which a listing whose page n brings the record `of(n)` is given up.
    fn given_up(of: impl Fn(u32) -> u32) -> Option<u32> {
        let mut trail = Trail::default();
        (1..=10_000).find(|page| trail.comes_again(&[json!({"id": of(*page)})]))
    }

    #[test]
    fn a_listing_in_circles_is_given_up_and_one_that_goes_on_is_not() {
        assert_eq!(given_up(|page| page), None);
        assert_eq!(given_up(|_| 7), Some(12));
        for circle in [2, 3, 7, 100] {
            let at = given_up(|page| page % circle).expect("it is seen");
            assert!(at <= (AGAIN_MAX + 4) * circle * 2, "{circle}: {at}");
        }
        // It runs into the circle after a while.
        assert!(given_up(|page| if page < 1_000 { page } else { page % 3 }).is_some());
    }

    #[test]
    fn pages_without_a_record_are_given_up_at_length() {
        let mut trail = Trail::default();
        let ends = (1..=100).find(|_| trail.comes_again(&[]));
        assert_eq!(ends, Some(12));
    }
}
