//! Files in an object store: an S3 server, and a program that is killed while it uploads.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use watershed_test_servers::S3Server;
use watershed_tests::{
    Account, HeldFile, Home, Running, Settings, Size, Spec, files_differ, get, put, seeds,
};

use crate::ground::{NO_LIMITS, account, free_home, home, measured};

const RUN_MAX: Duration = Duration::from_secs(600);
const BUCKET: &str = "meetings";

/// A bucket, as others see it.
struct Bucket {
    server: S3Server,
}

impl Bucket {
    fn new() -> Bucket {
        let server = S3Server::start();
        put(&server.host(), &format!("/{BUCKET}")).expect("a bucket");
        Bucket { server }
    }

    /// Makes it the store of a folder's files.
    fn is_store_of(&self, home: &mut Home) {
        for (name, value) in [
            ("WATERSHED_FILES__URL", &*format!("s3://{BUCKET}/zoom")),
            ("AWS_ENDPOINT", &format!("http://{}", self.server.host())),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "tester"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-store"),
        ] {
            home.set(name, Some(value));
        }
    }

    /// What stands between such tags in an answer.
    fn tagged(&self, query: &str, tag: &str) -> Vec<String> {
        let answer = get(&self.server.host(), &format!("/{BUCKET}?{query}")).expect("it answers");
        let answer = String::from_utf8(answer).expect("XML");
        let begin = format!("<{tag}>");
        let values = answer.split(&begin).skip(1);
        values.filter_map(|rest| Some(rest.split_once('<')?.0.to_owned())).collect()
    }

    /// Uploads in parts that have begun and not ended.
    fn uploads(&self) -> usize {
        self.tagged("uploads", "UploadId").len()
    }

    /// The keys of what others see.
    fn keys(&self) -> Vec<String> {
        self.tagged("list-type=2&max-keys=1000", "Key")
    }

    /// How many objects they see.
    fn objects(&self) -> usize {
        self.keys().len()
    }

    /// Brings all objects into a folder.
    fn copy_to(&self, folder: &Path) {
        for key in self.keys() {
            let path = folder.join(key.strip_prefix("zoom/").expect("all lie beneath the prefix"));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            // The server takes any signature.
            let signed = format!("/{BUCKET}/{key}?Signature=any");
            let bytes = get(&self.server.host(), &signed).expect("an object");
            std::fs::write(path, bytes).expect("it can be written");
        }
    }

    /// What differs from what the account holds.
    fn differ(&self, held: &BTreeMap<String, HeldFile>) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        self.copy_to(folder.path());
        files_differ(folder.path(), "default", held).expect("a store")
    }
}

fn media_account(users: u64, kib: u64) -> Account {
    account(Spec {
        users,
        seed: seeds(1)[0],
        limits: Some(NO_LIMITS.to_owned()),
        media: Some((kib, 0)),
        ..Spec::default()
    })
}

#[test]
fn killed_in_the_middle_of_uploads_files_are_whole_or_not_there() {
    let (users, kib, kills) = Size::asked().of((4, 16_384, 2), (6, 24_576, 20));
    let account = media_account(users, kib);
    let bucket = Bucket::new();
    let settings = Settings { concurrency: 4, limits: Some(Settings::FREE), ..Settings::default() };
    let mut home = home(&account, &settings);
    bucket.is_store_of(&mut home);
    let words = ["run", "zoom-backfill", "--run-id", "files"];
    let held = account.files().expect("the account tells");
    let whole: u64 = held.values().map(|file| file.size).sum();
    let (mut peak, mut met) = (0, 0);
    // An upload that was seen may be over when the kill comes.
    for _ in 0..4 * kills {
        if met == kills {
            break;
        }
        // Whatever is killed over and over at the same task would make that one a dead letter.
        let (left, there) = (bucket.uploads(), bucket.objects());
        let mut process = home.start(&words);
        let begun = process.until("an upload in parts", RUN_MAX, |process| {
            peak = peak.max(process.peak_memory());
            bucket.objects() >= there + 4 && bucket.uploads() > left
        });
        if begun.is_err() {
            break;
        }
        process.kill().expect("it is gone");
        met += u32::from(bucket.uploads() > left);
        let half: Vec<String> = bucket
            .differ(&held)
            .into_iter()
            .filter(|differs| !differs.ends_with(": missing"))
            .collect();
        assert!(half.is_empty(), "{half:#?}");
    }
    // Who was killed could not call them off.
    let cut = bucket.uploads();
    assert!(cut > 0, "no kill met an upload");
    home.start(&words).wait(RUN_MAX).expect("it ends").expect(0);
    let differ = bucket.differ(&held);
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(!home.files().exists(), "nothing lies where no store is");
    let incoming = home.data().join("incoming");
    assert_eq!(std::fs::read_dir(incoming).expect("it is there").count(), 0);
    let fetched = account.stats().expect("stats").file_bytes();
    let times = fetched as f64 / whole as f64;
    assert!(times <= 1.1, "{fetched} bytes were sent of {whole}: {times:.3} times");
    measured(
        "files in S3, killed while they are uploaded",
        &format!("{} files, {} MB, {met} kills", held.len(), whole / 1_000_000),
        &format!(
            "all whole and equal, never one by half; {cut} uploads cut; {times:.3} times their \
             bytes sent by the account; {} MB of memory",
            peak / 1_000_000
        ),
        "whole; 1.1 times",
    );
}

#[test]
fn what_is_in_the_bucket_already_is_not_asked_for_again() {
    let account = media_account(4, 64);
    let bucket = Bucket::new();
    let held = account.files().expect("the account tells");
    let whole: u64 = held.values().map(|file| file.size).sum();
    for _ in 0..2 {
        // A folder of its own: only the bucket knows what is there.
        let mut home = free_home(&account);
        bucket.is_store_of(&mut home);
        let ended = home.run(&["run", "zoom-backfill", "-vv"]).expect(0);
        assert!(!ended.stderr.contains("s3cr3t-of-the-store"), "{}", ended.stderr);
    }
    assert_eq!(bucket.differ(&held), [""; 0]);
    let fetched = account.stats().expect("stats").file_bytes();
    // Texts are read again, for their rows.
    assert!(fetched < whole * 2, "{fetched} bytes were sent of {whole}");
}

#[test]
fn a_bucket_that_is_not_there_is_told_and_loses_nothing() {
    let account = media_account(2, 64);
    let mut home = free_home(&account);
    let bucket = Bucket::new();
    bucket.is_store_of(&mut home);
    let words = ["run", "zoom-backfill", "--run-id", "files"];
    home.set("WATERSHED_FILES__URL", Some("s3://no-such-bucket/zoom"));
    let mut process = home.start(&words);
    let told = |process: &Running| process.stderr().contains("files at s3://no-such-bucket/zoom");
    process.until("what is wrong", RUN_MAX, told).expect("it is told");
    process.signal(Signal::TERM);
    process.wait(RUN_MAX).expect("it ends").expect(4);

    bucket.is_store_of(&mut home);
    home.run(&words).expect(0);
    assert_eq!(bucket.differ(&account.files().expect("the account tells")), [""; 0]);
}
