//! Past meetings, instances, participants and reports.

use serde_json::{Value, json};

use super::listing;
use super::operations::{Asked, Said};
use super::refusal::Refusal;
use crate::faults::Fault;
use crate::operation::Operation;
use crate::records;
use crate::time::{DAY_S, day_of};
use crate::world::{Instance, Meeting};

const PAGE_MAX: usize = 300;

pub(super) fn list_instances(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let subject = &asked.ask.subject;
    let missing = || Refusal::NoMeeting(subject.clone());
    let number = subject.parse().map_err(|_| missing())?;
    let meeting = asked.world.find_meeting(number).ok_or_else(missing)?;
    if !meeting.kind.is_meeting() {
        return Err(missing());
    }
    let days = match (asked.day("from")?, asked.day("to")?) {
        (Some(from), Some(to)) => from..=to,
        _ => i64::MIN..=i64::MAX,
    };
    let reach = asked.world.instances_from_day();
    let rows: Vec<Value> = asked
        .world
        .instances(&meeting)
        .iter()
        .filter(|instance| instance.start_day() >= reach && days.contains(&instance.start_day()))
        .map(records::instance_row)
        .collect();
    let total = Some(rows.len() as u64);
    Ok(Said { body: json!({ "meetings": rows }), total, ordinal: 0, is_whole: true })
}

pub(super) fn get_past_meeting(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let (meeting, instance) = told(asked)?;
    Ok(Said::record(records::past_meeting(asked.world, &meeting, &instance)))
}

pub(super) fn report_meeting(asked: &mut Asked<'_>) -> Result<Said, Refusal> {
    let (meeting, instance) = told(asked)?;
    if asked.world.participants_count(&meeting, &instance) < 2 {
        return Err(Refusal::NoMeeting(asked.ask.subject.clone()));
    }
    if is_late(asked, &instance) {
        return Err(Refusal::ReportNotYet(asked.ask.subject.clone()));
    }
    Ok(Said::record(records::report_meeting(asked.world, &meeting, &instance)))
}

pub(super) fn list_participants(asked: &mut Asked<'_>, is_report: bool) -> Result<Said, Refusal> {
    let page_ask = asked.page_ask(PAGE_MAX)?;
    let (meeting, instance) = told(asked)?;
    let world = asked.world;
    let mut stays = world.stays(&meeting, &instance);
    if world.participants_count(&meeting, &instance) < 2 {
        if world.habits.one_person_is_missing {
            return Err(Refusal::NoMeeting(asked.ask.subject.clone()));
        }
        stays.clear();
    }
    let is_late = is_report && page_ask.is_first && is_late(asked, &instance);
    if is_late && instance.at.of.meeting % 2 == 0 {
        return Err(Refusal::ReportNotYet(asked.ask.subject.clone()));
    }
    let with_registrant = asked.ask.text("include_fields") == Some("registrant_id");
    let mut rows = Vec::with_capacity(stays.len());
    for stay in &stays {
        let mut row = match is_report {
            true => records::report_participant(world, stay, with_registrant),
            false => records::past_participant(world, stay),
        };
        if is_late {
            row["duration"] = json!(0);
        }
        rows.push(row);
    }
    let (found, total) = listing::places(rows, page_ask);
    let mut said = asked.page(found, page_ask, total, "participants");
    said.is_whole = !is_late;
    Ok(said)
}

/// The instance that is asked about, if it may be told of: by UUID, or the latest of a number.
fn told(asked: &Asked<'_>) -> Result<(Meeting, Instance), Refusal> {
    let (world, subject) = (asked.world, &asked.ask.subject);
    let found = match subject.parse::<i64>() {
        Ok(number) => world.find_meeting(number).and_then(|meeting| {
            let latest = world.instances(&meeting).pop()?;
            Some((meeting, latest))
        }),
        Err(_) => world.find_instance(subject),
    };
    let (meeting, instance) = found.ok_or_else(|| Refusal::NoMeeting(subject.clone()))?;
    if !meeting.kind.is_meeting() {
        return Err(Refusal::NoMeeting(subject.clone()));
    }
    let reach = match asked.ask.operation {
        Operation::ListPastParticipants => world.instances_from_day(),
        _ => world.told_from_day(),
    };
    if day_of(instance.start_s) < reach {
        return Err(Refusal::TooOld);
    }
    Ok((meeting, instance))
}

/// Whether this report is not there yet: once for each instance that ended within a day.
fn is_late(asked: &mut Asked<'_>, instance: &Instance) -> bool {
    let is_recent = instance.end_s + DAY_S > asked.world.now_s;
    let what = format!("{} {}", asked.ask.operation.name(), instance.uuid);
    let late =
        is_recent && asked.faults.fires(Fault::LateReport) && asked.account.is_first_time(&what);
    if late {
        asked.fired.push(Fault::LateReport);
    }
    late
}
