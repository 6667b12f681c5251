//! Some items of a chunk, as `_spawn.lua` keeps them.

use serde::Deserialize;
use watershed_ledger::form;

use crate::read::Raw;

/// The form's place that says that the form stands before what fills it.
const FORM_INLINE: u8 = 62;

/// Forms, where the first item begins, ends of three bytes, heads, keys of eight bytes where any
/// has one, and what fills the forms.
#[derive(Debug, Deserialize)]
pub(crate) struct Piece(Vec<Raw>, usize, Raw, Raw, Raw, Raw);

impl Piece {
    /// The text of an item, its key, and whether it goes together with the one before; `None` where
    /// the piece is not whole.
    pub(crate) fn item(&self, at: usize) -> Option<(String, Option<u64>, bool)> {
        let Piece(forms, first, ends, heads, keys, blob) = self;
        let end = |at: usize| {
            let end = usize::try_from(number(ends.0.get(at * 3..at * 3 + 3)?)).ok()?;
            end.checked_sub(*first)
        };
        let begin = if at == 0 { 0 } else { end(at - 1)? };
        let mut fills = blob.0.get(begin..end(at)?)?;
        let head = *heads.0.get(at)?;
        let form = if head >> 2 == FORM_INLINE {
            let len = usize::try_from(number(form::take(&mut fills, 3)?)).ok()?;
            Some(form::take(&mut fills, len)?).filter(|form| !form.is_empty())
        } else {
            Some(&forms.get(usize::from(head >> 2))?.0[..])
        };
        let once = match head & 2 {
            0 => None,
            _ => Some(number(keys.0.get(at * 8..at * 8 + 8)?)),
        };
        Some((item_of(form, fills)?, once, head & 1 == 1))
    }
}

/// An item of that form; without one, its text is there whole.
pub(crate) fn item_of(form: Option<&[u8]>, mut fills: &[u8]) -> Option<String> {
    match form {
        Some(form) => form::join(form, &mut fills),
        None => String::from_utf8(fills.to_vec()).ok(),
    }
}

/// A number, the highest byte first.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
