//! A request's body, whole: short enough and in time, or not at all.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

/// 1 MiB: Zoom's largest events have some hundred KiB.
pub(crate) const BODY_MAX: usize = 1 << 20;
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
}

/// Reads it.
pub(crate) async fn read(body: Body) -> Result<Bytes, NoBody> {
    let until = Instant::now() + BODY_TIME;
    if body.size_hint().lower() > BODY_MAX as u64 {
        throw_away(body, until).await;
        return Err(NoBody::TooLong);
    }
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
