//! Operations: what the account answers, with category and scopes.
//!
//! # Source
//! Zoom's API reference (scopes, labels), its pages on granular scopes; read in November 2026.

use crate::limits::Category;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    ListUsers,
    GetUser,
    GetUserSettings,
    ListMeetings,
    GetMeeting,
    GetInvitation,
    ListPastInstances,
    GetPastMeeting,
    ListPastParticipants,
    ListUserRecordings,
    ListAccountRecordings,
    GetRecording,
    GetRecordingSettings,
    ReportParticipants,
    ReportMeeting,
    Download,
}

/// Scope names of which one suffices: granular first, then what older apps have.
type Scopes = &'static [&'static str];

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The rate label. Downloads carry none: they are not counted.
    pub(crate) fn category(self) -> Category {
        self.row().1
    }

    /// One of these must be granted.
    pub(crate) fn scopes(self) -> Scopes {
        self.row().2
    }

    /// Whether the list may move between two pages; what is over stands still.
    pub(crate) fn moves(self) -> bool {
        use Operation::*;
        matches!(self, ListUsers | ListMeetings | ListUserRecordings | ListAccountRecordings)
    }

    /// Whether it needs a paid plan.
    pub(crate) fn is_paid(self) -> bool {
        use Operation::*;
        matches!(
            self,
            GetPastMeeting
                | ListPastParticipants
                | ReportParticipants
                | ReportMeeting
                | ListAccountRecordings
        )
    }

    fn row(self) -> (&'static str, Category, Scopes) {
        use Category::{Heavy, Light, Medium};
        const USER: &str = "user:read:admin";
        const MEETING: &str = "meeting:read:admin";
        const RECORDING: &str = "recording:read:admin";
        const REPORT: &str = "report:read:admin";
        match self {
            Operation::ListUsers => ("list_users", Medium, &["user:read:list_users:admin", USER]),
            Operation::GetUser => ("get_user", Light, &["user:read:user:admin", USER]),
            Operation::GetUserSettings => {
                ("get_user_settings", Medium, &["user:read:settings:admin", USER])
            }
            Operation::ListMeetings => {
                ("list_meetings", Medium, &["meeting:read:list_meetings:admin", MEETING])
            }
            Operation::GetMeeting => {
                ("get_meeting", Light, &["meeting:read:meeting:admin", MEETING])
            }
            Operation::GetInvitation => {
                ("get_invitation", Light, &["meeting:read:invitation:admin", MEETING])
            }
            Operation::ListPastInstances => (
                "list_past_instances",
                Medium,
                &["meeting:read:list_past_instances:admin", MEETING],
            ),
            Operation::GetPastMeeting => {
                ("get_past_meeting", Light, &["meeting:read:past_meeting:admin", MEETING])
            }
            Operation::ListPastParticipants => (
                "list_past_participants",
                Medium,
                &["meeting:read:list_past_participants:admin", MEETING],
            ),
            Operation::ListUserRecordings => (
                "list_user_recordings",
                Medium,
                &["cloud_recording:read:list_user_recordings:admin", RECORDING],
            ),
            Operation::ListAccountRecordings => (
                "list_account_recordings",
                Medium,
                &["cloud_recording:read:list_account_recordings:admin", RECORDING],
            ),
            Operation::GetRecording => (
                "get_recording",
                Light,
                &["cloud_recording:read:list_recording_files:admin", RECORDING],
            ),
            Operation::GetRecordingSettings => (
                "get_recording_settings",
                Light,
                &["cloud_recording:read:recording_settings:admin", RECORDING],
            ),
            Operation::ReportParticipants => (
                "report_participants",
                Heavy,
                &["report:read:list_meeting_participants:admin", REPORT],
            ),
            Operation::ReportMeeting => {
                ("report_meeting", Heavy, &["report:read:meeting:admin", REPORT])
            }
            Operation::Download => (
                "download_recording_file",
                Light,
                &["cloud_recording:read:list_recording_files:admin", RECORDING],
            ),
        }
    }
}

/// The 16 scopes of the shipped workflow.
pub const SCOPES: [&str; 16] = [
    "user:read:list_users:admin",
    "user:read:user:admin",
    "user:read:settings:admin",
    "meeting:read:list_meetings:admin",
    "meeting:read:meeting:admin",
    "meeting:read:invitation:admin",
    "meeting:read:list_past_instances:admin",
    "meeting:read:past_meeting:admin",
    "meeting:read:list_past_participants:admin",
    "cloud_recording:read:list_user_recordings:admin",
    "cloud_recording:read:list_account_recordings:admin",
    "cloud_recording:read:list_recording_files:admin",
    "cloud_recording:read:recording_settings:admin",
    "cloud_recording:read:recording:admin",
    "report:read:list_meeting_participants:admin",
    "report:read:meeting:admin",
];
