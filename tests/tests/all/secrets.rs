//! No secret in anything that the program writes: its words at TRACE level, its state, its
//! dataset, its answers.

use std::path::{Path, PathBuf};

use watershed_tests::{Account, SECRET_MARK, Spec};

use crate::ground::{account, free_home};

/// Where `needle` stands in `bytes`, with what is around it.
fn found(bytes: &[u8], needle: &str) -> Option<String> {
    let place = bytes.windows(needle.len()).position(|w| w == needle.as_bytes())?;
    let around = &bytes[place.saturating_sub(60)..(place + 60).min(bytes.len())];
    Some(String::from_utf8_lossy(around).into_owned())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// What may never be written: the mark in every secret value of the account, the client's
/// secret, and the paths of signed addresses.
fn needles(account: &Account) -> Vec<String> {
    vec![SECRET_MARK.to_owned(), account.ready("client_secret").to_owned()]
}

#[test]
fn no_secret_is_in_any_byte_that_is_written() {
    // Faults, so that errors are told too.
    let account = account(Spec {
        seed: 41,
        limits: Some("off".to_owned()),
        faults: Some("all".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);
    let loud = |words: &[&str]| {
        let mut command = home.command(words);
        command.args(["-vvv"]).env("RUST_LOG", "trace").env("WATERSHED_LOG__FORMAT", "json");
        home.start_command(command).wait(std::time::Duration::from_secs(240)).expect("it ends")
    };
    let run = loud(&["run", "zoom-backfill", "--run-id", "one", "--json"]);
    assert!(matches!(run.code, Some(0 | 3)), "{run}");
    assert!(run.stderr.len() > 10_000, "TRACE is loud, or nothing is proved: {run}");
    for words in [
        &["status", "one", "--json"][..],
        &["status", "one"],
        &["runs"],
        &["failures", "--json"],
        &["failures"],
        &["coverage", "--json"],
        &["coverage"],
        &["doctor"],
        &["doctor", "--json"],
    ] {
        loud(words);
    }
    // A credential that is refused is told, not shown.
    let mut command = home.command(&["doctor", "-vvv"]);
    command.env("ZOOM_CLIENT_SECRET", "SIMSECRET-but-wrong").env("RUST_LOG", "trace");
    home.start_command(command).wait(std::time::Duration::from_secs(60)).expect("it ends");

    let written = files(home.path());
    assert!(written.iter().any(|f| f.ends_with("zoom.db")));
    let mut leaks = Vec::new();
    for file in written {
        let bytes = std::fs::read(&file).expect("a file");
        for needle in needles(&account) {
            if let Some(around) = found(&bytes, &needle) {
                leaks.push(format!("{}: …{around}…", file.display()));
            }
        }
    }
    assert_eq!(leaks, [""; 0]);
}

#[test]
fn the_account_does_send_marked_secrets() {
    let account = crate::ground::free_account(20, 42);
    let truth = account.truth_bytes().expect("the truth");
    for member in ["download_url", "join_url", "start_url", "password"] {
        assert!(found(&truth, &format!("\"{member}\"")).is_some(), "{member} is never sent");
    }
    assert!(found(&truth, SECRET_MARK).is_some(), "no secret is marked: nothing is proved");
    let secret = account.ready("client_secret");
    assert!(secret.len() >= 16, "too short to be looked for: {secret}");
}
