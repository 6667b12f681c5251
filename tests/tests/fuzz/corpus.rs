//! A target's run: its corpus as it stands, then what is made of it.

use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use watershed_tests::{Size, root, told};

use crate::edits::{Edit, Text};

/// A text that takes longer is one that hangs its reader: a hundred thousand times the usual.
const TEXT_TIME_MAX: Duration = Duration::from_secs(10);

/// What a target reads.
pub(crate) struct Corpus {
    target: &'static str,
    texts: Vec<Vec<u8>>,
}

impl Corpus {
    /// The files of `tests/fuzz/TARGET`, by name.
    pub(crate) fn of(target: &'static str) -> Corpus {
        let texts = files(&root().join("tests/fuzz").join(target));
        assert!(!texts.is_empty(), "{target} has a corpus");
        Corpus { target, texts }
    }

    /// With more texts.
    pub(crate) fn and(mut self, texts: impl IntoIterator<Item = Vec<u8>>) -> Corpus {
        self.texts.extend(texts);
        self
    }

    /// Reads them all, then others made of them for 3 s; in the full count for 10 min.
    pub(crate) fn read(self, reader: impl Fn(&[u8]) + RefUnwindSafe) {
        for text in &self.texts {
            timed(&reader, text);
        }
        let time = Duration::from_secs(Size::asked().of(3, 600));
        let count = AtomicU64::new(0);
        bolero::check!(name = self.target)
            .with_type::<(u8, Vec<Edit>)>()
            .map(|(which, edits)| Text::made(&self.texts, which, &edits))
            .with_test_time(time)
            .for_each(|text| {
                count.fetch_add(1, Ordering::Relaxed);
                timed(&reader, &text.0);
            });
        let (target, kept, made) = (self.target, self.texts.len(), count.into_inner());
        let line = format!(
            "| random texts: {} | {kept} kept, {made} made in {} s | all read or refused by name | \
             no crash, none over {} s |",
            target.replace('-', " "),
            time.as_secs(),
            TEXT_TIME_MAX.as_secs(),
        );
        eprintln!("measured: {line}");
        told("WATERSHED_MEASURED", &line);
    }
}

fn timed(reader: impl Fn(&[u8]), text: &[u8]) {
    let begun = Instant::now();
    reader(text);
    let took = begun.elapsed();
    assert!(took < TEXT_TIME_MAX, "it took {took:?}: {:?}", Text(text.to_vec()));
}

/// The files of a folder, by name.
pub(crate) fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}
