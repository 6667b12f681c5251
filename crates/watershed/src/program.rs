//! How this program was called: the commands that are printed can be copied.

/// The program's name, as it was called where that was by a path.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().and_then(|arg| arg.into_string().ok());
    match called {
        Some(path) if path.contains('/') => quoted(&path),
        _ => "watershed".to_owned(),
    }
}

/// A word that a shell takes as one word.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("data/demo/zoom.db"), "data/demo/zoom.db");
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
