//! The house rules that a machine can check: who may import whom, how long a file may be,
//! what may not stand in one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use watershed_tests::root;

/// Who may import which crates of ours. `tests` and `bench` stand outside.
const IMPORTS: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("workflow", &["model"]),
    ("ledger", &["model"]),
    ("zoom", &["model"]),
    ("sink", &["model"]),
    ("sink-postgres", &["model", "sink"]),
    ("sink-test", &["model", "sink"]),
    ("test-servers", &[]),
    ("ledger-redis", &["model", "ledger"]),
    ("ledger-sqlite", &["model", "ledger"]),
    ("ledger-test", &["model", "ledger"]),
    ("lake", &[]),
    ("telemetry", &[]),
    ("engine", &["model", "workflow", "ledger", "zoom", "sink", "lake"]),
    ("server", &["model", "ledger", "sink", "zoom"]),
    ("zoom-sim", &[]),
    ("rehearsal", &["model", "workflow", "ledger", "zoom", "zoom-sim", "sink", "lake", "engine"]),
];
/// What the pure crates may not even name.
const IMPURE: [&str; 8] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "std::env::",
    "std::fs",
    "std::net",
    "tokio::",
    "rand::",
];
/// Lines of code in a file, its tests left out.
const FILE_LINES_MAX: usize = 600;
/// Columns of a line. Text that cannot be broken (an address) is not counted.
const COLUMNS_MAX: usize = 100;

#[test]
fn crates_import_only_what_the_design_allows() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let allowed: BTreeMap<&str, &[&str]> = IMPORTS.into_iter().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(short) = package.name.strip_prefix("watershed-") else { continue };
        if matches!(short, "tests" | "bench") {
            continue;
        }
        let Some(may) = allowed.get(short) else {
            wrong.push(format!("{}: not in the table of allowed imports", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(other) = dependency.name.strip_prefix("watershed-") else { continue };
            // A store's own tests run the conformance suite, on servers that they start.
            let suite = matches!(other, "ledger-test" | "sink-test" | "test-servers")
                && dependency.kind == cargo_metadata::DependencyKind::Development;
            if !may.contains(&other) && !suite {
                wrong.push(format!("{} imports {}", package.name, dependency.name));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn pure_crates_have_no_clock_no_chance_no_network_and_no_storage() {
    let mut wrong = Vec::new();
    for name in ["model", "workflow", "ledger", "zoom"] {
        for file in sources(&root().join(format!("crates/watershed-{name}/src"))) {
            for (number, line) in code(&file) {
                if let Some(what) = IMPURE.iter().find(|w| line.contains(**w)) {
                    wrong.push(format!("{}:{number}: {what}", shown(&file)));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn files_are_short_and_lines_fit_the_screen() {
    let mut wrong = Vec::new();
    for file in sources(root()) {
        let lines = code(&file).len();
        let only_tests =
            file.components().any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs")));
        if lines > FILE_LINES_MAX && !only_tests {
            wrong.push(format!("{}: {lines} lines without tests", shown(&file)));
        }
        for (number, line) in text(&file).lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX && !line.contains("://") {
                wrong.push(format!("{}:{}: longer than a line may be", shown(&file), number + 1));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_module_says_what_it_holds() {
    let silent: Vec<String> = sources(root())
        .into_iter()
        .filter(|file| !text(file).trim_start().starts_with("//!"))
        // Tests beside a module speak of that module.
        .filter(|file| !only_tests(file))
        .map(|file| shown(&file))
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[test]
fn nothing_is_left_unfinished_or_waved_through() {
    // Put together, so that this file does not hold what it looks for.
    let banned = [
        ["#[ig", "nore"].concat(),
        ["#[al", "low("].concat(),
        ["#![al", "low("].concat(),
        ["tod", "o!("].concat(),
        ["unimpl", "emented!("].concat(),
        ["db", "g!("].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X:"].concat(),
    ];
    let mut wrong = Vec::new();
    for file in sources(root()) {
        for (number, line) in text(&file).lines().enumerate() {
            if let Some(what) = banned.iter().find(|b| line.contains(b.as_str())) {
                wrong.push(format!("{}:{}: {what}", shown(&file), number + 1));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut marks: Vec<String> = ["/ho", "/Us", "/wo"]
        .into_iter()
        .zip(["me/", "ers/", "rk/"])
        .map(|(a, b)| format!("{a}{b}"))
        .collect();
    if home.len() > "/root".len() {
        marks.push(home);
    }
    let own = root().join("tests/tests/all/tidy.rs");
    let mut wrong = Vec::new();
    for file in tracked().into_iter().filter(|f| *f != own) {
        for (number, line) in text(&file).lines().enumerate() {
            if let Some(mark) = marks.iter().find(|m| line.contains(m.as_str())) {
                wrong.push(format!("{}:{}: {mark}", shown(&file), number + 1));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for file in tracked().into_iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let folder = file.parent().expect("a file lies in a folder");
        for link in links(&text(&file)) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !folder.join(path).exists() {
                broken.push(format!("{}: {link}", shown(&file)));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn files_that_the_architecture_names_exist() {
    let page = text(&root().join("ARCHITECTURE.md"));
    assert!(page.lines().count() <= 200, "ARCHITECTURE.md is to be read in one go");
    let missing: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.starts_with("crates/") || name.starts_with("workflows/"))
        .filter(|name| !root().join(name).exists())
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn the_commands_that_begin_the_house_are_there() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["scripts/test", ".ci/run"] {
        let about = std::fs::metadata(root().join(script)).expect("the script exists");
        assert!(about.permissions().mode() & 0o111 != 0, "{script} is executable");
    }
    let ci = text(&root().join(".ci/run"));
    let calls: Vec<&str> = ci.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    assert!(calls.iter().any(|l| l.contains("scripts/test")), "{calls:?}");
}

/// Files that the repository holds, or will hold.
fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    match listed {
        Ok(listed) if listed.status.success() => String::from_utf8_lossy(&listed.stdout)
            .lines()
            .map(|name| root().join(name))
            .filter(|path| path.is_file())
            .collect(),
        // A copy without history: every file counts.
        _ => walk(root()),
    }
}

/// Rust files beneath a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    walk(folder).into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs")).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with("target") && name != ".git" && name != "data" {
                    folders.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Numbered lines of a file up to its tests, comments left out.
fn code(file: &Path) -> Vec<(usize, String)> {
    text(file)
        .lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

fn only_tests(file: &Path) -> bool {
    let inside = file.strip_prefix(root()).unwrap_or(file);
    inside.components().any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

fn links(page: &str) -> Vec<&str> {
    page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

fn text(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}
