//! Truth: every record that these credentials and scopes can reach, as it would be sent.
//!
//! Reachable means along the chain that starts with the account's lists: users of three statuses;
//! for those with an id their own record, their meetings (`previous_meetings` over the whole
//! history, and `scheduled`), recordings and settings; for listed meetings details, invitation and
//! instances; for instances, and for recorded ones that no list names, past meeting, participants
//! and reports. Nothing of webinars and uploads but their recordings. No participants where there
//! were fewer than two. Nothing older than Zoom tells of.
//!
//! Two exceptions: what the fault `html_403` refuses for ever is left out, and a report that is
//! late under `late_report` stands here as it will be.
//!
//! Made user by user, never all at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::faults::Fault;
use crate::operation::Operation;
use crate::records;
use crate::spec::Tier;
use crate::time::{day_of, utc};
use crate::world::{
    FileKind, Instance, Meeting, Profile, Recording, RecordingFile, Source, Status, WRITTEN, World,
    file_bytes,
};

/// What the bytes of files are told as.
const FILES: &str = "files";

/// A record that the account holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TruthRow {
    /// The dataset it belongs to.
    pub dataset: &'static str,
    /// Its key; for participants the instance's UUID, which many records share.
    pub key: String,
    /// As sent. For `transcripts` the text, for `transcript_cues` what the text says.
    pub record: Value,
}

impl Account {
    /// Everything that can be reached, user by user.
    pub fn truth(&self) -> impl Iterator<Item = TruthRow> + '_ {
        (0..self.user_count()).flat_map(|user| self.truth_of(user))
    }

    /// The files that can be reached, user by user: dataset `files`, keys as of `recording_files`,
    /// and what tells their bytes (`size`, `sha256`).
    pub fn files(&self) -> impl Iterator<Item = TruthRow> + '_ {
        (0..self.user_count()).flat_map(|user| self.files_of(user))
    }

    pub(crate) fn user_count(&self) -> u64 {
        self.spec().users.min(crate::ids::USERS_MAX)
    }

    /// What can be reached of one user.
    pub(crate) fn truth_of(&self, user: u64) -> Vec<TruthRow> {
        let world = self.world();
        let mut teller = Teller { account: self, world: &world, files: false, rows: Vec::new() };
        teller.tell(user);
        teller.rows
    }

    /// The files that can be reached of one user.
    pub(crate) fn files_of(&self, user: u64) -> Vec<TruthRow> {
        let world = self.world();
        let mut teller = Teller { account: self, world: &world, files: true, rows: Vec::new() };
        teller.tell(user);
        teller.rows.retain(|row| row.dataset == FILES);
        teller.rows
    }

    /// Whether calls of the operation are answered: by scope and by plan.
    pub(crate) fn answers(&self, operation: Operation) -> bool {
        let has_plan = self.spec().tier != Tier::Free || !operation.is_paid();
        has_plan && self.grants(operation)
    }
}

struct Teller<'a> {
    account: &'a Account,
    world: &'a World,
    /// Whether the bytes of files are told as well.
    files: bool,
    rows: Vec<TruthRow>,
}

