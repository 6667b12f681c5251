//! Operations: users, meetings, and the way to those that have files of their own.

use serde_json::{Value, json};

use super::listing::{self, Cursor, PageAsk};
use super::refusal::Refusal;
use super::route::Ask;
use super::{past, recordings};
use crate::account::Account;
use crate::faults::{Fault, FaultDraws};
use crate::operation::Operation;
use crate::records;
use crate::time::day;
use crate::world::{Meeting, MeetingKind, Profile, Status, World};

/// A call on its way through an operation.
pub(super) struct Asked<'a> {
    pub(super) account: &'a Account,
    pub(super) world: &'a World,
    pub(super) ask: &'a Ask,
    pub(super) faults: FaultDraws<'a>,
    pub(super) fired: Vec<Fault>,
    /// The clock of limits and tokens.
    pub(super) now_s: i64,
}

/// What an operation says, and what the statistics want to know of it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) body: Value,
    /// Rows of the whole listing, told with its last page.
    pub(crate) total: Option<u64>,
    /// The place of the page, for telling pages of a listing apart.
    pub(crate) ordinal: u64,
    /// False where a later call may bring more: the answer is not to be relied on.
    pub(crate) is_whole: bool,
}

impl Said {
    pub(super) fn record(body: Value) -> Said {
        Said { body, total: None, ordinal: 0, is_whole: true }
    }
}

/// The most rows of a page, for all but users.
const PAGE_MAX: usize = 300;
const USERS_PAGE_MAX: usize = 2_000;

pub(super) fn answer(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    use Operation::*;
    match asked.ask.operation {
        ListUsers => list_users(asked),
        GetUser => get_user(asked),
        GetUserSettings => {
            let user = user(asked)?;
            Ok(Said::record(records::user_settings(asked.world, user)))
        }
        ListMeetings => list_meetings(asked),
        GetMeeting | GetInvitation => get_meeting(asked),
        ListPastInstances => past::list_instances(asked),
        GetPastMeeting => past::get_past_meeting(asked),
        ReportMeeting => past::report_meeting(asked),
        ListPastParticipants => past::list_participants(asked, false),
        ReportParticipants => past::list_participants(asked, true),
        ListUserRecordings => recordings::list_of_user(asked),
        ListAccountRecordings => recordings::list_of_account(asked),
        GetRecording => recordings::get_recording(asked),
        GetRecordingSettings => recordings::get_settings(asked),
        Download => Err(Refusal::NotRecognized),
    }
}

impl Asked<'_> {
    pub(super) fn page_ask(&self, size_max: usize) -> Result<PageAsk, Refusal> {
        listing::page_ask(self.world.seed, self.ask, size_max, self.now_s)
    }

    /// Cuts and writes the page that was asked for.
    pub(super) fn page(
        &mut self,
        found: Vec<(Cursor, Value)>,
        asked: PageAsk,
        total: u64,
        key: &str,
    ) -> Said {
        let moves = self.ask.operation.moves();
        let moving = moves.then_some((&self.faults, &mut self.fired));
        let page = listing::cut(found, asked, total, moving);
        let mut body = listing::write(self.world.seed, self.ask, &page, key, self.now_s);
        if self.faults.fires(Fault::BodyWrongType) {
            self.fired.push(Fault::BodyWrongType);
            body["page_size"] = json!(page.size.to_string());
            body["page_count"] = Value::Null;
            body["total_records"] = json!(total.to_string());
        }
        let total = page.next.is_none().then_some(total);
        Said { body, total, ordinal: asked.from.ordinal, is_whole: true }
    }

    /// A day of the query, or the refusal of what is none.
    pub(super) fn day(&self, name: &'static str) -> Result<Option<i64>, Refusal> {
        match self.ask.text(name) {
            None => Ok(None),
            Some(text) => day(text).map(Some).ok_or(Refusal::Validation(name)),
        }
    }
}

