//! What a peer needs to run: made under `target/bench` when it is first needed, from the file
//! that names its versions. Where that cannot be (no Python, no package index), the peer is
//! skipped with the reason, and the benchmark goes on.

use std::path::{Path, PathBuf};
use std::process::Command;

use watershed_tests::root;

/// What a peer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Node,
    Rust,
}

impl Language {
    /// The file that names versions.
    fn pins(self) -> &'static str {
        match self {
            Language::Python => "requirements.txt",
            Language::Node => "package.json",
            Language::Rust => "Cargo.toml",
        }
    }
}

/// An environment that was made.
#[derive(Debug)]
pub(crate) struct Environment {
    language: Language,
    /// The peer's own code.
    code: PathBuf,
    /// What was made of its versions.
    made: PathBuf,
    /// What is pinned.
    pins: String,
}

impl Environment {
    /// That of a folder beneath `bench/peers`; made where it is missing.
    ///
    /// # Errors
    /// Why the peer is to be skipped.
    pub(crate) fn of(folder: &str, language: Language) -> Result<Environment, String> {
        let code = root().join("bench/peers").join(folder);
        let wanted = code.join(language.pins());
        let pins =
            std::fs::read_to_string(&wanted).map_err(|e| format!("{}: {e}", wanted.display()))?;
        let environment = Environment { language, code, made: scratch().join(folder), pins };
        // Written last: an environment that was cut short is made anew.
        let mark = environment.made.join("made-from.txt");
        let made = std::fs::read_to_string(&mark).ok();
        if made.as_deref() != Some(environment.pins.as_str()) {
            eprintln!("{folder}: making its environment …");
            environment.make(&wanted)?;
            std::fs::write(&mark, &environment.pins)
                .map_err(|e| format!("{}: {e}", mark.display()))?;
        }
        Ok(environment)
    }

    fn make(&self, wanted: &Path) -> Result<(), String> {
        match self.language {
            Language::Python => {
                let mut venv = Command::new("python3");
                venv.args(["-m", "venv", "--clear"]).arg(&self.made);
                succeeds(venv, "python3 -m venv")?;
                let mut pip = Command::new(self.made.join("bin/python"));
                pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
                pip.arg("-r").arg(wanted);
                succeeds(pip, "pip install")
            }
            Language::Node => {
                let copied = self.made.join("package.json");
                std::fs::create_dir_all(&self.made)
                    .and_then(|()| std::fs::copy(wanted, &copied))
                    .map_err(|e| format!("{}: {e}", copied.display()))?;
                let mut npm = Command::new("npm");
                npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
                npm.current_dir(&self.made);
                succeeds(npm, "npm install")
            }
            Language::Rust => {
                let mut cargo = Command::new("cargo");
                cargo.args(["build", "--quiet", "--locked", "--release", "--manifest-path"]);
                cargo.arg(wanted).arg("--target-dir").arg(&self.made);
                succeeds(cargo, "cargo build")
            }
        }
    }

    /// What runs that program of the peer: its file, or for Rust the name of its binary.
    pub(crate) fn command(&self, program: &str) -> Command {
        match self.language {
            Language::Python => {
                let mut python = Command::new(self.made.join("bin/python"));
                python.arg(self.code.join(program)).env("PYTHONDONTWRITEBYTECODE", "1");
                python
            }
            Language::Node => {
                let mut node = Command::new("node");
                node.arg(self.code.join(program)).env("NODE_PATH", self.made.join("node_modules"));
                node
            }
            Language::Rust => Command::new(self.made.join("release").join(program)),
        }
    }

    /// The first version that is pinned to a number of three parts.
    pub(crate) fn version(&self) -> &str {
        let is_version = |word: &&str| {
            word.split('.').count() == 3 && word.chars().all(|c| c == '.' || c.is_ascii_digit())
        };
        let letters = |c: char| c != '.' && !c.is_ascii_alphanumeric();
        self.pins.split(letters).find(is_version).unwrap_or_default()
    }
}

/// Where environments lie.
fn scratch() -> PathBuf {
    match std::env::var_os("WATERSHED_BENCH_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("target/bench"),
    }
}

fn succeeds(mut command: Command, what: &str) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{what}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().last().unwrap_or_default().trim();
    Err(format!("{what} ended with {}: {last}", done.status))
}
