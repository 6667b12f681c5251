//! A clock that is ahead of the machine's, for processes under test.

use std::path::PathBuf;
use std::time::Duration;

/// The environment in which a program has a clock that is ahead by so much. Its timers stay as they
/// are. Redis does not bear it: it keeps the machine's clock.
///
/// # Panics
/// Where `libfaketime` is not installed.
///
/// # Source
/// The manual of libfaketime 0.9.10.
pub fn ahead(by: Duration) -> [(&'static str, String); 3] {
    let library = library().expect("libfaketime (Debian: apt-get install libfaketime)");
    [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", format!("+{}", by.as_secs_f64())),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

/// Where Debian has it.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists())
}
