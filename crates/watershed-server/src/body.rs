//! A request's body, whole: short enough and in time, or not at all.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// 1 MiB: Zoom's largest events have some hundred KiB.
pub(crate) const BODY_MAX: usize = 1 << 20;
/// 64 KiB: of bodies up to this length as many are read as there are connections.
const SMALL: u64 = 64 * 1024;
/// Longer bodies that are read at once: 64 MiB at most.
pub(crate) const LARGE_AT_ONCE: usize = 64;
/// 2 s: how long a longer one waits to be read, of the 3 in which Zoom wants its answer.
const ROOM_TIME: Duration = Duration::from_secs(2);
/// So much of a longer one is read and thrown away, so that its sender comes to read the answer.
const THROWN_AWAY_MAX: usize = 16 << 20;
/// 5 s for a whole body: Zoom waits 3 s for its answer.
const BODY_TIME: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// It is longer than [`BODY_MAX`].
    TooLong,
    /// It did not come in time, or broke off.
    TooSlow,
    /// Too many long ones are read already.
    NoRoom,
}

/// Reads it, within the room for [`LARGE_AT_ONCE`].
pub(crate) async fn read(body: Body, large: &Semaphore) -> Result<Bytes, NoBody> {
    if body.size_hint().lower() > BODY_MAX as u64 {
        throw_away(body, Instant::now() + BODY_TIME).await;
        return Err(NoBody::TooLong);
    }
    let _room = if body.size_hint().upper().is_none_or(|length| length > SMALL) {
        Some(timeout(ROOM_TIME, large.acquire()).await.map_err(|_| NoBody::NoRoom)?)
    } else {
        None
    };
    let until = Instant::now() + BODY_TIME;
    let mut limited = Limited::new(body, BODY_MAX);
    let mut parts = Vec::new();
    loop {
        match timeout_at(until, limited.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(part) = frame.into_data() {
                    parts.extend_from_slice(&part);
                }
            }
            Ok(None) => return Ok(parts.into()),
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => {
                return Err(NoBody::TooLong);
            }
            Ok(Some(Err(_))) | Err(_) => return Err(NoBody::TooSlow),
        }
    }
}

async fn throw_away(body: Body, until: Instant) {
    let mut limited = Limited::new(body, THROWN_AWAY_MAX);
    while let Ok(Some(Ok(_))) = timeout_at(until, limited.frame()).await {}
}
