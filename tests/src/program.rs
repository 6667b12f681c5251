//! Where the program under test is, and where the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the root")
}

/// The `watershed` program: `$WATERSHED_BIN`, else built once, beside the tests themselves.
///
/// # Panics
/// Where it does not build: nothing else can be tested then.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("WATERSHED_BIN") {
        Some(path) => {
            let path = root().join(path);
            assert!(path.is_file(), "WATERSHED_BIN is {}: no such file", path.display());
            path
        }
        None => build(),
    })
}

/// Builds with the profile and into the folder of the running test: `TARGET/PROFILE/deps/all-…`.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.ancestors().nth(2).expect("tests lie in TARGET/PROFILE/deps");
    let target = profile.parent().expect("tests lie in TARGET/PROFILE/deps");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // All of it: the features of the program are those that its tests ask for.
    cargo.args(["build", "--quiet", "--workspace", "--all-targets", "--target-dir"]).arg(target);
    cargo.current_dir(root());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs the tests, so it is there");
    assert!(status.success(), "`cargo build --workspace --all-targets` failed");
    profile.join("watershed")
}
