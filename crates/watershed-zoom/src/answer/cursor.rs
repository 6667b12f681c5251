//! What a listing carries from page to page: Zoom's token, and what later pages must know of
//! earlier ones (stays already keyed, whether something was not ripe).
//!
//! A cursor is opaque to the engine. Where there is nothing to carry it is Zoom's own token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watershed_model::Millis;

use crate::keys::Stays;

/// Begins a cursor that carries more than the token. No token of Zoom begins with `~`.
const MARK: &str = "~w1~";

/// What earlier pages brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Carried {
    /// Stays keyed so far.
    pub(super) stays: Stays,
    /// Until when something that was not ripe yet is waited for; the latest of all pages.
    pub(super) unripe_until: Option<Millis>,
}

/// Zoom's own token in a cursor.
pub(crate) fn page_token(cursor: &str) -> &str {
    split(cursor).map_or(cursor, |(_, _, token)| token)
}

impl Carried {
    /// What the cursor carries; nothing where it is a mere token.
    pub(super) fn of(cursor: Option<&str>) -> Carried {
        let Some((stays, until, _)) = cursor.and_then(split) else { return Carried::default() };
        Carried {
            stays: Stays::from_bytes(&URL_SAFE_NO_PAD.decode(stays).unwrap_or_default()),
            unripe_until: until.parse().ok().map(Millis),
        }
    }

    /// The cursor of the next page.
    pub(super) fn cursor(&self, token: &str) -> String {
        if self.stays.is_empty() && self.unripe_until.is_none() {
            return token.to_owned();
        }
        let stays = URL_SAFE_NO_PAD.encode(self.stays.to_bytes());
        let until = self.unripe_until.map(|u| u.0.to_string()).unwrap_or_default();
        format!("{MARK}{stays}~{until}~{token}")
    }
}

fn split(cursor: &str) -> Option<(&str, &str, &str)> {
    let mut parts = cursor.strip_prefix(MARK)?.splitn(3, '~');
    Some((parts.next()?, parts.next()?, parts.next()?))
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
        let cursor = carried.cursor("a~b~c");
        assert_eq!(page_token(&cursor), "a~b~c");
        assert_eq!(Carried::of(Some(&cursor)), carried);
    }
}
