//! Zoom's clock beside ours, as the answers tell it.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use watershed_engine::{Answering, Call, Transport};

use super::{Checked, bad, good};
use crate::fault::Fault;

/// An answer tells whole seconds, and takes a while: a smaller difference is none.
const NOTED_MS: i64 = 3_000;

/// A network that remembers the time that its last answer told.
pub(super) struct Watched<T> {
    inner: T,
    ahead_ms: Mutex<Option<i64>>,
}

impl<T> Watched<T> {
    pub(super) fn new(inner: T) -> Watched<T> {
        Watched { inner, ahead_ms: Mutex::new(None) }
    }

    /// What was found; `None` where no answer told the time.
    pub(super) fn checked(&self) -> Option<Checked> {
        self.ahead_ms.lock().unwrap_or_else(PoisonError::into_inner).map(told)
    }
}

impl<T: Transport> Transport for Watched<T> {
    fn send(&self, call: Call) -> Answering<'_> {
        Box::pin(async move {
            let sent = Timestamp::now();
            let answered = self.inner.send(call).await?;
            let told = answered.header("date").and_then(|text| {
                Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond())
            });
            if let Some(theirs) = told {
                let ours = (sent.as_millisecond(), Timestamp::now().as_millisecond());
                let mut ahead_ms = self.ahead_ms.lock().unwrap_or_else(PoisonError::into_inner);
                *ahead_ms = Some(ahead(ours, theirs));
            }
            Ok(answered)
        })
    }
}

/// How far ours is ahead of theirs, which told a second that began between question and answer,
/// or less than one before. 0 where both may agree.
fn ahead((sent, received): (i64, i64), theirs: i64) -> i64 {
    let (earliest, latest) = (theirs, theirs + 999);
    if sent > latest {
        sent - latest
    } else if received < earliest {
        received - earliest
    } else {
        0
    }
}

fn told(ahead_ms: i64) -> Checked {
    let seconds = ahead_ms.abs() / 1_000;
    if ahead_ms.abs() <= NOTED_MS {
        good("agrees with Zoom's".to_owned())
    } else if ahead_ms > 0 {
        late(format!("{seconds} s ahead of Zoom's"))
    } else {
        late(format!("{seconds} s behind Zoom's"))
    }
}

fn late(found: String) -> Checked {
    bad(&Fault::failed(found).hint(
        "let the system set its clock (NTP): days begin and end by it, and events are judged by it",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_agree_where_the_told_second_may_lie_between_question_and_answer() {
        assert_eq!(ahead((10_400, 10_600), 10_000), 0);
        assert_eq!(ahead((9_900, 10_100), 10_000), 0);
        assert_eq!(ahead((20_000, 20_100), 10_000), 9_001);
        assert_eq!(ahead((5_000, 5_100), 10_000), -4_900);
    }

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        assert!(told(0).ok && told(-2_900).ok);
        assert_eq!(told(9_001).found, "9 s ahead of Zoom's");
        assert_eq!(told(-4_900).found, "4 s behind Zoom's");
        assert!(!told(9_001).ok);
    }
}
