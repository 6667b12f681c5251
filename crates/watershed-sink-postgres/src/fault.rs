//! What PostgreSQL says, as what the caller does about it.

use std::error::Error as _;
use std::path::PathBuf;

use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, SqlState};
use watershed_sink::Error;

/// Why an act failed, before it is known at which place.
#[derive(Debug)]
pub(crate) enum Fault {
    /// PostgreSQL, or the way there, said so.
    Postgres(tokio_postgres::Error),
    /// It took longer than it may.
    TooLong(&'static str),
    /// A stored value is not what this crate writes there.
    Unreadable(String),
    /// The server is not as it must be: what was found, and what to do.
    Unfit(String, &'static str),
    /// Known already.
    Sink(Error),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Fault {
        Fault::Postgres(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Sink(error)
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Fault {
        match error {
            PoolError::Backend(error) => Fault::Postgres(error),
            PoolError::PostCreateHook(deadpool_postgres::HookError::Backend(error)) => {
                Fault::Postgres(error)
            }
            PoolError::Closed => Fault::Sink(Error::Closed),
            PoolError::Timeout(_) => Fault::TooLong("no connection became free"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Fault::TooLong("no connection could be made")
            }
        }
    }
}

/// A server, or a URL, that does not serve as it is.
pub(crate) fn unusable(place: &str, why: &str, way_out: &str) -> Error {
    Error::Unusable { place: place.to_owned(), why: why.to_owned(), way_out: way_out.to_owned() }
}

impl Fault {
    /// Whether the same act may go well at once: another transaction was in its way.
    pub(crate) fn again(&self) -> bool {
        match self {
            Fault::Postgres(error) => error.code().is_some_and(|code| {
                [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE]
                    .contains(code)
            }),
            _ => false,
        }
    }

    /// The error, at this place.
    pub(crate) fn at(self, place: &str) -> Error {
        let path = || PathBuf::from(place);
        match self {
            Fault::Sink(error) => error,
            Fault::Unreadable(message) => Error::Corrupt { path: path(), message },
            Fault::Unfit(why, way_out) => unusable(place, &why, way_out),
            Fault::TooLong(what) => unreachable(place, what.to_owned()),
            Fault::Postgres(error) => match error.as_db_error() {
                Some(said) => of_server(said, place),
                None => of_driver(&error, place),
            },
        }
    }
}

fn unreachable(place: &str, why: String) -> Error {
    Error::Unreachable { place: place.to_owned(), why }
}

/// What the server said, by the class of its code and, where that is not enough, the code.
fn of_server(said: &DbError, place: &str) -> Error {
    let code = said.code();
    let path = || PathBuf::from(place);
    let message = || said.message().to_owned();
    let stop = |way_out: &str| unusable(place, said.message(), way_out);
    if *code == SqlState::DISK_FULL {
        return Error::Full { path: path() };
    }
    if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        return Error::Busy { path: path() };
    }
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return stop(TO_PRIMARY);
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return stop("grant this user the right, or let one that has it begin");
    }
    match code.code().get(..2).unwrap_or_default() {
        "28" => stop("check user and password in sink.url, and the server's pg_hba.conf"),
        "3D" => stop("make it first: createdb, or CREATE DATABASE … ENCODING 'UTF8'"),
        "3F" => stop("make that schema first, or leave search_path out of sink.url"),
        // Too many connections, starting up, shutting down, out of memory, cut off.
        "08" | "53" | "57" | "25" => unreachable(place, message()),
        "40" => Error::Busy { path: path() },
        "58" => Error::Io { path: path(), source: message().into() },
        "XX" | "42" => Error::Corrupt { path: path(), message: message() },
        _ => Error::Refused { path: path(), message: message() },
    }
}

/// What to do about a server that only reads.
pub(crate) const TO_PRIMARY: &str = "point sink.url to the primary, where rows can be written";

/// What the driver found without an answer of the server. Its errors have no public kind, so
/// the causes beneath tell.
fn of_driver(error: &tokio_postgres::Error, place: &str) -> Error {
    let text = error.to_string();
    if let Some(tls) = cause::<rustls::Error>(error) {
        let certificate = matches!(tls, rustls::Error::InvalidCertificate(_));
        return match certificate {
            true => unusable(
                place,
                &format!("its certificate is not trusted ({tls})"),
                "name its certificate authority as sslrootcert, and the host as it is certified",
            ),
            false => unreachable(place, format!("TLS: {tls}")),
        };
    }
    if let Some(io) = cause::<std::io::Error>(error) {
        return unreachable(place, io.to_string());
    }
    if text.contains("TLS handshake") {
        return unusable(
            place,
            "it does not speak TLS",
            "turn ssl on there, or say sslmode=disable where the network is yours alone",
        );
    }
    if text.contains("authentication") || text.contains("invalid configuration") {
        let why = error.source().map_or(text, ToString::to_string);
        return unusable(place, &why, "check user and password in sink.url");
    }
    if text.contains("deserializing") || text.contains("invalid column") {
        return Error::Corrupt { path: place.into(), message: text };
    }
    if text.contains("serializing") || text.contains("encoding message") {
        let message = error.source().map_or(text, ToString::to_string);
        return Error::Refused { path: place.into(), message };
    }
    unreachable(place, text)
}

/// The first cause of this type, looking also into what an I/O error carries.
fn cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let carried = error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        next = match carried {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}
