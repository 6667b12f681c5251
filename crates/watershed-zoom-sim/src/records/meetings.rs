//! Meetings as they are scheduled: the row of the list, the details, the invitation.

use serde_json::{Map, Value, json};

use super::settings::switches;
use super::{passcode, secret};
use crate::draw::{Draw, Purpose};
use crate::time::{day_of, utc};
use crate::world::{Meeting, MeetingKind, World};

const SETTINGS: &str = include_str!("meeting_settings.txt");

/// A row of `/users/{userId}/meetings`: the same for each occurrence and in each list.
///
/// Its `uuid` is the coming instance's, as after each end a new one is made.
pub(crate) fn listed_meeting(world: &World, meeting: &Meeting) -> Value {
    let mut row = shared(world, meeting);
    if meeting.at.meeting.is_multiple_of(3) {
        row.insert("agenda".into(), json!(format!("Agenda of {}", meeting.topic)));
    }
    Value::Object(row)
}

/// The record of `/meetings/{meetingId}`.
pub(crate) fn meeting_details(world: &World, meeting: &Meeting) -> Value {
    let mut record = shared(world, meeting);
    let host = world.person(meeting.at.user);
    let number = meeting.number;
    let password = passcode(world.seed, &format!("meeting {number}"));
    let zak = secret(world.seed, &format!("zak {number}"));
    let digits = format!("{}", number % 1_000_000);
    let more = json!({
        "host_email": host.email,
        "assistant_id": "",
        "status": "waiting",
        "agenda": format!("Agenda of {}", meeting.topic),
        "start_url": format!("https://acme-sim.zoom.example/s/{number}?zak={zak}"),
        "registration_url": "",
        "chat_join_url": format!("https://acme-sim.zoom.example/launch/jc/{number}"),
        "password": password,
        "encrypted_password": secret(world.seed, &format!("encrypted {number}")),
        "pstn_password": format!("{password}{digits}"),
        "h323_password": format!("{password}{digits}"),
        "pre_schedule": false,
        "creation_source": "other",
        "template_id": "",
        "sensitivity_label_id": "",
        "dynamic_host_key": secret(world.seed, &format!("host key {number}")),
        "tracking_fields": [{ "field": "Project", "value": meeting.topic, "visible": true }],
        "settings": settings(world, meeting),
    });
    if let Value::Object(more) = more {
        record.extend(more);
    }
    if matches!(meeting.kind, MeetingKind::Series | MeetingKind::OpenSeries) {
        record.insert("recurrence".into(), recurrence(meeting));
    }
    if meeting.kind == MeetingKind::Series {
        record.insert("occurrences".into(), occurrences(meeting));
    }
    Value::Object(record)
}

/// The record of `/meetings/{meetingId}/invitation`. It does not say of which meeting.
pub(crate) fn invitation(world: &World, meeting: &Meeting) -> Value {
    let host = world.person(meeting.at.user);
    let number = meeting.number;
    let join = join_url(world, meeting);
    let text = format!(
        "{} is inviting you to a scheduled Zoom meeting.\r\n\r\nTopic: {}\r\n\r\nJoin Zoom \
         Meeting\r\n{join}\r\n\r\nMeeting ID: {number}\r\nPasscode: {}\r\n",
        host.display,
        meeting.topic,
        number % 1_000_000,
    );
    json!({ "invitation": text, "sip_links": [format!("sip:{number}@zoomcrc.example")] })
}

fn shared(world: &World, meeting: &Meeting) -> Map<String, Value> {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    let coming = world.instances(meeting).len() as u64;
    put("id", json!(meeting.number));
    put("uuid", json!(world.uuid(meeting, coming)));
    put("host_id", json!(world.ids.user(meeting.at.user)));
    put("topic", json!(meeting.topic));
    put("type", json!(meeting.kind.code()));
    if let Some(first_s) = meeting.occurrences_s.first() {
        put("start_time", json!(utc(*first_s)));
    }
    put("duration", json!(meeting.duration_min));
    put("timezone", json!(meeting.timezone));
    put("created_at", json!(utc(meeting.created_s)));
    put("join_url", json!(join_url(world, meeting)));
    if meeting.uses_pmi {
        put("pmi", json!(world.ids.pmi(meeting.at.user).to_string()));
    }
    record
}

fn join_url(world: &World, meeting: &Meeting) -> String {
    let place = [meeting.at.user, meeting.at.meeting, 2];
    let pwd = Draw::of(world.seed, Purpose::Secret, place).word(32);
    format!("https://acme-sim.zoom.example/j/{}?pwd={pwd}", meeting.number)
}

fn recurrence(meeting: &Meeting) -> Value {
    match (meeting.occurrences_s.first(), meeting.occurrences_s.get(1)) {
        (Some(first), Some(second)) => {
            let spacing = day_of(*second) - day_of(*first);
            json!({
                "type": if spacing == 1 { 1 } else { 2 },
                "repeat_interval": if spacing == 1 { 1 } else { spacing / 7 },
                "weekly_days": "2",
                "end_times": meeting.occurrences_s.len(),
            })
        }
        _ => json!({
            "type": 3, "repeat_interval": 1, "monthly_week": -1, "monthly_week_day": 2,
            "end_date_time": utc(meeting.created_s + 400 * 86_400),
        }),
    }
}

fn occurrences(meeting: &Meeting) -> Value {
    let rows = meeting.occurrences_s.iter().map(|start_s| {
        json!({
            "occurrence_id": (start_s * 1_000).to_string(),
            "start_time": utc(*start_s),
            "duration": meeting.duration_min,
            "status": "available",
        })
    });
    Value::Array(rows.collect())
}

/// The settings of a meeting: switches, and what names people.
fn settings(world: &World, meeting: &Meeting) -> Value {
    let place = [meeting.at.user, meeting.at.meeting, 1];
    let mut draw = Draw::of(world.seed, Purpose::Settings, place);
    let host = world.person(meeting.at.user);
    let mut settings = switches(SETTINGS, &mut draw, "");
    let more = json!({
        "contact_email": host.email,
        "contact_name": host.display,
        "custom_keys": [{ "key": "crm", "value": draw.word(8) }],
        "global_dial_in_numbers": [{
            "city": "Berlin", "country": "DE", "country_name": "Germany",
            "number": "+49 30 5555 0100", "type": "toll",
        }],
        "meeting_invitees": [{
            "email": format!("invitee{}@elsewhere.example", draw.below(99)),
            "internal_user": false,
        }],
        "use_pmi": meeting.uses_pmi,
    });
    if let Value::Object(more) = more {
        settings.extend(more);
    }
    settings["continuous_meeting_chat"]["channel_id"] = json!(format!("web_sch_{}", draw.hex(32)));
    Value::Object(settings)
}
