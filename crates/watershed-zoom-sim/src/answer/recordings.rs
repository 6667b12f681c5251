//! Recordings: the lists of a user and of the account, and one instance's.

use serde_json::{Value, json};

use super::listing::{self, Cursor, PageAsk};
use super::operations::{Asked, Said, user};
use super::refusal::Refusal;
use crate::records;
use crate::time::date;
use crate::world::{Bin, Recording, Source, World};

const PAGE_MAX: usize = 300;
/// "One month" at most between `from` and `to`: what is longer is cut, not refused.
const RANGE_DAYS_MAX: i64 = 31;
/// Beyond so many users `total_records` of the account's list is what was found so far: a count
/// would make every recording of the account for each page.
const COUNTED_USERS_MAX: u64 = 2_000;

pub(super) fn list_of_user(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let page_ask = asked.page_ask(PAGE_MAX)?;
    let user = user(asked)?;
    let (from, to) = range(asked)?;
    let account_id = &asked.account.credentials().account_id;
    // Dates do not choose among what is in the trash.
    if asked.ask.text("trash") == Some("true") {
        let rows = trash_of(asked.world, user)
            .map(|found| records::recording(asked.world, &found, Source::UserList, account_id));
        let (found, total) = listing::places(rows.collect(), page_ask);
        return Ok(asked.page(found, page_ask, total, "meetings"));
    }
    let number = asked.ask.text("meeting_id").and_then(|number| number.parse::<i64>().ok());
    let rows: Vec<Value> = recordings_of(asked.world, user, from, to)
        .filter(|found| number.is_none_or(|number| found.meeting.number == number))
        .map(|found| records::recording(asked.world, &found, Source::UserList, account_id))
        .collect();
    let (found, total) = listing::places(rows, page_ask);
    let said = asked.page(found, page_ask, total, "meetings");
    Ok(echo(said, from, to))
}

pub(super) fn list_of_account(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let page_ask = asked.page_ask(PAGE_MAX)?;
    if asked.ask.subject != "me" {
        // A literal account id is for master accounts.
        let master = "cloud_recording:read:list_account_recordings:master";
        if !asked.account.scopes().iter().any(|scope| scope == master) {
            return Err(Refusal::Scope(vec![master.to_owned()]));
        }
    }
    let (from, to) = range(asked)?;
    let world = asked.world;
    let found = account_rows(asked, page_ask, from, to);
    let seen = page_ask.from.ordinal + found.len() as u64;
    let total = match page_ask.from.total {
        _ if found.len() <= page_ask.size => seen,
        0 if world.users <= COUNTED_USERS_MAX => {
            (0..world.users).map(|user| recordings_of(world, user, from, to).count() as u64).sum()
        }
        known => known.max(seen),
    };
    let said = asked.page(found, page_ask, total, "meetings");
    Ok(echo(said, from, to))
}

fn account_rows(asked: &Asked<'_>, page_ask: PageAsk, from: i64, to: i64) -> Vec<(Cursor, Value)> {
    let world = asked.world;
    let account_id = &asked.account.credentials().account_id;
    let start = page_ask.from;
    let mut found = Vec::new();
    let mut ordinal = start.ordinal;
    for user in start.user..world.users {
        let skip = if user == start.user { start.index } else { 0 };
        let recordings = recordings_of(world, user, from, to).zip(0_u64..);
        for (recording, index) in recordings.skip(skip as usize) {
            let place = Cursor { ordinal, user, index, total: 0 };
            let row = records::recording(world, &recording, Source::AccountList, account_id);
            found.push((place, row));
            ordinal += 1;
            if found.len() > page_ask.size {
                return found;
            }
        }
    }
    found
}

/// The recordings of a user whose instances began in these days.
pub(crate) fn recordings_of(
    world: &World,
    user: u64,
    from: i64,
    to: i64,
) -> impl Iterator<Item = Recording> + '_ {
    world.meetings(user).flat_map(move |meeting| {
        let instances = world.instances(&meeting);
        instances
            .into_iter()
            .filter(move |instance| (from..=to).contains(&instance.start_day()))
            .filter_map(move |instance| world.recording(&meeting, &instance))
    })
}

fn trash_of(world: &World, user: u64) -> impl Iterator<Item = Recording> + '_ {
    world.meetings(user).flat_map(move |meeting| {
        let instances = world.instances(&meeting);
        let trashed = instances.into_iter().filter(|i| world.bin(i.at) == Some(Bin::Trash));
        trashed.filter_map(move |instance| world.recorded(&meeting, &instance))
    })
}

pub(super) fn get_recording(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let recording = recorded(asked)?;
    let account_id = &asked.account.credentials().account_id;
    let mut record = records::recording(asked.world, &recording, Source::One, account_id);
    if asked.ask.text("include_fields") == Some("download_access_token") {
        let token = records::download_token(asked.world, &recording.instance.uuid);
        record["download_access_token"] = json!(token);
    }
    Ok(Said::record(record))
}

pub(super) fn get_settings(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let recording = recorded(asked)?;
    Ok(Said::record(records::recording_settings(asked.world, &recording)))
}

fn recorded(asked: &Asked<'_>) -> Result<Recording, Refusal> {
    let (world, subject) = (asked.world, &asked.ask.subject);
    let found = match subject.parse::<i64>() {
        Ok(number) => world.find_meeting(number).and_then(|meeting| {
            let latest = world.instances(&meeting).pop()?;
            Some((meeting, latest))
        }),
        Err(_) => world.find_instance(subject),
    };
    let (meeting, instance) = found.ok_or(Refusal::NoRecording)?;
    world.recording(&meeting, &instance).ok_or(Refusal::NoRecording)
}

/// The days that are listed: by default from today to tomorrow, a month at most, the last one.
fn range(asked: &Asked<'_>) -> Result<(i64, i64), Refusal> {
    let today = asked.world.today();
    let to = asked.day("to")?.unwrap_or(today + 1);
    let from = asked.day("from")?.unwrap_or(today.min(to));
    if from > to {
        return Err(Refusal::Validation("from"));
    }
    Ok((from.max(to - RANGE_DAYS_MAX), to))
}

fn echo(mut said: Said, from: i64, to: i64) -> Said {
    said.body["from"] = json!(date(from));
    said.body["to"] = json!(date(to));
    said
}
