//! What the sink knows already is not asked again: children expand from stored rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use watershed_ledger::{End, Leased, Outcome};
use watershed_model::{
    Child, Coverage, CoverageState, KNOWN, Kin, Lifetime, Millis, Operation, StepId, Unavailable,
};
use watershed_sink::{Ask as CoverageAsk, ListingKey};
use watershed_zoom::Request;

use crate::active::ActiveRun;
use crate::conclude::{self, Known};
use crate::letter::Trouble;
use crate::people::Told;
use crate::spawned::{Spawned, feeds};
use crate::task::{self, Ask, Done, Job, Todo, Tools};

/// Stored rows read at once.
const ROWS_AT_ONCE: u32 = 500;
/// How long a list of users that is read waits for the others before it looks again.
pub(crate) const LISTS_WAIT_MS: i64 = 500;

/// Asks the sink, in one query, what of a leased batch is known already, and turns those
/// jobs from asking to expanding.
///
/// # Errors
/// The sink's.
pub(crate) async fn mark(
    jobs: &mut [Job],
    tools: &Tools,
    now: Millis,
) -> Result<(), watershed_sink::Error> {
    let mut asks = Vec::new();
    let mut places = Vec::new();
    for (place, job) in jobs.iter().enumerate() {
        // A listing under way is known not to be complete.
        if let (Some(ask), None) = (question(&job.todo), &job.leased.checkpoint) {
            asks.push(coverage_ask(&job.run, job.run.operation(job.leased.step), &ask.request));
            places.push(place);
        }
    }
    if asks.is_empty() {
        return Ok(());
    }
    let found = tools.sink.covered(asks).await?;
    for (place, coverage) in places.into_iter().zip(found) {
        if let Some(coverage) = coverage {
            let wait_until = jobs[place].run.waits_until(tools.wait_until);
            turn(&mut jobs[place], coverage, wait_until, now);
        }
    }
    Ok(())
}

/// Asks the sink, in one query, which of the children that are about to be added need no call,
/// and marks those: they wait for no permit. What is marked is looked at again when it is leased.
///
/// # Errors
/// The sink's.
pub(crate) async fn foresee(
    children: &mut [(Arc<ActiveRun>, &mut Child)],
    tools: &Tools,
    now: Millis,
) -> Result<(), watershed_sink::Error> {
    let (mut asks, mut places) = (Vec::new(), Vec::new());
    for (place, (run, child)) in children.iter_mut().enumerate() {
        let operation = run.operation(child.step);
        let Some((with, request)) = task::first_request(run, child) else { continue };
        let early = watershed_zoom::not_before(operation, &with, now).is_some();
        if early || task::in_vain(operation, &with, run).is_some() {
            child.bucket = KNOWN;
            continue;
        }
        asks.push(coverage_ask(run, operation, &request));
        places.push((place, request));
    }
    if !asks.is_empty() {
        let found = tools.sink.covered(asks).await?;
        for ((place, request), coverage) in places.into_iter().zip(found) {
            let (run, child) = &mut children[place];
            let operation = run.operation(child.step);
            if coverage.is_some_and(|c| answers(&c, operation, run, &request, now)) {
                child.bucket = KNOWN;
            }
        }
    }
    loosen(children.iter_mut().map(|(_, child)| &mut **child));
    Ok(())
}

/// What is known is leased together with nothing; what was to be leased together with it goes
/// with what it was to go with.
fn loosen<'c>(children: impl IntoIterator<Item = &'c mut Child>) {
    let mut before: BTreeMap<StepId, bool> = BTreeMap::new();
    for child in children {
        let known = before.remove(&child.step);
        child.together &= known.unwrap_or(true);
        if child.bucket == KNOWN {
            before.insert(child.step, child.together);
            child.together = false;
        }
    }
}

/// The tasks to be among what a page brought.
pub(crate) fn children<'k>(kin: &'k mut [Kin], found: &mut Vec<&'k mut Child>) {
    for kin in kin {
        match kin {
            Kin::Task(child) => found.push(child),
            Kin::Scope { kin, .. } => children(kin, found),
        }
    }
}

pub(crate) fn coverage_ask(
    run: &ActiveRun,
    operation: &Operation,
    request: &Request,
) -> CoverageAsk {
    CoverageAsk {
        connection: run.connection().clone(),
        operation: operation.id.into(),
        subject: request.subject.clone(),
        from: request.window.as_ref().map(|w| w.from.to_string()),
    }
}

/// What is to be asked, or would be if it were not known to be in vain: what is complete stays
/// so when a scope is taken away.
fn question(todo: &Todo) -> Option<&Ask> {
    match todo {
        Todo::Ask(ask) => Some(ask),
        Todo::End(known) => match &**known {
            Known::NotGranted(ask) | Known::Stopped(ask, _) | Known::TooEarly(ask, _) => Some(ask),
            _ => None,
        },
        Todo::Known(..) => None,
    }
}

fn turn(job: &mut Job, coverage: Coverage, wait_until: Option<Millis>, now: Millis) {
    let Some(ask) = question(&job.todo) else { return };
    let operation = job.run.operation(job.leased.step);
    if !answers(&coverage, operation, &job.run, &ask.request, now) {
        // It died in this run, and the ledger was lost since.
        job.died |= coverage.state == CoverageState::Failed && coverage.run == job.run.id;
        return;
    }
    let ask = Box::new(Ask { with: ask.with.clone(), request: ask.request.clone() });
    job.todo = match coverage.state {
        CoverageState::Unavailable => Todo::End(Box::new(Known::Unavailable(ask))),
        CoverageState::Waiting if conclude::waited_for(coverage.retry_at, wait_until) => {
            let at = coverage.retry_at.unwrap_or(now);
            Todo::End(Box::new(Known::NotYet { at }))
        }
        // What is there already has children; only the rest is left to a later run.
        CoverageState::Waiting if coverage.rows == 0 => Todo::End(Box::new(Known::Waiting)),
        _ => Todo::Known(ask, Box::new(coverage)),
    };
}

