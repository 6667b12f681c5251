//! What proves that the account no longer has something. Absence from a list alone never does.

use serde_json::{Map, Value};
use watershed_model::{Dataset, Millis, Operation, Unavailable, Verdict};

use crate::catalogue;

/// A meeting is found until 30 days after its last use. A recurring one may be for longer (a year,
/// by some accounts); nothing is concluded from that.
const LAPSE_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// Rows that are gone, told by a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneRows {
    /// Their dataset.
    pub dataset: &'static Dataset,
    /// `_key`, or a column of what they were asked for.
    pub column: &'static str,
    /// What stands there.
    pub value: String,
}

/// What an answer proves to be gone, where it was asked about a stored row that no list has
/// (parameter `missing`): a user that is not found, a meeting that is not found though it cannot
/// have lapsed, a recording of which there is none.
///
/// # Source
/// Zoom API reference: errors 1001 of users, 3001 of meetings, 3301 of recordings, checked
/// 2026-11-24.
pub fn proved(op: &Operation, with: &Map<String, Value>, verdict: &Verdict) -> Vec<GoneRows> {
    if with.get("missing") != Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let datasets = catalogue();
    let rows = |dataset: &str, column: &'static str, param: &str| {
        let dataset = datasets.dataset(dataset)?;
        let value = match with.get(param)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(GoneRows { dataset, column, value })
    };
    let found = match (op.id, verdict) {
        ("zoom.get_user", Verdict::Unavailable { why: Unavailable::UserGone, .. }) => {
            vec![rows("users", "_key", "user_id")]
        }
        ("zoom.get_meeting", Verdict::Unavailable { why: Unavailable::Gone, .. }) => {
            vec![rows("meetings", "_key", "meeting_id")]
        }
        ("zoom.get_recording", Verdict::Empty) => vec![
            rows("recordings", "_key", "uuid"),
            rows("recording_files", "instance_uuid", "uuid"),
        ],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// Whether "not found" would prove that this meeting was deleted: it is still to come, or was used
/// so lately that its id cannot have lapsed. Its start and when it was made are taken for its last
/// use: it may have been used later, never earlier.
pub fn cannot_have_lapsed(meeting: &Value, now: Millis) -> bool {
    let instant = |name: &str| -> Option<Millis> {
        let at: jiff::Timestamp = meeting.get(name)?.as_str()?.parse().ok()?;
        Some(Millis(at.as_millisecond()))
    };
    let recurring = matches!(meeting.get("type").and_then(Value::as_i64), Some(3 | 8));
    let used = match instant("start_time") {
        None if recurring => instant("created_at"),
        start => start,
    };
    // A day less: nobody tells the hour.
    used.is_some_and(|used| used > now + -(LAPSE_DAYS - 1) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(op: &str, with: Value, verdict: &Verdict) -> Vec<(&'static str, String)> {
        let op = catalogue().operation(op).expect("a known operation");
        let Value::Object(with) = with else { panic!("parameters are an object") };
        let found = proved(op, &with, verdict);
        found.into_iter().map(|gone| (gone.dataset.name, gone.value)).collect()
    }

    fn refused(why: Unavailable) -> Verdict {
        Verdict::Unavailable { why, message: String::new() }
    }

    #[test]
    fn only_what_was_asked_about_an_missing_row_proves_anything() {
        let gone = refused(Unavailable::UserGone);
        let missing = json!({ "user_id": "u1", "missing": true });
        assert_eq!(asked("zoom.get_user", missing, &gone), [("users", "u1".to_owned())]);
        assert_eq!(asked("zoom.get_user", json!({ "user_id": "u1" }), &gone), []);
    }

    #[test]
    fn no_other_refusal_proves_anything() {
        for why in [Unavailable::Scope, Unavailable::Role, Unavailable::Tier, Unavailable::NotFound]
        {
            let with = json!({ "user_id": "u1", "missing": true });
            assert_eq!(asked("zoom.get_user", with, &refused(why)), []);
            let with = json!({ "uuid": "i1", "missing": true });
            assert_eq!(asked("zoom.get_recording", with, &refused(why)), []);
        }
    }

    #[test]
    fn with_a_recording_its_files_are_gone() {
        let with = json!({ "uuid": "i1", "missing": true });
        let gone = asked("zoom.get_recording", with, &Verdict::Empty);
        assert_eq!(
            gone.iter().map(|(d, _)| *d).collect::<Vec<_>>(),
            ["recordings", "recording_files"]
        );
    }

    #[test]
    fn a_meeting_that_may_have_lapsed_is_not_called_deleted() {
        let now = Millis(1_800_000_000_000);
        let ago = |days: i64| json!((now + -days * DAY_MS).to_string());
        let lapse = |kind: i64, start: Value| {
            cannot_have_lapsed(&json!({ "type": kind, "start_time": start }), now)
        };
        assert!(lapse(2, ago(-3)), "it is still to come");
        assert!(lapse(2, ago(28)));
        assert!(!lapse(2, ago(30)));
        assert!(lapse(8, ago(20)));
        assert!(!lapse(8, ago(300)), "it may be one that ended long ago");
        assert!(!lapse(2, Value::Null), "nobody knows when it was used");
        let made = |days: i64| json!({ "type": 3, "created_at": ago(days) });
        assert!(cannot_have_lapsed(&made(10), now) && !cannot_have_lapsed(&made(100), now));
    }
}
