//! Text that PostgreSQL can hold, whatever Zoom sent.
//!
//! PostgreSQL refuses the character NUL in text and in jsonb. So that no row is lost for it, NUL
//! stands as `␛␀` (U+241B, U+2400) in everything that is stored, and `␛` as `␛␛`: both are
//! visible, keys stay different, and what is read back is what was sent.

use std::borrow::Cow;

use serde_json::{Map, Value};

const ESCAPE: char = '\u{241b}';
const NUL: char = '\u{2400}';

/// As it is stored.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + ESCAPE.len_utf8());
    for c in text.chars() {
        match c {
            '\0' => kept.extend([ESCAPE, NUL]),
            ESCAPE => kept.extend([ESCAPE, ESCAPE]),
            c => kept.push(c),
        }
    }
    Cow::Owned(kept)
}

/// As it was before it was stored.
pub(crate) fn told(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut told = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped =
            chars.peek().copied().filter(|next| c == ESCAPE && [NUL, ESCAPE].contains(next));
        match escaped {
            Some(NUL) => told.push('\0'),
            Some(other) => told.push(other),
            None => told.push(c),
        }
        if escaped.is_some() {
            chars.next();
        }
    }
    told
}

/// JSON text as it is stored.
pub(crate) fn kept_json(value: &Value) -> String {
    let text = value.to_string();
    // An escaped backslash before `u0000` only costs a look.
    if text.contains("\\u0000") || text.contains(ESCAPE) {
        return each(value, &|text| kept(text).into_owned()).to_string();
    }
    text
}

/// The value of stored JSON text.
///
/// # Errors
/// Where it is no JSON.
pub(crate) fn told_json(text: &str) -> serde_json::Result<Value> {
    let value: Value = serde_json::from_str(text)?;
    if text.contains(ESCAPE) {
        return Ok(each(&value, &|text| told(text.to_owned())));
    }
    Ok(value)
}

/// The same with every string and every name of a member changed.
fn each(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| each(item, change)).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (change(name), each(value, change)))
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_and_its_escape_come_back_as_they_were_and_nothing_else_changes() {
        for text in ["", "Ana", "\0", "a\0b\0", "\u{241b}", "\u{241b}\0", "\u{2400}", "\\u0000"] {
            let stored = kept(text);
            assert!(!stored.contains('\0'), "{stored:?}");
            assert_eq!(told(stored.into_owned()), text);
        }
        assert_eq!(kept("a\0\u{241b}"), "a\u{241b}\u{2400}\u{241b}\u{241b}");
        assert_eq!(kept("\u{2400}"), "\u{2400}");
    }

    #[test]
    fn what_some_other_program_wrote_is_left_as_it_is() {
        assert_eq!(told("\u{241b}x\u{241b}".to_owned()), "\u{241b}x\u{241b}");
    }

    #[test]
    fn strings_and_names_of_members_are_kept_at_any_depth() {
        let value = json!({ "a\0": ["\0", { "b": "\u{241b}" }], "c": "\\u0000", "d": 1.5 });
        let stored = kept_json(&value);
        assert_eq!(stored, r#"{"a␛␀":["␛␀",{"b":"␛␛"}],"c":"\\u0000","d":1.5}"#);
        assert_eq!(told_json(&stored).expect("JSON"), value);
        assert_eq!(kept_json(&json!({ "b": 1, "a": 2 })), r#"{"a":2,"b":1}"#);
    }
}
