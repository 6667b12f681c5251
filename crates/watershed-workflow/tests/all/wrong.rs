//! Everything that can be wrong with a file: one file for each, and what is said of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::catalogue;
use watershed_workflow::{CODES, Diagnostics, compile};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it is readable").path())
        .collect();
    files.sort();
    files
}

fn found(file: &Path) -> Diagnostics {
    let text = std::fs::read_to_string(file).expect("it is readable");
    let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
    match compile(&name, &text, &catalogue()) {
        Ok(compiled) => compiled.warnings,
        Err(wrong) => wrong,
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place_with_a_way_out() {
    for file in files() {
        let name = file.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let said = found(&file);
        assert!(!said.0.is_empty(), "nothing is wrong with {name}");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("wrong_{name}"), said.to_string());
        });
    }
}

#[test]
fn every_mistake_that_is_known_has_a_file() {
    let seen: BTreeSet<&str> =
        files().iter().flat_map(|file| found(file).0).map(|d| d.code).collect();
    let known: BTreeSet<&str> = CODES.iter().copied().collect();
    assert_eq!(known.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(files().len() >= 40);
}

#[test]
fn a_place_is_told_by_line_and_column_and_by_bytes() {
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("it is readable");
        for wrong in found(&file).0 {
            let before = &text[..wrong.span.start];
            assert_eq!(wrong.line, before.matches('\n').count() + 1);
            let start_of_line = before.rfind('\n').map_or(0, |at| at + 1);
            assert_eq!(wrong.column, before[start_of_line..].chars().count() + 1);
            assert!(text.get(wrong.span.clone()).is_some(), "{file:?}: {:?}", wrong.span);
        }
    }
}

#[test]
fn colours_change_nothing_but_the_look() {
    let file = files().pop().expect("there are files");
    let said = found(&file);
    assert!(said.render(true).contains("\u{1b}["));
    assert!(!said.render(false).contains('\u{1b}'));
}
