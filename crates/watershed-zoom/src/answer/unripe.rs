//! What is not there yet: attendance of a fresh meeting, files in processing.
//!
//! Attendance is read again for 24 hours after the end of a meeting, files for the 72 hours
//! in which a recording is looked at again. After that an answer is taken as it is. Nobody
//! knows how often it was asked: the delay grows with the age of what is waited for.

use jiff::Timestamp;
use serde_json::{Map, Value};
use watershed_model::{Dataset, Millis, Operation, Page, Verdict};

use super::rows;
use crate::catalogue::past::{PAST_MEETINGS, PAST_PARTICIPANTS};
use crate::catalogue::recordings::RECORDINGS;
use crate::catalogue::reports::REPORT_PARTICIPANTS_ROWS;

/// Attendance may be incomplete for so long after the end.
pub(super) const ATTENDANCE_MS: i64 = 24 * 3_600_000;
/// A recording may still be in the works for so long.
pub(crate) const RECORDING_MS: i64 = 72 * 3_600_000;
/// The first wait, and the least.
pub(super) const RETRY_MIN_MS: i64 = 15 * 60_000;

/// An instant as Zoom writes it. `""` and anything else is none.
pub(crate) fn instant(value: &Value, member: &str) -> Option<Millis> {
    value.get(member)?.as_str()?.parse::<Timestamp>().ok().map(Millis::from)
}

/// Whether the rows are attendance.
pub(super) fn attendance(dataset: &Dataset) -> bool {
    dataset == &PAST_PARTICIPANTS || dataset == &REPORT_PARTICIPANTS_ROWS
}

/// When the meeting ended, where the caller knows it.
pub(super) fn ended_at(with: &Map<String, Value>) -> Option<Millis> {
    with.get("ended_at")?.as_str()?.parse::<Timestamp>().ok().map(Millis::from)
}

/// Until when rows of this page that are not ripe are to be read again; `None` where all are.
pub(super) fn unripe_until(
    op: &Operation,
    records: &[Value],
    ended_at: Option<Millis>,
) -> Option<Millis> {
    if attendance(op.dataset) {
        let zero = records.iter().any(|stay| rows::member(op, stay, "duration") == Some(0.into()));
        let left = records.iter().filter_map(|stay| instant(stay, "leave_time")).max();
        return zero.then(|| ended_at.or(left)).flatten().map(|end| end + ATTENDANCE_MS);
    }
    if op.dataset == &RECORDINGS {
        return records.iter().filter_map(recording_until).max();
    }
    None
}

fn recording_until(recording: &Value) -> Option<Millis> {
    let files = recording.get("recording_files")?.as_array()?;
    files
        .iter()
        .filter(|file| processing(file))
        .filter_map(|file| {
            instant(file, "recording_end")
                .or_else(|| instant(file, "recording_start"))
                .or_else(|| instant(recording, "start_time"))
        })
        .max()
        .map(|at| at + RECORDING_MS)
}

/// When it can be asked at the earliest: what is told of a held meeting within a quarter of an hour
/// of its end may change still, and would be taken as final. `None`: now.
pub fn not_before(op: &Operation, with: &Map<String, Value>, now: Millis) -> Option<Millis> {
    let settles = op.dataset == &PAST_MEETINGS;
    let ripe_at = ended_at(with).filter(|_| settles)? + RETRY_MIN_MS;
    // What ends tomorrow has not ended: nobody waits for it.
    (now < ripe_at && ripe_at - now < ATTENDANCE_MS).then_some(ripe_at)
}

/// Whether a file is still in the works.
pub(crate) fn processing(file: &Value) -> bool {
    file.get("status").and_then(Value::as_str) == Some("processing")
}

/// Waiting, with what is there; `from` is when the waited-for thing came into being.
pub(crate) fn waiting(
    now: Millis,
    from: Millis,
    deadline: Millis,
    why: &str,
    page: Option<Page>,
) -> Verdict {
    let delay = ((now - from) / 2).max(RETRY_MIN_MS);
    let retry_at = (now + delay).min(deadline);
    Verdict::Waiting { retry_at, deadline, why: why.to_owned(), page }
}
