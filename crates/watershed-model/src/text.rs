//! Text that crosses a border: stable hashes, names made safe to show, figures in words.

use xxhash_rust::xxh3::xxh3_64;

/// A stable 64-bit hash of `parts`, each length-prefixed so that no two lists collide by
/// joining. Used for listing keys and `once` keys; stored, so it never changes.
pub fn hash64(parts: &[&[u8]]) -> u64 {
    let mut joined = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        joined.extend_from_slice(&length.to_le_bytes());
        joined.extend_from_slice(part);
    }
    xxh3_64(&joined)
}

/// `text` without control and bidirectional-override characters, cut at `chars_max`
/// characters: what a hostile name may show on a terminal.
pub fn printable(text: &str, chars_max: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|c| {
            let hidden = c.is_control()
                || matches!(
                    c,
                    '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                );
            if hidden { '\u{fffd}' } else { c }
        })
        .take(chars_max)
        .collect();
    if text.chars().count() > chars_max {
        shown.push('…');
    }
    shown
}

/// A number with its thousands apart: `12,345`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A length of time in words: `3 d 4 h`, `2 min 5 s`, `0.4 s`.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let s = ms / 1_000;
    match s {
        0..=9 => format!("{}.{} s", s, ms % 1_000 / 100),
        10..=59 => format!("{s} s"),
        60..=3_599 => format!("{} min {} s", s / 60, s % 60),
        3_600..=86_399 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_easy_to_read() {
        assert_eq!(
            [number(0), number(999), number(1_000), number(12_345_678)].join(" "),
            "0 999 1,000 12,345,678"
        );
        assert_eq!(
            [span(-5), span(450), span(12_000), span(125_000), span(7_500_000), span(273_600_000)]
                .join(" · "),
            "0.0 s · 0.4 s · 12 s · 2 min 5 s · 2 h 5 min · 3 d 4 h"
        );
    }
}