/// The user who is asked about; pending ones answer 1120 to all that is not their record.
pub(super) fn user(asked: &Asked<'_>) -> Result<u64, Refusal> {
    let subject = &asked.ask.subject;
    let found = match subject.as_str() {
        "me" => asked.world.users_of_status(Status::Active, 0).next(),
        _ => asked.world.find_user(subject),
    };
    let user = found.ok_or_else(|| Refusal::NoUser(subject.clone()))?;
    match asked.world.status(user) {
        Status::Pending => Err(Refusal::InvitationExpired(subject.clone())),
        Status::Active | Status::Inactive => Ok(user),
    }
}

fn list_users(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let page_ask = asked.page_ask(USERS_PAGE_MAX)?;
    let status = match asked.ask.text("status") {
        None => Status::Active,
        Some(name) => Status::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(Refusal::Validation("status"))?,
    };
    let world = asked.world;
    let with_host_key = asked.ask.text("include_fields") == Some("host_key");
    let total = world.count_of_status(status);
    let from = page_ask.from.ordinal;
    let found = world.users_of_status(status, from).take(page_ask.size + 1).zip(from..);
    let found = found.map(|(user, ordinal)| {
        let place = Cursor { ordinal, ..Cursor::default() };
        (place, records::listed_user(world, user, with_host_key))
    });
    let found = found.collect();
    let mut said = asked.page(found, page_ask, total, "users");
    said.body["page_number"] = json!(1);
    Ok(said)
}

fn get_user(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let user = user(asked)?;
    let account_id = &asked.account.credentials().account_id;
    Ok(Said::record(records::user_details(asked.world, user, account_id)))
}

fn list_meetings(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let page_ask = asked.page_ask(PAGE_MAX)?;
    let user = user(asked)?;
    let world = asked.world;
    if world.profile(user) == Profile::Barred {
        return Err(Refusal::MayNotHost);
    }
    let from = asked.day("from")?.unwrap_or(i64::MIN);
    let to = asked.day("to")?.unwrap_or(i64::MAX);
    let kind = asked.ask.text("type").unwrap_or("scheduled");
    let rows_of = |meeting: &Meeting| -> Result<usize, Refusal> {
        let is_scheduled = meeting.is_scheduled(world);
        match kind {
            "previous_meetings" => Ok(meeting.previous_rows(world, from, to)),
            "scheduled" => Ok(usize::from(is_scheduled && within(meeting, from, to))),
            "upcoming" | "upcoming_meetings" => {
                let upcoming = meeting.occurrences_s.last().is_none_or(|last| *last > world.now_s);
                Ok(usize::from(is_scheduled && upcoming))
            }
            "live" => Ok(0),
            _ => Err(Refusal::Validation("type")),
        }
    };
    let mut rows = Vec::new();
    for meeting in world.meetings(user) {
        for _ in 0..rows_of(&meeting)? {
            rows.push(records::listed_meeting(world, &meeting));
        }
    }
    let (found, total) = listing::places(rows, page_ask);
    let mut said = asked.page(found, page_ask, total, "meetings");
    said.body["page_number"] = json!(1);
    Ok(said)
}

/// Whether one of the times it is set for lies in the days; a series without times always does.
fn within(meeting: &Meeting, from: i64, to: i64) -> bool {
    let inside = |at_s: &i64| (from..=to).contains(&crate::time::day_of(*at_s));
    meeting.occurrences_s.is_empty() || meeting.occurrences_s.iter().any(inside)
}

fn get_meeting(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let subject = &asked.ask.subject;
    let missing = || Refusal::NoMeeting(subject.clone());
    let number = subject.parse().map_err(|_| missing())?;
    let meeting = asked.world.find_meeting(number).ok_or_else(missing)?;
    if matches!(meeting.kind, MeetingKind::Webinar(_)) {
        return Err(Refusal::IsWebinar);
    }
    if !meeting.is_alive(asked.world.now_s) {
        return Err(missing());
    }
    let record = match asked.ask.operation {
        Operation::GetInvitation => records::invitation(asked.world, &meeting),
        _ => records::meeting_details(asked.world, &meeting),
    };
    Ok(Said::record(record))
}
