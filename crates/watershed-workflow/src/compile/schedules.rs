//! Schedules: their cron fields, zones and inputs.

use std::collections::BTreeMap;

use serde_json::Value;
use watershed_model::InputSpec;

use crate::code;
use crate::diagnostic::Findings;
use crate::schedule::{self, Missed, Overlap, Schedule, WrongCron, parse_cron};
use crate::source::At;
use crate::spec::{MissedDecl, OverlapDecl, ScheduleDecl, WorkflowSpec};
use crate::suggest;

/// The schedules of a workflow, in the order of the file.
pub(super) fn declare(
    spec: &WorkflowSpec,
    inputs: &[InputSpec],
    findings: &mut Findings,
) -> Vec<Schedule> {
    let mut schedules: Vec<Schedule> = Vec::new();
    for decl in &spec.schedule {
        let Some(found) = one(decl, inputs, &schedules, findings) else { continue };
        if schedules.iter().any(|above| above.key() == found.key()) {
            let message = format!("`{}` stands above already, with the same zone", found.cron);
            let help = "one of them is enough: it would be due whenever the other one is";
            let span = &decl.cron.span;
            findings.error(code::REPEATED_SCHEDULE, span, message, Some(help.to_owned()));
        }
        schedules.push(found);
    }
    schedules
}

fn one(
    decl: &ScheduleDecl,
    inputs: &[InputSpec],
    above: &[Schedule],
    findings: &mut Findings,
) -> Option<Schedule> {
    let cron = parse_cron(&decl.cron.value).map_err(|wrong| refuse(wrong, &decl.cron, findings));
    let timezone = decl.timezone.as_ref().map_or("UTC", |zone| &zone.value);
    let zone = schedule::zone(timezone);
    if let (None, Some(named)) = (&zone, &decl.timezone) {
        let message = format!("there is no time zone `{timezone}`");
        let names = schedule::zone_names();
        let help = suggest::instead(timezone, names.iter().map(String::as_str));
        findings.error(code::TIMEZONE, &named.span, message, help);
    }
    let given = given(decl, inputs, findings);
    let (fields, cron) = cron.ok()?;
    Some(Schedule {
        timezone: timezone.to_owned(),
        missed: match decl.missed.as_ref().map(|word| word.value) {
            None | Some(MissedDecl::RunOnce) => Missed::RunOnce,
            Some(MissedDecl::RunAll) => Missed::RunAll,
            Some(MissedDecl::Skip) => Missed::Skip,
        },
        overlap: match decl.overlap.as_ref().map(|word| word.value) {
            None | Some(OverlapDecl::Skip) => Overlap::Skip,
            Some(OverlapDecl::Queue) => Overlap::Queue,
            Some(OverlapDecl::CancelPrevious) => Overlap::CancelPrevious,
        },
        inputs: given,
        jitter_ms: decl.jitter.as_ref().map_or(0, |jitter| jitter.value),
        wall: schedule::Wall::new(&fields, cron, zone?),
        cron: fields,
        above: above.iter().map(|above| above.wall.clone()).collect(),
    })
}

fn refuse(wrong: WrongCron, cron: &At<String>, findings: &mut Findings) {
    let (message, help) = match wrong {
        WrongCron::Fields(n) => (
            format!("`cron` has five fields, not {n}"),
            "minute, hour, day of month, month, day of week: `0 2 * * *` is every night at two",
        ),
        WrongCron::Field(why) => (
            format!("`{}` cannot be read: {why}", cron.value),
            "minute 0-59, hour 0-23, day 1-31, month 1-12 or JAN-DEC, day of week 0-7 or SUN-SAT",
        ),
        WrongCron::Never => {
            (format!("`{}` is never due", cron.value), "its days are in none of its months")
        }
    };
    findings.error(code::CRON, &cron.span, message, Some(help.to_owned()));
}

/// The inputs that it gives, as text.
fn given(
    decl: &ScheduleDecl,
    inputs: &[InputSpec],
    findings: &mut Findings,
) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    for (name, value) in &decl.inputs {
        let Some(input) = inputs.iter().find(|input| input.name == name.value) else {
            let message = format!("the workflow has no input `{}`", name.value);
            let help = suggest::instead(&name.value, inputs.iter().map(|i| i.name.as_str()));
            findings.error(code::UNKNOWN_NAME, &name.span, message, help);
            continue;
        };
        super::inputs::check(&input.kind, "the value", value, findings);
        let text = match &value.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        given.insert(name.value.clone(), text);
    }
    for input in inputs.iter().filter(|input| input.default.is_none()) {
        if !given.contains_key(&input.name) {
            let message = format!("the input `{}` has no default, and no value here", input.name);
            let help =
                format!("nobody is asked when a tick is due: `inputs: {{ {}: … }}`", input.name);
            findings.error(code::MISSING_KEY, &decl.cron.span, message, Some(help));
        }
    }
    given
}
