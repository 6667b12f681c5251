//! A clock that is not the machine's, for processes under test.

use std::path::Path;
use std::process::Command;

use crate::program::root;

/// The environment in which a program's wall clock is so many seconds off. Its timers stay as they
/// are. What does it is compiled into `folder`.
///
/// # Panics
/// Where there is no C compiler.
pub fn clock_off(by_s: i64, folder: &Path) -> [(&'static str, String); 2] {
    let made = folder.join("off.so");
    if !made.exists() {
        let source = root().join("tests/clock/off.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&made).arg(source);
        let told = cc.output().expect("a C compiler, as for SQLite");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }
    [("LD_PRELOAD", made.display().to_string()), ("CLOCK_OFF_S", by_s.to_string())]
}
