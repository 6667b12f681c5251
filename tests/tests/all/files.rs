//! Files of recordings: whole, equal, each brought in once, whatever happens on the way.

use std::time::Duration;

use watershed_tests::{Settings, Size, Spec, files_differ, seeds};

use crate::ground::{account, free_account, free_home, home, measured};

const RUN_MAX: Duration = Duration::from_secs(600);
/// Bytes of memory, however many bytes there are of files.
const MEMORY_MAX: u64 = 120_000_000;

#[test]
fn each_file_of_the_account_is_in_the_store() {
    let account = free_account(12, seeds(1)[0]);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill"]).expect(0);
    let held = account.files().expect("the account tells");
    assert!(held.len() > 50, "{} files are few", held.len());
    let differ = files_differ(&home.files(), "default", &held).expect("a store");
    assert!(differ.is_empty(), "{differ:#?}");
    let whole: u64 = held.values().map(|file| file.size).sum();
    assert_eq!(account.stats().expect("stats").file_bytes(), whole);
    let incoming = std::fs::read_dir(home.files().join(".incoming")).expect("it is there");
    assert_eq!(incoming.count(), 0, "all that came in has its place");
}

#[test]
fn video_and_sound_stay_at_zoom_where_they_are_not_wanted() {
    let account = free_account(6, seeds(1)[0]);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--input", "media=none"]).expect(0);
    let mut held = account.files().expect("the account tells");
    let truth = account.truth().expect("the account tells");
    let files = truth.of("recording_files");
    held.retain(|key, _| {
        let kind = files.get(key).and_then(|records| records[0]["file_type"].as_str());
        !matches!(kind, Some("MP4" | "M4A"))
    });
    let differ = files_differ(&home.files(), "default", &held).expect("a store");
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn files_come_as_far_as_was_agreed() {
    let account = free_account(6, seeds(1)[0]);
    let settings = |content| Settings {
        content: Some(content),
        limits: Some(Settings::FREE),
        ..Settings::default()
    };
    let nothing = home(&account, &settings("metadata"));
    nothing.run(&["run", "zoom-backfill"]).expect(0);
    assert!(!nothing.files().exists(), "nothing was agreed to");
    assert_eq!(account.stats().expect("stats").calls_of("zoom.download_recording_file"), 0);

    let no_words = home(&account, &settings("recordings"));
    no_words.run(&["run", "zoom-backfill"]).expect(0);
    let truth = account.truth().expect("the account tells");
    let files = truth.of("recording_files");
    let mut held = account.files().expect("the account tells");
    held.retain(|key, _| {
        let kind = files.get(key).and_then(|records| records[0]["file_type"].as_str());
        !matches!(kind, Some("TRANSCRIPT" | "CC"))
    });
    let differ = files_differ(&no_words.files(), "default", &held).expect("a store");
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn an_estimate_tells_the_bytes_of_files_and_brings_none_of_them() {
    let account = account(Spec {
        users: 12,
        seed: seeds(1)[0],
        limits: Some("off".to_owned()),
        media: Some((512, 0)),
        ..Spec::default()
    });
    let home = free_home(&account);
    let ended = home.run(&["estimate", "zoom-backfill", "--json"]);
    let told = ended.expect(0).json()["disk_bytes"].as_u64().expect("bytes") as f64;
    let held = account.files().expect("the account tells");
    let whole: u64 = held.values().map(|file| file.size).sum();
    let times = told / whole as f64;
    // By a sample; the rows come to some MB as well.
    assert!((0.6..1.7).contains(&times), "{told} bytes were told, files have {whole}");
    let sent = account.stats().expect("stats").file_bytes();
    assert!(
        sent * 20 < whole,
        "{sent} bytes were sent of {whole}: more than the texts that are read"
    );
    assert!(!home.files().exists());
}

#[test]
fn killed_again_and_again_files_come_whole_and_hardly_a_byte_twice() {
    // In the full count more than 500 files and 2 GB.
    let size = Size::asked();
    let (users, kib, kills) = size.of((8, 2_048, 4), (60, 8_192, 20));
    let account = account(Spec {
        users,
        seed: seeds(1)[0],
        limits: Some("off".to_owned()),
        media: Some((kib, 16_384)),
        ..Spec::default()
    });
    let settings =
        Settings { concurrency: 16, limits: Some(Settings::FREE), ..Settings::default() };
    let home = home(&account, &settings);
    let words = ["run", "zoom-backfill", "--run-id", "files"];
    let held = account.files().expect("the account tells");
    let whole: u64 = held.values().map(|file| file.size).sum();
    let mut peak = 0;
    let mut killed = 0;
    for strike in 1..=kills {
        let mut process = home.start(&words);
        // At equal parts of all bytes.
        let at = whole * strike / (kills + 1);
        let reached = process.until("bytes of files", RUN_MAX, |p| {
            peak = peak.max(p.peak_memory());
            account.stats().is_ok_and(|stats| stats.file_bytes() >= at)
        });
        if reached.is_err() {
            break;
        }
        process.kill().expect("it is gone");
        killed += 1;
    }
    let mut last = home.start(&words);
    while !last.ends_within(Duration::from_millis(100)) {
        peak = peak.max(last.peak_memory());
    }
    last.wait(RUN_MAX).expect("it ends").expect(0);
    let differ = files_differ(&home.files(), "default", &held).expect("a store");
    assert!(differ.is_empty(), "{differ:#?}");
    let fetched = account.stats().expect("stats").file_bytes();
    let times = fetched as f64 / whole as f64;
    assert!(times <= 1.1, "{fetched} bytes were sent of {whole}: {times:.3} times");
    assert!(peak < MEMORY_MAX, "{peak} bytes of memory");
    measured(
        "files, killed again and again",
        &format!("{} files, {} MB, {killed} kills", held.len(), whole / 1_000_000),
        &format!(
            "all whole and equal; {times:.3} times their bytes sent; at most {} MB of memory",
            peak / 1_000_000
        ),
        "whole; 1.1 times; 120 MB",
    );
}
