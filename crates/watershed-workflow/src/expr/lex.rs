//! From text to tokens.

use std::ops::Range;

use super::check::Finding;
use crate::code;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Tok,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tok {
    Name(String),
    Int(i64),
    Double(f64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Signs, longer ones first.
const SIGNS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}", "=",
];

/// The tokens of an expression, an end behind them.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Finding> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if let Some((raw, quote_at)) = quoted(rest) {
            let (value, length) = string(rest, raw, quote_at, at)?;
            tokens.push(Token { kind: Tok::Text(value), span: at..at + length });
            length
        } else if c.is_ascii_alphabetic() || c == '_' {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let name = rest[..length].to_owned();
            tokens.push(Token { kind: Tok::Name(name), span: at..at + length });
            length
        } else if c.is_ascii_digit() {
            let (kind, length) = number(rest, at)?;
            tokens.push(Token { kind, span: at..at + length });
            length
        } else if let Some(sign) = SIGNS.into_iter().find(|s| rest.starts_with(s)) {
            tokens.push(Token { kind: Tok::Sign(sign), span: at..at + sign.len() });
            sign.len()
        } else {
            let message = format!("`{c}` has no meaning in an expression");
            return Err(Finding::new(code::EXPRESSION, at..at + c.len_utf8(), message));
        };
        at += length;
    }
    tokens.push(Token { kind: Tok::End, span: text.len()..text.len() });
    Ok(tokens)
}

/// The expression with each run of blanks and comments between tokens made one blank, so
/// that how it is laid out in the file does not change the plan.
pub(crate) fn tidy(text: &str) -> String {
    let Ok(tokens) = lex(text) else { return text.trim().to_owned() };
    let mut tidied = String::with_capacity(text.len());
    let mut end = 0;
    for token in tokens.iter().filter(|t| t.kind != Tok::End) {
        if !tidied.is_empty() && token.span.start > end {
            tidied.push(' ');
        }
        tidied.push_str(&text[token.span.clone()]);
        end = token.span.end;
    }
    tidied
}

/// Whether a string begins here: whether it is raw, and where its quote stands.
fn quoted(rest: &str) -> Option<(bool, usize)> {
    let raw = rest.starts_with(['r', 'R']);
    let quote_at = usize::from(raw);
    rest[quote_at..].starts_with(['"', '\'']).then_some((raw, quote_at))
}

fn string(rest: &str, raw: bool, quote_at: usize, at: usize) -> Result<(String, usize), Finding> {
    let body = &rest[quote_at..];
    let quote = &body[..1];
    let triple = quote.repeat(3);
    let close = if body.starts_with(&triple) { triple.as_str() } else { quote };
    let mut value = String::new();
    let mut inside = close.len();
    loop {
        let left = &body[inside..];
        if left.starts_with(close) {
            return Ok((value, quote_at + inside + close.len()));
        }
        let Some(c) = left.chars().next().filter(|c| close.len() == 3 || *c != '\n') else {
            let message = "this text has no closing quote";
            return Err(Finding::new(code::EXPRESSION, at..at + quote_at + inside, message));
        };
        if c == '\\' && !raw {
            let (meant, length) = escape(left).ok_or_else(|| {
                let place = at + quote_at + inside;
                let message = "no escape that is known here";
                Finding::new(code::EXPRESSION, place..place + 1, message)
                    .help("known: \\n \\t \\r \\\\ \\\" \\' \\` \\? \\a \\b \\f \\v \\xhh \\uhhhh")
            })?;
            value.push(meant);
            inside += length;
        } else {
            value.push(c);
            inside += c.len_utf8();
        }
    }
}

fn escape(text: &str) -> Option<(char, usize)> {
    let kind = text[1..].chars().next()?;
    let digits = match kind {
        'x' | 'X' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let meant = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '"' | '\'' | '`' | '?' => kind,
        'x' | 'X' | 'u' | 'U' => {
            char::from_u32(u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?)?
        }
        _ => return None,
    };
    Some((meant, 2 + digits))
}

fn number(rest: &str, at: usize) -> Result<(Tok, usize), Finding> {
    let bytes = rest.as_bytes();
    let digits = |from: usize, hex: bool| {
        bytes[from..]
            .iter()
            .take_while(|b| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() })
            .count()
    };
    let wrong = |length: usize, message: &str| {
        Err(Finding::new(code::EXPRESSION, at..at + length, message))
    };
    let (kind, length) = if rest.starts_with("0x") || rest.starts_with("0X") {
        let length = 2 + digits(2, true);
        (i64::from_str_radix(&rest[2..length], 16).ok().map(Tok::Int), length)
    } else {
        let whole = digits(0, false);
        let mut length = whole;
        if bytes.get(length) == Some(&b'.') && digits(length + 1, false) > 0 {
            length += 1 + digits(length + 1, false);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits((length + 1 + sign).min(bytes.len()), false);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        let text = &rest[..length];
        let kind = if length == whole {
            text.parse().ok().map(Tok::Int)
        } else {
            text.parse().ok().filter(|d: &f64| d.is_finite()).map(Tok::Double)
        };
        (kind, length)
    };
    if bytes.get(length).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
        return wrong(length + 1, "a name does not begin with a digit");
    }
    match kind {
        Some(kind) => Ok((kind, length)),
        None => wrong(length, "this number is not one of 64 bits"),
    }
}