/// Expands a task whose answer is stored: no call, the same children. `None` where the sink does
/// not know all that the answer brought: then it is asked again, rather than that children are
/// lost.
pub(crate) async fn replay(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    coverage: &Coverage,
    tools: &Tools,
) -> Option<Done> {
    let now = tools.clock.now();
    if let Some(people) = &run.people
        && people.withholds(run.operation(leased.step))
    {
        match people.learn(run, &*tools.sink).await {
            Ok(Told::All) => {}
            Ok(Told::NotYet) => {
                return Some(Done::of(leased, Outcome::NotYet { at: now + LISTS_WAIT_MS }));
            }
            Ok(Told::Never(why)) => {
                let trouble = Trouble::people(&why);
                return Some(conclude::dead(leased, run, None, trouble, now));
            }
            Err(_) => return Some(conclude::later(leased, now)),
        }
    }
    let records = if feeds(leased, run) && coverage.rows > 0 {
        match stored(leased, run, ask, tools).await {
            Ok(Some(records)) => records,
            Ok(None) => return None,
            Err(_) => return Some(conclude::later(leased, now)),
        }
    } else {
        Vec::new()
    };
    let spawned = Spawned::of(leased, run, &records, now);
    let end = match coverage.state {
        CoverageState::Waiting => End::Waiting,
        _ => End::Done,
    };
    let mut done = Done::of(leased, Outcome::Closed { broods: spawned.broods, end });
    done.failures = spawned.failures;
    if !spawned.coverage.is_empty() {
        done.write = Some(watershed_sink::Write {
            connection: run.connection().clone(),
            run: run.id.clone(),
            fetched_at: now,
            rows: Vec::new(),
            coverage: spawned.coverage,
            listing: None,
            part: None,
        });
    }
    Some(done)
}

async fn stored(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    tools: &Tools,
) -> Result<Option<Vec<Value>>, watershed_sink::Error> {
    let operation = run.operation(leased.step);
    let listing = ListingKey {
        connection: run.connection().clone(),
        dataset: operation.dataset.name.to_owned(),
        operation: operation.id.into(),
        subject: ask.request.subject.clone(),
        from: ask.request.window.as_ref().map(|w| w.from.to_string()),
        to: ask.request.window.as_ref().map(|w| w.to.to_string()),
    };
    let mut records = Vec::new();
    let mut after = None;
    loop {
        let Some(rows) = tools.sink.listed(listing.clone(), after, ROWS_AT_ONCE).await? else {
            return Ok(None);
        };
        let full = rows.len() == ROWS_AT_ONCE as usize;
        after = rows.last().map(|r| r.key.clone());
        records.extend(rows.iter().map(|row| watershed_zoom::item(operation, &row.record)));
        if !full {
            return Ok(Some(records));
        }
    }
}

/// Whether what coverage says of the question makes asking it again in vain.
fn answers(
    coverage: &Coverage,
    operation: &Operation,
    run: &ActiveRun,
    request: &Request,
    now: Millis,
) -> bool {
    let mine = coverage.run == run.id;
    // What lives is asked again for each event: it has changed since.
    if operation.lifetime == Lifetime::Living && (!mine || run.day_end.is_some()) {
        return false;
    }
    let wide_enough = match (&request.window, &coverage.to) {
        (None, _) => true,
        (Some(_), None) => false,
        // An instant begins with its day, so text compares right: a window that was cut at
        // the present counts within the run that cut it.
        (Some(window), Some(to)) => {
            to.as_str() >= window.to.to_string().as_str() || (mine && to.contains('T'))
        }
    };
    match coverage.state {
        CoverageState::Complete => wide_enough,
        CoverageState::Unavailable => {
            let reason = coverage.reason.as_deref().unwrap_or_default();
            let passing = [Unavailable::Tier, Unavailable::Role, Unavailable::Scope];
            mine || !passing.iter().any(|p| reason.starts_with(p.name()))
        }
        CoverageState::Waiting => coverage.retry_at.is_some_and(|at| now < at),
        CoverageState::Partial
        | CoverageState::Skipped
        | CoverageState::Excluded
        | CoverageState::Failed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of recordings: the number of the recording, and whether the file is known.
    fn together(files: &[(u8, bool)]) -> Vec<bool> {
        let mut before = None;
        let mut children: Vec<Child> = files
            .iter()
            .map(|(recording, known)| Child {
                step: StepId(0),
                item: String::new(),
                once: None,
                bucket: if *known { KNOWN } else { 0 },
                together: before.replace(*recording) == Some(*recording),
            })
            .collect();
        loosen(&mut children);
        children.iter().map(|child| child.together).collect()
    }

    #[test]
    fn files_of_one_recording_stay_together_without_those_that_are_known() {
        assert_eq!(together(&[(1, false), (1, true), (1, false)]), [false, false, true]);
        let two_known = [(1, false), (1, true), (1, true), (1, false)];
        assert_eq!(together(&two_known), [false, false, false, true]);
        // The first of a recording is known: the next is bound to nothing of the one before.
        assert_eq!(together(&[(1, false), (2, true), (2, false), (2, false)])[2..], [false, true]);
        assert_eq!(together(&[(1, true), (2, false), (2, false)]), [false, false, true]);
    }
}
