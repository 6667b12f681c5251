//! What was held: instances, past meetings, reports, participants.

use serde_json::{Value, json};

use crate::time::utc;
use crate::world::{Instance, Meeting, Stay, World};

/// A row of `/past_meetings/{meetingId}/instances`.
pub(crate) fn instance_row(instance: &Instance) -> Value {
    json!({ "uuid": instance.uuid, "start_time": utc(instance.start_s) })
}

/// The record of `/past_meetings/{uuid}`.
pub(crate) fn past_meeting(world: &World, meeting: &Meeting, instance: &Instance) -> Value {
    let host = world.person(meeting.at.user);
    json!({
        "uuid": instance.uuid,
        "id": meeting.number,
        "host_id": world.ids.user(meeting.at.user),
        "type": meeting.kind.code(),
        "topic": meeting.topic,
        "user_name": host.display,
        "user_email": host.email,
        "dept": host.dept,
        "start_time": utc(instance.start_s),
        "end_time": utc(instance.end_s),
        "duration": instance.duration_min(),
        "total_minutes": world.total_minutes(meeting, instance),
        "participants_count": world.participants_count(meeting, instance),
        "source": "Zoom",
        "has_meeting_summary": instance.start_s % 5 == 0,
    })
}

/// The record of `/report/meetings/{uuid}`.
pub(crate) fn report_meeting(world: &World, meeting: &Meeting, instance: &Instance) -> Value {
    let host = world.person(meeting.at.user);
    json!({
        "uuid": instance.uuid,
        "id": meeting.number,
        "topic": meeting.topic,
        "type": meeting.kind.code(),
        "user_name": host.display,
        "user_email": host.email,
        "dept": host.dept,
        "start_time": utc(instance.start_s),
        "end_time": utc(instance.end_s),
        "duration": instance.duration_min(),
        "total_minutes": world.total_minutes(meeting, instance),
        "participants_count": world.participants_count(meeting, instance),
        "custom_keys": [{ "key": "crm", "value": format!("{}", meeting.number % 977) }],
        "tracking_fields": [{ "field": "Project", "value": meeting.topic }],
    })
}

/// A row of `/past_meetings/{uuid}/participants`.
pub(crate) fn past_participant(world: &World, stay: &Stay) -> Value {
    json!({
        "id": user_id(world, stay),
        "user_id": stay.seat.to_string(),
        "name": stay.name,
        "user_email": stay.email,
        "join_time": utc(stay.join_s),
        "leave_time": utc(stay.leave_s),
        "duration": stay.leave_s - stay.join_s,
        "status": status(stay),
        "failover": stay.failover,
        "registrant_id": stay.registrant,
        "internal_user": stay.user.is_some(),
    })
}

/// A row of `/report/meetings/{uuid}/participants`.
pub(crate) fn report_participant(world: &World, stay: &Stay, with_registrant: bool) -> Value {
    let mut row = json!({
        "id": user_id(world, stay),
        "participant_user_id": user_id(world, stay),
        "user_id": stay.seat.to_string(),
        "name": stay.name,
        "user_email": stay.email,
        "join_time": utc(stay.join_s),
        "leave_time": utc(stay.leave_s),
        "duration": stay.leave_s - stay.join_s,
        "status": status(stay),
        "failover": stay.failover,
        "customer_key": stay.customer_key,
        "bo_mtg_id": stay.room,
    });
    if with_registrant {
        row["registrant_id"] = json!(stay.registrant);
    }
    row
}

fn user_id(world: &World, stay: &Stay) -> String {
    stay.user.map(|user| world.ids.user(user)).unwrap_or_default()
}

fn status(stay: &Stay) -> &'static str {
    if stay.waiting { "in_waiting_room" } else { "in_meeting" }
}
