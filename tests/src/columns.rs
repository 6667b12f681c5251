//! Which typed columns each dataset has, written down once more from the contract and Zoom's
//! reference, and what must stand in them.

use std::collections::BTreeMap;

use rusqlite::types::Value as Cell;
use serde_json::Value;

/// `name type` of each dataset: `s` text, `i` whole number, `n` number, `b` yes or no, `dt`
/// instant, `date` day, `[]` list, `{}` object.
const COLUMNS: [(&str, &str); 16] = [
    (
        "users",
        "id s, email s, first_name s, last_name s, display_name s, type i, status s, pmi i, \
         timezone s, dept s, verified i, created_at dt, user_created_at dt, last_login_time dt, \
         last_client_version s, role_id s, group_ids [], im_group_ids [], division_ids [], \
         employee_unique_id s, plan_united_type s, login_types [], custom_attributes [], \
         license_info_list []",
    ),
    (
        "user_details",
        "id s, email s, first_name s, last_name s, display_name s, type i, status s, pmi i, \
         use_pmi b, timezone s, dept s, verified i, created_at dt, user_created_at dt, \
         last_login_time dt, last_client_version s, account_id s, account_number i, role_id s, \
         role_name s, group_ids [], im_group_ids [], division_ids [], employee_unique_id s, \
         plan_united_type s, zoom_one_type i, login_types [], job_title s, company s, \
         cost_center s, location s, manager s, language s, phone_numbers [], phone_number s, \
         phone_country s, personal_meeting_url s, vanity_url s, pic_url s, pronouns s, \
         pronouns_option i, jid s, cms_user_id s, cluster s, custom_attributes [], \
         license_info_list []",
    ),
    (
        "user_settings",
        "audio_conferencing {}, email_notification {}, feature {}, in_meeting {}, profile {}, \
         recording {}, schedule_meeting {}, telephony {}, tsp {}, whiteboard {}, \
         general_setting {}, user_id s",
    ),
    (
        "meetings",
        "id i, uuid s, host_id s, topic s, type i, start_time dt, duration i, timezone s, \
         created_at dt, agenda s, join_url s, pmi s, user_id s",
    ),
    (
        "meeting_details",
        "id i, uuid s, host_id s, host_email s, assistant_id s, topic s, type i, status s, \
         start_time dt, duration i, timezone s, created_at dt, agenda s, join_url s, \
         registration_url s, chat_join_url s, pmi s, pre_schedule b, creation_source s, \
         template_id s, sensitivity_label_id s, occurrences [], recurrence {}, \
         tracking_fields [], settings {}",
    ),
    ("meeting_invitations", "invitation s, sip_links [], meeting_id i"),
    ("past_instances", "uuid s, start_time dt, meeting_id i"),
    (
        "past_meetings",
        "uuid s, id i, host_id s, type i, topic s, user_name s, user_email s, dept s, \
         start_time dt, end_time dt, duration i, total_minutes i, participants_count i, source s, \
         has_meeting_summary b",
    ),
    (
        "past_participants",
        "id s, user_id s, name s, user_email s, join_time dt, leave_time dt, duration i, \
         status s, failover b, registrant_id s, internal_user b, instance_uuid s",
    ),
    (
        "report_participants",
        "id s, participant_user_id s, user_id s, name s, user_email s, join_time dt, \
         leave_time dt, duration i, status s, failover b, registrant_id s, customer_key s, \
         bo_mtg_id s, instance_uuid s",
    ),
    (
        "report_meetings",
        "uuid s, id i, topic s, type i, user_name s, user_email s, dept s, start_time dt, \
         end_time dt, duration i, total_minutes i, participants_count i, custom_keys [], \
         tracking_fields []",
    ),
    (
        "recordings",
        "uuid s, id i, account_id s, host_id s, host_email s, topic s, type i, start_time dt, \
         timezone s, duration i, total_size i, recording_count i, share_url s, on_prem b, \
         auto_delete b, auto_delete_date date, rc_zone s, instance_id s, zone_instance_id s, \
         rc_meeting_zone_name s, service_name s, external_storage_addr s, recording_files [], \
         participant_audio_files []",
    ),
    (
        "recording_files",
        "id s, meeting_id s, recording_start dt, recording_end dt, file_type s, \
         file_extension s, file_size n, recording_type s, status s, file_path s, \
         deleted_time dt, instance_uuid s",
    ),
    (
        "recording_settings",
        "topic s, share_recording s, recording_authentication b, authentication_option s, \
         authentication_domains s, authentication_name s, viewer_download b, on_demand b, \
         approval_type i, send_email_to_host b, show_social_share_buttons b, auto_delete b, \
         auto_delete_date date, instance_uuid s",
    ),
    (
        "transcripts",
        "id s, meeting_id s, file_type s, file_extension s, recording_start dt, \
         recording_end dt, text s, instance_uuid s",
    ),
    (
        "transcript_cues",
        "file_id s, instance_uuid s, cue_index i, start_ms i, end_ms i, speaker s, text s, \
         text_raw s",
    ),
];

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Number,
    YesNo,
    Instant,
    Day,
    List,
    Object,
}