impl Teller<'_> {
    fn tell(&mut self, user: u64) {
        if !self.world.has_user(user) {
            return;
        }
        let status = self.world.status(user);
        let is_listed = self.account.answers(Operation::ListUsers);
        if is_listed {
            let person = self.world.person(user);
            let key = match status {
                Status::Pending => format!("email:{}", person.email.to_lowercase()),
                Status::Active | Status::Inactive => self.world.ids.user(user),
            };
            self.row("users", key, records::listed_user(self.world, user, false));
        }
        if status == Status::Pending {
            return;
        }
        if is_listed && self.account.answers(Operation::GetUser) {
            let account_id = &self.account.credentials().account_id;
            let details = records::user_details(self.world, user, account_id);
            self.row("user_details", self.world.ids.user(user), details);
        }
        if is_listed && self.account.answers(Operation::GetUserSettings) {
            let settings = records::user_settings(self.world, user);
            self.row("user_settings", self.world.ids.user(user), settings);
        }
        let lists_meetings = is_listed
            && self.account.answers(Operation::ListMeetings)
            && self.world.profile(user) != Profile::Barred;
        let source = self.source(is_listed);
        for meeting in self.world.meetings(user) {
            let is_listed = lists_meetings && self.lists(&meeting);
            if is_listed {
                self.tell_meeting(&meeting);
            }
            let lists_instances = is_listed && self.account.answers(Operation::ListPastInstances);
            for instance in self.world.instances(&meeting) {
                let from_list = lists_instances && self.tell_instance(&instance);
                let recording = source.and_then(|_| self.world.recording(&meeting, &instance));
                if from_list || recording.is_some() {
                    self.tell_held(&meeting, &instance);
                }
                if let (Some(source), Some(recording)) = (source, recording) {
                    self.tell_recording(&recording, source);
                }
            }
        }
    }

    /// The list that recordings come from; without one nobody knows what was recorded.
    fn source(&self, is_listed: bool) -> Option<Source> {
        if self.account.answers(Operation::ListAccountRecordings) {
            return Some(Source::AccountList);
        }
        let of_users = is_listed && self.account.answers(Operation::ListUserRecordings);
        of_users.then_some(Source::UserList)
    }

    fn lists(&self, meeting: &Meeting) -> bool {
        let from_day = day_of(self.world.midnight_s) - self.world.days;
        meeting.is_scheduled(self.world)
            || meeting.previous_rows(self.world, from_day, self.world.today()) > 0
    }

    fn tell_meeting(&mut self, meeting: &Meeting) {
        let key = meeting.number.to_string();
        self.row("meetings", key.clone(), records::listed_meeting(self.world, meeting));
        if !meeting.is_alive(self.world.now_s) {
            return;
        }
        if self.account.answers(Operation::GetMeeting) {
            let details = records::meeting_details(self.world, meeting);
            self.row("meeting_details", key.clone(), details);
        }
        if self.account.answers(Operation::GetInvitation) {
            self.row("meeting_invitations", key, records::invitation(self.world, meeting));
        }
    }

    /// Whether the list of instances names it.
    fn tell_instance(&mut self, instance: &Instance) -> bool {
        if instance.start_day() < self.world.instances_from_day() {
            return false;
        }
        self.row("past_instances", instance.uuid.clone(), records::instance_row(instance));
        true
    }

    fn tell_held(&mut self, meeting: &Meeting, instance: &Instance) {
        use Operation::{GetPastMeeting, ListPastParticipants, ReportMeeting, ReportParticipants};
        let is_refused = self.account.spec().faults.rate(Fault::Html403) > 0.0
            && self.world.forbidden() == Some(instance.at);
        if is_refused || !meeting.kind.is_meeting() {
            return;
        }
        let (world, account) = (self.world, self.account);
        let day = instance.start_day();
        let key = || instance.uuid.clone();
        let is_told = day >= world.told_from_day();
        if is_told && account.answers(GetPastMeeting) {
            let record = records::past_meeting(world, meeting, instance);
            self.row("past_meetings", key(), record);
        }
        if world.participants_count(meeting, instance) < 2 {
            return;
        }
        if is_told && account.answers(ReportMeeting) {
            let record = records::report_meeting(world, meeting, instance);
            self.row("report_meetings", key(), record);
        }
        let stays = world.stays(meeting, instance);
        for stay in &stays {
            if is_told && account.answers(ReportParticipants) {
                let record = records::report_participant(world, stay, false);
                self.row("report_participants", key(), record);
            }
            if day >= world.instances_from_day() && account.answers(ListPastParticipants) {
                self.row("past_participants", key(), records::past_participant(world, stay));
            }
        }
    }

    fn tell_recording(&mut self, recording: &Recording, source: Source) {
        let (world, account) = (self.world, self.account);
        let uuid = recording.instance.uuid.clone();
        let account_id = &account.credentials().account_id;
        let record = records::recording(world, recording, source, account_id);
        let files = record["recording_files"].as_array().cloned().unwrap_or_default();
        self.row("recordings", uuid.clone(), record);
        if account.answers(Operation::GetRecordingSettings) {
            let settings = records::recording_settings(world, recording);
            self.row("recording_settings", uuid, settings);
        }
        let downloads = account.answers(Operation::Download);
        let mut places = BTreeSet::new();
        for (file, record) in recording.shown(source).zip(files) {
            let key = file_key(world, recording, file, &mut places);
            self.row("recording_files", key.clone(), record);
            if self.files && downloads && !file.processing {
                let bytes = file_bytes(world, recording, file);
                let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut hex, byte| {
                    write!(hex, "{byte:02x}").expect(WRITTEN);
                    hex
                });
                self.row(FILES, key, json!({ "size": bytes.len(), "sha256": sha256 }));
            }
            if downloads && file.kind == FileKind::Transcript && !file.processing {
                self.tell_transcript(recording, file);
            }
        }
    }

    fn tell_transcript(&mut self, recording: &Recording, file: &RecordingFile) {
        let (meeting, instance) = (&recording.meeting, &recording.instance);
        let id = self.world.ids.file(file.at);
        let text = String::from_utf8(file_bytes(self.world, recording, file))
            .expect("a transcript is written as text");
        let record = json!({ "file_id": id, "instance_uuid": instance.uuid, "text": text });
        self.row("transcripts", id.clone(), record);
        for (index, cue) in self.world.cues(meeting, instance, file.at.file).iter().enumerate() {
            let record = json!({
                "file_id": id,
                "instance_uuid": instance.uuid,
                "cue_index": index,
                "start_ms": cue.start_ms,
                "end_ms": cue.end_ms,
                "speaker": cue.speaker.as_deref(),
                "text": cue.text,
                "text_raw": cue.to_string(),
            });
            self.row("transcript_cues", format!("{id}|{index}"), record);
        }
    }

    fn row(&mut self, dataset: &'static str, key: String, record: Value) {
        self.rows.push(TruthRow { dataset, key, record });
    }
}

/// The file's id; for captions and timelines, which have none, where they stand.
fn file_key(
    world: &World,
    recording: &Recording,
    file: &RecordingFile,
    places: &mut BTreeSet<String>,
) -> String {
    if file.kind.has_id() {
        return world.ids.file(file.at);
    }
    let (uuid, kind, start) = (&recording.instance.uuid, file.kind.file_type(), utc(file.start_s));
    let place = |ordinal: usize| format!("{uuid}|{kind}|{start}|{ordinal}");
    let free = (0..).map(place).find(|place| !places.contains(place));
    let key = free.expect("there is no end of ordinals");
    places.insert(key.clone());
    key
}
