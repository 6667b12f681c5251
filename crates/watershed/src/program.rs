//! How this program was called: the commands that are printed can be copied.

use std::path::{Path, PathBuf};

/// The program's name.
const NAME: &str = "watershed";

/// The words with which this program is called: by cargo, where cargo runs it now.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let by_cargo = std::env::var_os("CARGO").is_some()
        && called.file_name().is_some_and(|name| name == NAME)
        && called.parent().and_then(Path::parent).is_some_and(|dir| dir.ends_with("target"));
    match (by_cargo, called.parent().is_some_and(|dir| dir.ends_with("release"))) {
        (true, true) => "cargo run --release --".to_owned(),
        (true, false) => "cargo run --".to_owned(),
        (false, _) => NAME.to_owned(),
    }
}

/// The same, by the path by which it was called where that is how: for commands that are to
/// be copied as they stand.
pub(crate) fn callable() -> String {
    let called = std::env::args_os().next().and_then(|arg| arg.into_string().ok());
    match called {
        Some(path) if path.contains('/') && program() == NAME => quoted(&path),
        _ => program(),
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