/// The typed columns of a dataset.
pub(crate) fn kinds(dataset: &str) -> BTreeMap<&'static str, Kind> {
    let columns = COLUMNS.iter().find(|(name, _)| *name == dataset).map(|(_, columns)| columns);
    let columns = columns.unwrap_or_else(|| panic!("no dataset {dataset}")).split(", ");
    columns
        .map(|column| {
            let (name, kind) = column.split_once(' ').expect("a name and a type");
            let kind = match kind {
                "s" => Kind::Text,
                "i" => Kind::Whole,
                "n" => Kind::Number,
                "b" => Kind::YesNo,
                "dt" => Kind::Instant,
                "date" => Kind::Day,
                "[]" => Kind::List,
                "{}" => Kind::Object,
                other => panic!("{dataset}.{name}: no type {other}"),
            };
            (name, kind)
        })
        .collect()
}

/// The column of a dataset that tells what was asked where the record does not say it.
pub(crate) fn asked(dataset: &str) -> Option<&'static str> {
    match dataset {
        "meetings" | "user_settings" => Some("user_id"),
        "past_instances" | "meeting_invitations" => Some("meeting_id"),
        "past_participants"
        | "report_participants"
        | "recording_files"
        | "recording_settings"
        | "transcripts" => Some("instance_uuid"),
        _ => None,
    }
}

impl Kind {
    /// Whether a cell of this type says what the member says. Null stands for a member that is
    /// absent, null or of another type, and for nothing else.
    pub(crate) fn says(self, member: &Value, cell: &Cell) -> bool {
        match (self, member) {
            // An empty text is a text.
            (Kind::Text, Value::String(text)) => is_text(cell, |found| found == text),
            (Kind::Whole, Value::Number(number)) => match number.as_i64() {
                Some(whole) => *cell == Cell::Integer(whole),
                // The account sends no such number; a fraction is of another type.
                None => *cell == Cell::Null,
            },
            // Some lists send `"type": "2"`.
            (Kind::Whole, Value::String(text)) => match text.trim().parse() {
                Ok(whole) => *cell == Cell::Integer(whole),
                Err(_) => *cell == Cell::Null,
            },
            (Kind::Number, Value::Number(number)) => {
                number.as_f64().is_some_and(|number| *cell == Cell::Real(number))
            }
            (Kind::YesNo, Value::Bool(yes)) => *cell == Cell::Integer(i64::from(*yes)),
            (Kind::Instant, Value::String(text)) if is_instant(text) => {
                is_text(cell, |found| same_instant(text, found))
            }
            (Kind::Day, Value::String(text)) if has_shape(text, "0000-00-00") => {
                is_text(cell, |found| found == text)
            }
            (Kind::List, Value::Array(_)) | (Kind::Object, Value::Object(_)) => {
                is_text(cell, |found| {
                    serde_json::from_str(found).is_ok_and(|f: Value| f == *member)
                })
            }
            _ => *cell == Cell::Null,
        }
    }
}

