//! Text with `${{ … }}` in it, taken apart.

use std::ops::Range;

/// A part of a template; positions are bytes of the template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    Text(&'t str),
    Expr { text: &'t str, at: usize },
}

/// The parts of a template.
///
/// # Errors
/// Where braces open that are never closed.
pub(crate) fn split(text: &str) -> Result<Vec<Piece<'_>>, Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("${{") {
        let open = at + open;
        if open > at {
            pieces.push(Piece::Text(&text[at..open]));
        }
        let inner = open + 3;
        let length = closing(&text[inner..]).ok_or(open..inner)?;
        pieces.push(Piece::Expr { text: &text[inner..inner + length], at: inner });
        at = inner + length + 2;
    }
    if at < text.len() || pieces.is_empty() {
        pieces.push(Piece::Text(&text[at..]));
    }
    Ok(pieces)
}

/// Where `}}` stands outside quotes.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_expressions_take_turns() {
        let pieces = split("a ${{ b }}c${{'}}'}}").expect("the braces are closed");
        assert_eq!(
            pieces,
            [
                Piece::Text("a "),
                Piece::Expr { text: " b ", at: 5 },
                Piece::Text("c"),
                Piece::Expr { text: "'}}'", at: 14 },
            ]
        );
        assert_eq!(split(""), Ok(vec![Piece::Text("")]));
    }

    #[test]
    fn open_braces_are_found() {
        assert_eq!(split("a ${{ b }"), Err(2..5));
    }
}
