//! What Redis refuses, and what is to be done about it.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use watershed_ledger::Error;

/// The error behind what Redis or the connection said. Whatever is not known to last is waited
/// for: a repeat changes nothing.
pub(crate) fn fault(place: &str, error: &RedisError) -> Error {
    let place = place.to_owned();
    let why = error.to_string();
    match code(error) {
        Code::Full => Error::Full { place },
        Code::Lasts => Error::Refused { place, why },
        Code::Passes => Error::Unreachable { place, why },
    }
}

enum Code {
    /// Memory: it goes on when there is some.
    Full,
    /// It will be refused again until somebody changes something.
    Lasts,
    /// It may go another time: nobody there, `LOADING`, `BUSY`, `READONLY` and `MASTERDOWN` (a
    /// failover), `NOREPLICAS`, `MISCONF` (its disk is full), `TRYAGAIN`, `MOVED` and `ASK` (slots
    /// that move), `CLUSTERDOWN`, `NOSCRIPT`, no answer in time.
    Passes,
}

fn code(error: &RedisError) -> Code {
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => return Code::Lasts,
        ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::CrossSlot) => {
            return Code::Lasts;
        }
        _ => {}
    }
    match error.code() {
        Some("OOM") => Code::Full,
        Some("NOAUTH" | "WRONGPASS" | "WRONGTYPE") => Code::Lasts,
        Some("ERR") => plain(&error.to_string()),
        // Of a cluster no node let us in.
        None if error.to_string().contains("AuthenticationFailed") => Code::Lasts,
        _ => Code::Passes,
    }
}

/// An error without a code of its own. Before Redis 7 a script's error has the code in its text.
fn plain(said: &str) -> Code {
    const LASTING: [&str; 6] = [
        "unknown command",
        "unknown redis command",
        "compiling script",
        "DB index",
        "switch database",
        "-WRONGTYPE",
    ];
    if said.contains("-OOM ") {
        Code::Full
    } else if LASTING.iter().any(|lasts| said.to_lowercase().contains(&lasts.to_lowercase())) {
        Code::Lasts
    } else {
        Code::Passes
    }
}