fn is_text(cell: &Cell, holds: impl FnOnce(&str) -> bool) -> bool {
    match cell {
        Cell::Text(text) => holds(text),
        _ => false,
    }
}

/// `…Z`, with or without a fraction: accounts send no other.
fn is_instant(text: &str) -> bool {
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let fraction = rest.strip_suffix('Z').map(|r| r.strip_prefix('.').unwrap_or(r));
    has_shape(seconds, "0000-00-00T00:00:00")
        && fraction.is_some_and(|f| f.bytes().all(|b| b.is_ascii_digit()))
}

/// A dataset may leave out what of a fraction is zero.
fn same_instant(text: &str, found: &str) -> bool {
    let bare = |text: &str| match text.strip_suffix('Z').unwrap_or(text).split_once('.') {
        Some((seconds, fraction)) => {
            (seconds.to_owned(), fraction.trim_end_matches('0').to_owned())
        }
        None => (text.strip_suffix('Z').unwrap_or(text).to_owned(), String::new()),
    };
    found.ends_with('Z') && bare(text) == bare(found)
}

/// Whether the text is like the pattern, whose `0` stands for any digit.
fn has_shape(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(t, p)| match p {
            b'0' => t.is_ascii_digit(),
            _ => t == p,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn a_cell_says_what_its_member_says() {
        let cases = [
            (Kind::Text, json!("Ana"), text("Ana")),
            (Kind::Text, json!(""), text("")),
            (Kind::Whole, json!(-7), Cell::Integer(-7)),
            (Kind::Whole, json!("2"), Cell::Integer(2)),
            (Kind::Number, json!(3), Cell::Real(3.0)),
            (Kind::YesNo, json!(true), Cell::Integer(1)),
            (Kind::Instant, json!("2026-03-23T06:58:09Z"), text("2026-03-23T06:58:09Z")),
            (Kind::Instant, json!("2026-03-23T06:58:10.50Z"), text("2026-03-23T06:58:10.5Z")),
            (Kind::Day, json!("2026-03-23"), text("2026-03-23")),
            (Kind::List, json!([{"a": 1}]), text(r#"[ {"a": 1} ]"#)),
            (Kind::Object, json!({"a": 1}), text(r#"{"a":1}"#)),
        ];
        for (kind, member, cell) in cases {
            assert!(kind.says(&member, &cell), "{member} as {kind:?} is {cell:?}");
            // Whatever a record says is no null, and a null says nothing.
            assert!(!kind.says(&member, &Cell::Null), "{member} as {kind:?} is no null");
            assert!(!kind.says(&Value::Null, &cell), "null as {kind:?} is not {cell:?}");
            assert!(kind.says(&Value::Null, &Cell::Null), "null as {kind:?} is null");
            for other in [text("other"), Cell::Integer(99), Cell::Real(9.5)] {
                assert!(!kind.says(&member, &other), "{member} as {kind:?} is not {other:?}");
            }
        }
    }

    #[test]
    fn a_member_of_another_type_is_null() {
        let cases = [
            (Kind::Text, json!(5), text("5")),
            (Kind::Whole, json!(2.5), Cell::Integer(2)),
            (Kind::Whole, json!(""), text("")),
            (Kind::Whole, json!("two"), text("two")),
            (Kind::Whole, json!(true), Cell::Integer(1)),
            (Kind::Number, json!("1.5"), Cell::Real(1.5)),
            (Kind::YesNo, json!(1), Cell::Integer(1)),
            (Kind::Instant, json!(""), text("")),
            (Kind::Instant, json!("soon"), text("soon")),
            (Kind::Instant, json!("2026-03-23"), text("2026-03-23")),
            (Kind::Day, json!("2026-03-23T06:58:09Z"), text("2026-03-23T06:58:09Z")),
            (Kind::List, json!({"a": 1}), text(r#"{"a":1}"#)),
            (Kind::Object, json!([1]), text("[1]")),
        ];
        for (kind, member, cell) in cases {
            assert!(kind.says(&member, &Cell::Null), "{member} as {kind:?} is null");
            assert!(!kind.says(&member, &cell), "{member} as {kind:?} is not {cell:?}");
        }
    }
}
