//! A process that ends with this one, however this one ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs what its arguments name until it ends by itself, or until its own input ends: a pipe
/// whose other end this process holds, so that happens with this process even where it is
/// killed. Only in the second case does the folder go. A file that may not grow is an error to it,
/// not its end.
const WATCH: &str = r#"
folder=$1; signal=$2; shift 2
trap '' XFSZ
exec 3<&0
"$@" </dev/null 3<&- >>"$folder/log" 2>&1 &
server=$!
( cat <&3 >/dev/null; : >"$folder/ending"; kill -"$signal" "$server" ) &
reader=$!
exec 3<&-
wait "$server"
if [ -e "$folder/ending" ]; then rm -rf "$folder"; else kill "$reader"; fi
"#;

/// A running server and who watches it.
pub(crate) struct Watched(Child);

impl Watched {
    /// Starts a server whose folder is `folder`, and which `signal` ends; `shell` is `sh`, as the
    /// account it runs as.
    pub(crate) fn start(
        mut shell: Command,
        folder: &Path,
        signal: &str,
        server: &[String],
    ) -> Watched {
        let watch = shell
            .args(["-c", WATCH, "watch"])
            .arg(folder)
            .arg(signal)
            .args(server)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell to watch the server");
        Watched(watch)
    }

    /// Whether the server has not ended yet, as far as its watch knows.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits until the server has ended by itself. Its folder stays.
    pub(crate) fn ended(mut self) {
        // Its input stays open meanwhile: `wait` would close it.
        let input = self.0.stdin.take();
        let _ = self.0.wait();
        drop(input);
    }

    /// Ends the server and waits for it. Its folder goes.
    pub(crate) fn end(mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
