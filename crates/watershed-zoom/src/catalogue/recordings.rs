//! Cloud recordings, the list of their files, and who may see them.

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging, Record};

use super::macros::{fields, params};

pub(super) static RECORDING_FILE: Record = Record {
    name: "recording file",
    fields: fields![
        id: Text,
        meeting_id: Text,
        recording_start: Time,
        recording_end: Time,
        file_type: Text,
        file_extension: Text,
        file_size: Double,
        recording_type: Text,
        status: Text,
        file_path: Text,
        deleted_time: Time;
        secret play_url: Text, download_url: Text,
    ],
};

static AUDIO_FILE: Record = Record {
    name: "participant audio file",
    fields: fields![
        id: Text,
        file_name: Text,
        file_type: Text,
        file_size: Double,
        file_path: Text,
        status: Text,
        recording_start: Time,
        recording_end: Time;
        secret play_url: Text, download_url: Text,
    ],
};

static RECORDING: Record = Record {
    name: "recording",
    fields: fields![
        uuid: Text,
        id: Int,
        account_id: Text,
        host_id: Text,
        host_email: Text,
        topic: Text,
        type: Int,
        start_time: Time,
        timezone: Text,
        duration: Int,
        total_size: Int,
        recording_count: Int,
        share_url: Text,
        on_prem: Bool,
        auto_delete: Bool,
        auto_delete_date: Date,
        rc_zone: Text,
        instance_id: Text,
        zone_instance_id: Text,
        rc_meeting_zone_name: Text,
        service_name: Text,
        external_storage_addr: Text,
        recording_files: List(&RECORDING_FILE),
        participant_audio_files: List(&AUDIO_FILE);
        secret password: Text, recording_play_passcode: Text, download_access_token: Text,
    ],
};

pub(crate) static RECORDINGS: Dataset =
    Dataset { name: "recordings", record: &RECORDING, asked: &[] };

pub(crate) static RECORDING_FILES: Dataset = Dataset {
    name: "recording_files",
    record: &RECORDING_FILE,
    asked: fields![instance_uuid: Text],
};

pub(super) static LIST_USER_RECORDINGS: Operation = Operation {
    id: "zoom.list_user_recordings",
    summary: "Recordings of one user in a window of at most a month.",
    kind: Kind::Call,
    path: "/users/{userId}/recordings",
    scopes: &[
        "cloud_recording:read:list_user_recordings:admin",
        "cloud_recording:read:list_user_recordings:master",
    ],
    classic_scopes: &["recording:read:admin", "recording:master"],
    category: Some(Category::Medium),
    params: params![
        user_id => "userId": Text, Path, required;
        from => "from": Date, Window, required;
        to => "to": Date, Window, required;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("meetings"),
    record: &RECORDING,
    dataset: &RECORDINGS,
    lifetime: Lifetime::Living,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Cloud recording: List all recordings (OpenAPI 2026-08), \
             checked 2026-11-24",
};

pub(super) static LIST_TRASHED_RECORDINGS: Operation = Operation {
    id: "zoom.list_trashed_recordings",
    summary: "Recordings of one user that lie in the trash, from where they can be had back.",
    params: params![
        user_id => "userId": Text, Path, required;
        trash => "trash": Bool, Choose, required;
    ],
    ..LIST_USER_RECORDINGS
};

pub(super) static LIST_ACCOUNT_RECORDINGS: Operation = Operation {
    id: "zoom.list_account_recordings",
    summary: "Recordings of the whole account in a window of at most a month.",
    kind: Kind::Call,
    // `me`: a literal account id asks for the `:master` scope.
    path: "/accounts/me/recordings",
    scopes: &[
        "cloud_recording:read:list_account_recordings:admin",
        "cloud_recording:read:list_account_recordings:master",
    ],
    classic_scopes: &["recording:read:admin", "recording:master"],
    category: Some(Category::Medium),
    params: params![
        from => "from": Date, Window, required;
        to => "to": Date, Window, required;
    ],
    paging: Paging::Token { page_size: super::PAGE_SIZE },
    rows_in: Some("meetings"),
    record: &RECORDING,
    dataset: &RECORDINGS,
    lifetime: Lifetime::Living,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Cloud recording: List recordings of an account (OpenAPI \
             2026-03), checked 2026-11-24",
};

pub(super) static GET_RECORDING: Operation = Operation {
    id: "zoom.get_recording",
    summary: "The recording of one instance with its files.",
    kind: Kind::Call,
    path: "/meetings/{meetingUUID}/recordings",
    scopes: &[
        "cloud_recording:read:list_recording_files:admin",
        "cloud_recording:read:list_recording_files:master",
    ],
    classic_scopes: &["recording:read:admin", "recording:read", "recording:master"],
    category: Some(Category::Light),
    params: params![
        uuid => "meetingUUID": Text, PathUuid, required;
        missing => "": Bool, Hint, optional;
    ],
    paging: Paging::None,
    rows_in: None,
    record: &RECORDING,
    dataset: &RECORDINGS,
    lifetime: Lifetime::Living,
    start_field: Some("start_time"),
    version: 1,
    source: "Zoom API reference, Cloud recording: Get meeting recordings (OpenAPI 2026-08), \
             checked 2026-11-24",
};

static RECORDING_SETTING: Record = Record {
    name: "settings of a recording",
    fields: fields![
        topic: Text,
        share_recording: Text,
        recording_authentication: Bool,
        authentication_option: Text,
        authentication_domains: Text,
        authentication_name: Text,
        viewer_download: Bool,
        on_demand: Bool,
        approval_type: Int,
        send_email_to_host: Bool,
        show_social_share_buttons: Bool,
        auto_delete: Bool,
        auto_delete_date: Date;
        secret password: Text,
    ],
};

pub(super) static RECORDING_SETTINGS: Dataset = Dataset {
    name: "recording_settings",
    record: &RECORDING_SETTING,
    asked: fields![instance_uuid: Text],
};

pub(super) static GET_RECORDING_SETTINGS: Operation = Operation {
    id: "zoom.get_recording_settings",
    summary: "Who may see and download the recording of one instance.",
    kind: Kind::Call,
    path: "/meetings/{meetingUUID}/recordings/settings",
    scopes: &[
        "cloud_recording:read:recording_settings:admin",
        "cloud_recording:read:recording_settings:master",
    ],
    classic_scopes: &["recording:read:admin", "recording:master"],
    category: Some(Category::Light),
    params: params![uuid => "meetingUUID": Text, PathUuid, required],
    paging: Paging::None,
    rows_in: None,
    record: &RECORDING_SETTING,
    dataset: &RECORDING_SETTINGS,
    lifetime: Lifetime::Living,
    start_field: None,
    version: 1,
    source: "Zoom API reference, Cloud recording: Get meeting recording settings (OpenAPI \
             2026-08), checked 2026-11-24",
};
