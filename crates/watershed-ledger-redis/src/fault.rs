//! What Redis refuses, and what is to be done about it.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use watershed_ledger::Error;

/// The error behind what Redis or the connection said.
pub(crate) fn fault(place: &str, error: &RedisError) -> Error {
    let place = place.to_owned();
    let why = error.to_string();
    if error.code() == Some("OOM") {
        return Error::Full { place };
    }
    if refused(error) {
        return Error::Refused { place, why };
    }
    Error::Unreachable { place, why }
}

/// Whether it will be refused again until somebody changes something.
fn refused(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
        || matches!(error.kind(), ErrorKind::Server(ServerErrorKind::NoPerm))
}
