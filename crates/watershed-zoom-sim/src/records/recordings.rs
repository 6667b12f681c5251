//! Recordings: the meeting with its files, as each of three operations tells it.

use serde_json::{Map, Value, json};

use super::{passcode, secret};
use crate::time::{DAY_S, day_of, utc};
use crate::world::{Recording, RecordingFile, Source, World};

/// A row of the recordings lists, or the record of `/meetings/{uuid}/recordings`.
///
/// The account's list writes `type` as a number and shows files in `processing`; the others write
/// text and leave those out.
pub(crate) fn recording(
    world: &World,
    recording: &Recording,
    source: Source,
    account_id: &str,
) -> Value {
    let (meeting, instance) = (&recording.meeting, &recording.instance);
    let host = world.person(meeting.at.user);
    let files: Vec<Value> =
        recording.shown(source).map(|file| file_record(world, recording, file)).collect();
    let sizes = files.iter().filter_map(|file| file["file_size"].as_u64());
    let code = meeting.kind.code();
    let mut draw = recording.draw.clone();
    let auto_delete = draw.chance(0.3);
    let share = draw.word(40);
    let mut record = json!({
        "uuid": instance.uuid,
        "id": meeting.number,
        "account_id": account_id,
        "host_id": world.ids.user(meeting.at.user),
        "host_email": host.email,
        "topic": meeting.topic,
        "type": if source == Source::AccountList { json!(code) } else { json!(code.to_string()) },
        "start_time": utc(instance.start_s),
        "timezone": meeting.timezone,
        "duration": instance.duration_min(),
        "total_size": sizes.sum::<u64>(),
        "recording_count": files.len(),
        "recording_play_passcode": secret(world.seed, &format!("play {}", instance.uuid)),
        "auto_delete": auto_delete,
        "share_url": format!("https://acme-sim.zoom.example/rec/share/{share}"),
        "on_prem": false,
        "recording_files": files,
    });
    if auto_delete {
        let day = day_of(instance.end_s) + 365;
        record["auto_delete_date"] = json!(crate::time::date(day));
    }
    if source == Source::One {
        record["password"] = json!(passcode(world.seed, &instance.uuid));
        record["participant_audio_files"] = json!([]);
    }
    record
}

/// What stands in `download_access_token`; it opens this instance's files.
pub(crate) fn download_token(world: &World, uuid: &str) -> String {
    secret(world.seed, &format!("download {uuid}"))
}

/// The record of `/meetings/{uuid}/recordings/settings`. It does not say of which instance.
pub(crate) fn recording_settings(world: &World, recording: &Recording) -> Value {
    let mut draw = recording.draw.clone();
    let auto_delete = draw.chance(0.3);
    let mut record = json!({
        "topic": recording.meeting.topic,
        "share_recording": draw.pick(&["publicly", "internally", "none"]),
        "recording_authentication": draw.chance(0.4),
        "authentication_option": "",
        "authentication_domains": "",
        "authentication_name": "",
        "viewer_download": draw.chance(0.5),
        "password": passcode(world.seed, &recording.instance.uuid),
        "on_demand": false,
        "approval_type": draw.pick(&[0, 1, 2]),
        "send_email_to_host": draw.chance(0.5),
        "show_social_share_buttons": false,
        "auto_delete": auto_delete,
    });
    if auto_delete {
        let day = day_of(recording.instance.end_s + 365 * DAY_S);
        record["auto_delete_date"] = json!(crate::time::date(day));
    }
    record
}

fn file_record(world: &World, recording: &Recording, file: &RecordingFile) -> Value {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    let sealed = world.ids.download(file.at);
    put("meeting_id", json!(recording.instance.uuid));
    put("recording_start", json!(utc(file.start_s)));
    put("recording_end", json!(utc(file.end_s)));
    put("file_type", json!(file.kind.file_type()));
    put("file_extension", json!(file.kind.extension()));
    put("download_url", json!(download_url(world, &sealed)));
    if file.kind.has_id() {
        put("id", json!(world.ids.file(file.at)));
        put("file_size", json!(world.file_size(recording, file)));
        put("recording_type", json!(file.kind.recording_type()));
        put("status", json!(if file.processing { "processing" } else { "completed" }));
        let mark = super::SECRET_MARK;
        put("play_url", json!(format!("{}/rec/play/{mark}{sealed}", world.base)));
    }
    Value::Object(record)
}

fn download_url(world: &World, sealed: &str) -> String {
    format!("{}/rec/download/{}{sealed}", world.base, super::SECRET_MARK)
}
