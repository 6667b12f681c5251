//! Files of recordings, and what is said in transcripts.

use watershed_model::{
    Category, Dataset, Kind, Lifetime, Operation, Paging, Param, ParamPlace, ParamType, Record,
};

use super::macros::fields;

/// What of a recording file travels with a task: enough to find it again in a fresh answer.
/// No URL, no secret.
static FILE: Record = Record {
    name: "recording file to download",
    fields: fields![
        id: Text,
        meeting_id: Text,
        file_type: Text,
        file_extension: Text,
        recording_start: Time,
        recording_end: Time,
    ],
};

static TRANSCRIPT: Record = Record {
    name: "transcript",
    fields: fields![
        id: Text,
        meeting_id: Text,
        file_type: Text,
        file_extension: Text,
        recording_start: Time,
        recording_end: Time,
        text: Text,
    ],
};

pub(crate) static TRANSCRIPTS: Dataset =
    Dataset { name: "transcripts", record: &TRANSCRIPT, asked: fields![instance_uuid: Text] };

static CUE: Record = Record {
    name: "transcript cue",
    fields: fields![
        file_id: Text,
        instance_uuid: Text,
        cue_index: Int,
        start_ms: Int,
        end_ms: Int,
        speaker: Text,
        text: Text,
        text_raw: Text,
    ],
};

pub(crate) static TRANSCRIPT_CUES: Dataset =
    Dataset { name: "transcript_cues", record: &CUE, asked: &[] };

pub(crate) static DOWNLOAD_RECORDING_FILE: Operation = Operation {
    id: "zoom.download_recording_file",
    summary: "A file of a recording, whole; of a transcript also its text, cue by cue.",
    kind: Kind::File,
    // The URL is signed and short-lived: the recording is read again for it.
    path: "",
    scopes: &[
        "cloud_recording:read:list_recording_files:admin",
        "cloud_recording:read:list_recording_files:master",
    ],
    classic_scopes: &["recording:read:admin", "recording:read", "recording:master"],
    // Zoom gives the download itself no label; the category is that of the call which reads
    // the recording again.
    category: Some(Category::Light),
    params: &[Param {
        name: "file",
        wire: "",
        ty: ParamType::Record,
        place: ParamPlace::Record(&FILE),
        required: true,
    }],
    paging: Paging::None,
    rows_in: None,
    record: &TRANSCRIPT,
    dataset: &TRANSCRIPTS,
    lifetime: Lifetime::Settled,
    start_field: None,
    version: 2,
    source: "Zoom docs, Using webhooks and cloud recordings: downloads, checked 2026-11-24",
};
