//! Text that crosses a border: stable hashes, and names made safe to show.

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
