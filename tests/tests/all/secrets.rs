//! No secret in anything that the program writes: its words at TRACE level, its state, its
//! dataset, its answers.

use std::path::{Path, PathBuf};

use watershed_tests::{Account, SECRET_MARK, Spec};

use crate::ground::{account, free_home};
use crate::webhooks::endpoint::{Endpoint, PATH, SECRET, ended, folder, now, signed};

/// Where `needle` stands in `bytes`, with what is around it.
fn found(bytes: &[u8], needle: &str) -> Option<String> {
    let place = memchr::memmem::find(bytes, needle.as_bytes())?;
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

    assert_eq!(leaks(home.path(), &needles(&account)), [""; 0]);
}

/// Where any of the needles stands in a file of a home that has a dataset.
fn leaks(home: &Path, needles: &[String]) -> Vec<String> {
    let written = files(home);
    assert!(written.iter().any(|f| f.ends_with("zoom.db")));
    let mut leaks = Vec::new();
    for file in written {
        let bytes = std::fs::read(&file).expect("a file");
        for needle in needles {
            if let Some(around) = found(&bytes, needle) {
                leaks.push(format!("{}: …{around}…", file.display()));
            }
        }
    }
    leaks
}

#[test]
fn no_secret_of_a_webhook_is_in_any_byte_that_is_written() {
    let mut home = folder("[server]\ntoken = { env = \"TOKEN\" }\n");
    home.set("TOKEN", Some("SIMSECRET-0123456789abcdef"));
    let endpoint = Endpoint::start(&home);
    let plain = ended("acme-account", "a==");
    let marked = plain.replace(
        "\"topic\"",
        "\"password\":\"SIMSECRET-p\",\"recording_files\":[{\"play_url\":\"https://z/SIMSECRET\"}],\"topic\"",
    );
    let marked = format!("{},\"download_token\":\"SIMSECRET-d\"}}", &marked[..marked.len() - 1]);
    assert_eq!(endpoint.post(&marked).status, 204);
    // Refused ones are told of, not shown: broken JSON, another account, another secret.
    let broken = &marked[..marked.len() - 1];
    let other = marked.replace("acme-account", "globex-account");
    assert_eq!((endpoint.post(broken).status, endpoint.post(&other).status), (400, 403));
    let by = |secret: &str| {
        endpoint.ask("POST", PATH, &signed(secret, &now(), &marked), marked.as_bytes()).status
    };
    assert_eq!((by("another"), by(SECRET)), (401, 204));
    let asked = |token: &str| {
        let headers = vec![("Authorization", format!("Bearer {token}"))];
        endpoint.ask("GET", "/metrics", &headers, b"")
    };
    assert_eq!(asked("SIMSECRET-0123456789abcdee").status, 401);
    let metrics = asked("SIMSECRET-0123456789abcdef");
    assert!(metrics.status == 200 && found(&metrics.body, SECRET_MARK).is_none());
    let base = format!("http://{}", endpoint.host);
    for event in ["recording.completed", "endpoint.url_validation", "no.event"] {
        let words = ["webhook", "send", event, "--to", &base, "--connection", "acme"];
        let mut command = home.command(&words);
        command.env("RUST_LOG", "trace");
        home.start_command(command).wait(std::time::Duration::from_secs(60)).expect("it ends");
    }
    let told = endpoint.process.stderr();
    assert!(told.contains("a webhook was not taken"), "or nothing is proved: {told}");
    endpoint.process.kill().expect("it is gone");
    assert_eq!(leaks(home.path(), &[SECRET_MARK.to_owned()]), [""; 0]);
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
