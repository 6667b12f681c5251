//! The file store, against what the account holds: byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use crate::account::HeldFile;

/// What differs: files that are missing, that are not whole, that nobody holds. By their names, as
/// the documentation gives them, which this works out for itself.
///
/// # Errors
/// Where the folder cannot be read.
pub fn files_differ(
    store: &Path,
    connection: &str,
    held: &BTreeMap<String, HeldFile>,
) -> Result<Vec<String>> {
    let folder = store.join(connection).join("recording_files");
    let mut there = BTreeMap::new();
    if folder.exists() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            there.insert(stem, path);
        }
    }
    let mut differ = Vec::new();
    for (key, file) in held {
        let Some(path) = there.remove(&stem(key)) else {
            differ.push(format!("{key}: missing"));
            continue;
        };
        let bytes = std::fs::read(path)?;
        let found = HeldFile { size: bytes.len() as u64, sha256: hex(&Sha256::digest(&bytes)) };
        if found != *file {
            differ.push(format!("{key}: it is {found:?}, the account holds {file:?}"));
        }
    }
    differ.extend(there.into_values().map(|path| format!("{}: nobody holds it", path.display())));
    Ok(differ)
}

/// The name of a file without its extension.
fn stem(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if key.len() <= 64 && key.chars().all(plain) {
        return key.to_owned();
    }
    format!("x-{}", &hex(&Sha256::digest(key))[..32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}
