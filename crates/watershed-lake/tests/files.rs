//! Files come in pieces, and are there when they are whole.

use std::path::Path;

use bytes::Bytes;
use watershed_lake::{Error, FileName, FileStore, Lake, Place};

fn lake(folder: &Path) -> Lake {
    Lake::open(&Place::Folder(folder.to_owned()), Path::new("unused")).expect("a folder opens")
}

fn video() -> FileName {
    FileName::new("acme", "recording_files", "f-1", "mp4")
}

/// All files below a folder, without it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(next).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below");
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_file_goes_on_where_it_broke_off_and_is_there_when_it_is_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let name = video();
    let mut first = lake(dir.path()).begin(&name).await.expect("it begins");
    first.restart(Some("\"v1\"".to_owned())).await.expect("it starts");
    first.append(Bytes::from_static(b"abc")).await.expect("bytes are taken");
    drop(first);

    let lake = lake(dir.path());
    assert_eq!(lake.size(&name).await.expect("it can be asked"), None);
    let mut again = lake.begin(&name).await.expect("it goes on");
    assert_eq!((again.size(), again.version()), (3, Some("\"v1\"")));
    again.append(Bytes::from_static(b"def")).await.expect("bytes are taken");
    assert_eq!(again.head(4).await.expect("its head"), "abcd");
    again.append(Bytes::from_static(b"g")).await.expect("bytes are taken");
    again.place().await.expect("it is placed");

    assert_eq!(lake.size(&name).await.expect("it can be asked"), Some(7));
    assert_eq!(files(dir.path()), ["acme/recording_files/f-1.mp4"]);
    let path = dir.path().join("acme/recording_files/f-1.mp4");
    assert_eq!(std::fs::read(path).expect("it can be read"), b"abcdefg");
}

#[tokio::test]
async fn another_version_begins_anew_and_what_is_discarded_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let lake = lake(dir.path());
    let name = video();
    let mut incoming = lake.begin(&name).await.expect("it begins");
    incoming.append(Bytes::from_static(b"old")).await.expect("bytes are taken");
    incoming.restart(None).await.expect("it starts anew");
    incoming.append(Bytes::from_static(b"new one")).await.expect("bytes are taken");
    assert_eq!((incoming.size(), incoming.version()), (7, None));
    assert_eq!(incoming.head(100).await.expect("its head"), "new one");
    incoming.discard().await.expect("it is discarded");
    assert!(files(dir.path()).is_empty());
}

#[tokio::test]
async fn nobody_waits_for_one_that_hangs_while_it_brings_a_file_in() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, other) = (lake(dir.path()), lake(dir.path()));
    let name = video();
    let mut hangs = one.begin(&name).await.expect("it begins");
    hangs.append(Bytes::from_static(b"ab")).await.expect("bytes are taken");
    let mut second = other.begin(&name).await.expect("it begins as well");
    assert_eq!(second.size(), 0, "what the other has is not touched");
    second.append(Bytes::from_static(b"abc")).await.expect("bytes are taken");
    second.place().await.expect("it is placed");
    assert_eq!(other.size(&name).await.expect("the store answers"), Some(3));
    hangs.append(Bytes::from_static(b"c")).await.expect("it goes on where it was");
    hangs.place().await.expect("it is placed once more");
    assert_eq!(files(dir.path()).len(), 1, "nothing is left beside the whole file");
}

#[tokio::test]
async fn what_killed_processes_left_of_a_file_goes_when_it_is_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let lake = lake(dir.path());
    let name = video();
    let mut all = Vec::new();
    for _ in 0..4 {
        let mut incoming = lake.begin(&name).await.expect("it begins");
        incoming.append(Bytes::from_static(b"ab")).await.expect("bytes are taken");
        all.push(incoming);
    }
    assert!(matches!(lake.begin(&name).await, Err(Error::Busy)), "there are bounds");
    drop(all);
    let mut incoming = lake.begin(&name).await.expect("it begins");
    assert_eq!(incoming.size(), 2, "it goes on where the first was");
    incoming.append(Bytes::from_static(b"c")).await.expect("bytes are taken");
    incoming.place().await.expect("it is placed");
    assert_eq!(files(dir.path()).len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_what_comes_in_or_is_led_away_by_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let name = video();
    let lake = lake(&dir.path().join("files"));
    let mut incoming = lake.begin(&name).await.expect("it begins");
    incoming.append(Bytes::from_static(b"abc")).await.expect("bytes are taken");
    incoming.place().await.expect("it is placed");
    let mode = |path: &str| {
        let found = std::fs::metadata(dir.path().join(path)).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("files"), 0o700);
    assert_eq!(mode("files/acme/recording_files"), 0o700);
    assert_eq!(mode("files/acme/recording_files/f-1.mp4"), 0o600);

    let outside = dir.path().join("outside");
    std::fs::write(&outside, "precious").expect("a file is written");
    let planted = dir.path().join("files/.incoming/acme~recording_files~f-2.mp4");
    std::os::unix::fs::symlink(&outside, planted).expect("a link is planted");
    let other = FileName::new("acme", "recording_files", "f-2", "mp4");
    let mut incoming = lake.begin(&other).await.expect("it begins elsewhere");
    incoming.append(Bytes::from_static(b"abc")).await.expect("bytes are taken");
    incoming.place().await.expect("it is placed");
    assert_eq!(lake.size(&other).await.expect("the store answers"), Some(3));
    assert_eq!(std::fs::read_to_string(outside).expect("it can be read"), "precious");
}

#[tokio::test]
async fn what_a_killed_process_left_of_a_file_that_is_whole_goes_when_it_is_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let (lake, name) = (lake(dir.path()), video());
    let left = async || {
        let mut part = lake.begin(&name).await.expect("it begins");
        part.restart(Some("\"v1\"".to_owned())).await.expect("it starts");
        part.append(Bytes::from_static(b"abc")).await.expect("bytes are taken");
        part
    };
    left().await.place().await.expect("it is placed");
    drop(left().await);
    assert_eq!(files(dir.path()).len(), 3);
    assert_eq!(lake.size(&name).await.expect("it can be asked"), Some(3));
    assert_eq!(files(dir.path()), ["acme/recording_files/f-1.mp4"]);
    // Not while somebody brings it in.
    let part = left().await;
    assert_eq!(lake.size(&name).await.expect("it can be asked"), Some(3));
    assert_eq!((files(dir.path()).len(), part.size()), (3, 3));
}
