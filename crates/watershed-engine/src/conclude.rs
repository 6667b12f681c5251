//! From a verdict to what is written and settled. Pure: time and chance are arguments.

use watershed_ledger::{Checkpoint, End, Leased, Outcome, Repeat, Settle};
use watershed_model::{
    Brood, CoverageState, Kind, Millis, OnUnavailable, Operation, Page, Paging, RetryCause,
    Throttle, Unavailable, Unfit, Verdict,
};
use watershed_sink::Gone;
use watershed_zoom::{Request, gone};

use crate::active::{ActiveRun, Stopped};
use crate::entry::Entry;
use crate::files::Bar;
use crate::letter::{Trouble, letter};
use crate::people::{self, RunPeople};
use crate::spawned::Spawned;
use crate::task::{Ask, Asked, Done, Spent, repeat_of};

/// Pages of one listing at most: three million rows. A listing that goes on longer goes in a
/// circle.
const PAGES_MAX: u32 = 10_000;
/// While nobody answers at all a call is tried again after this, and a while by chance.
const DOWN_WAIT_MS: i64 = 10_000;
/// Files are tried again at whole ones of these.
const ALIKE_MS: i64 = 250;
/// After a fatal verdict the task waits this long; the lane is paused meanwhile.
const FATAL_WAIT_MS: i64 = 5_000;

/// When a call was made, and chance for its delays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// When the call started.
    pub(crate) first_at: Millis,
    /// When the answer was read.
    pub(crate) now: Millis,
    /// 64 random bits.
    pub(crate) chance: u64,
    /// Until when answers that are not there yet are waited for.
    pub(crate) wait_until: Option<Millis>,
}

/// An end that is known without a call.
pub(crate) enum Known {
    /// A dead letter, of that question where there is one.
    Dead(Trouble, Option<Box<Ask>>),
    /// Its condition is false.
    Skipped,
    /// The customer did not agree to it.
    Excluded(Box<Ask>, Bar),
    /// Its scope was not granted.
    NotGranted(Box<Ask>),
    /// Asking is known to be in vain.
    Stopped(Box<Ask>, Stopped),
    /// Asked already, and not to be had.
    Unavailable(Box<Ask>),
    /// Asked already, and not there yet.
    Waiting,
    /// It cannot be final before then.
    TooEarly(Box<Ask>, Millis),
    /// Asked already, not there yet, and waited for.
    NotYet {
        /// When it is asked again.
        at: Millis,
    },
}

/// The end of a task that needed no call.
pub(crate) fn known(
    leased: &Leased,
    run: &ActiveRun,
    known: Known,
    now: Millis,
    wait_until: Option<Millis>,
) -> Done {
    match known {
        Known::Dead(trouble, ask) => {
            dead(leased, run, ask.as_ref().map(|ask| &ask.request), trouble, now)
        }
        Known::Skipped => closed(leased, End::Skipped, Vec::new()),
        Known::Waiting => closed(leased, End::Waiting, Vec::new()),
        Known::NotYet { at } => Done::of(leased, Outcome::NotYet { at }),
        Known::TooEarly(ask, at) => {
            let mut done = match waited_for(Some(at), wait_until) {
                true => Done::of(leased, Outcome::NotYet { at }),
                false => closed(leased, End::Waiting, Vec::new()),
            };
            let why = Some("not final so soon".to_owned());
            let entry = Entry::new(run, leased, &ask.request, now);
            let mut write = entry.state(CoverageState::Waiting, why);
            write.coverage.iter_mut().for_each(|coverage| coverage.retry_at = Some(at));
            done.write = Some(write);
            done
        }
        Known::Unavailable(ask) => {
            let mut done = closed(leased, End::Unavailable, Vec::new());
            beneath_unavailable(leased, run, &ask, &mut done, now);
            done
        }
        Known::Excluded(ask, bar) => {
            let reason = match bar {
                Bar::Consent(content) => format!("consent: {}", content.name()),
                Bar::Redact => "redact: what is said in a file cannot be redacted".to_owned(),
                Bar::Names => "users: a text may name people who are left out".to_owned(),
                Bar::LeftOut => people::LEFT_OUT.to_owned(),
            };
            let mut done = closed(leased, End::Skipped, Vec::new());
            let mut request = ask.request;
            if let Some(people) = &run.people {
                request.subject = people.subject(&ask.with, &request.subject);
            }
            let entry = Entry::new(run, leased, &request, now);
            done.write = Some(entry.state(CoverageState::Excluded, Some(reason)));
            done
        }
        Known::NotGranted(ask) => {
            let operation = run.operation(leased.step);
            let scope = operation.scopes.first().copied().unwrap_or_default();
            unavailable(leased, run, &ask, Unavailable::Scope, scope, now, 0)
        }
        Known::Stopped(ask, stopped) => {
            unavailable(leased, run, &ask, stopped.why, &stopped.message, now, 0)
        }
    }
}

/// What a verdict comes to.
pub(crate) fn asked(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    asked: Asked,
    moment: Moment,
) -> Done {
    let Asked { mut verdict, spent: Spent { calls, heard, room } } = asked;
    let operation = run.operation(leased.step);
    // What is written is as old as its call: of a worker that stood still after it, what another
    // one has written meanwhile is newer.
    let Moment { first_at: at, now, .. } = moment;
    let mut left_out = Vec::new();
    if let Verdict::Data(page) | Verdict::Waiting { page: Some(page), .. } = &mut verdict {
        if let Some(people) = &run.people {
            left_out = people.page(operation, page);
        }
        run.link.connection.redact.page(page);
    }
    if let Some(message) = once_more(leased, run, &verdict) {
        verdict = Verdict::Retry { cause: RetryCause::BadBody, message };
    }
    let gone = gone::proved(operation, &ask.with, &verdict);
    let mut done = match verdict {
        Verdict::Data(page) => read(leased, run, ask, page, moment),
        Verdict::Empty => read(leased, run, ask, Page::default(), moment),
        Verdict::Waiting { retry_at, deadline, why, page } if now < deadline => {
            waiting(leased, run, ask, page, (retry_at, why), moment)
        }
        Verdict::Waiting { why, page, .. } => match page {
            // Past its deadline what is there is final.
            Some(page) => read(leased, run, ask, page, moment),
            None => unavailable(leased, run, ask, Unavailable::NeverCame, &why, at, 1),
        },
        Verdict::Unavailable { why, message } => {
            if why.stops_step() {
                run.link.stop(operation.id, why, &message);
            }
            unavailable(leased, run, ask, why, &message, at, 1)
        }
        Verdict::ScopeMissing(scopes) => {
            let message = scopes.join(" or ");
            run.link.stop(operation.id, Unavailable::Scope, &message);
            unavailable(leased, run, ask, Unavailable::Scope, &message, at, 1)
        }
        // Refused to the last attempt, each with a fresh address: it is not for us.
        Verdict::Retry { cause: RetryCause::Token, message }
            if operation.kind == Kind::File
                && leased.attempts + 1 >= run.program.plan().step(leased.step).retry.attempts =>
        {
            unavailable(leased, run, ask, Unavailable::NotAccessible, &message, at, 1)
        }
        Verdict::Retry { cause, message } => again(leased, run, ask, cause, message, moment),
        Verdict::Wait(throttle) => throttled(leased, throttle, moment),
        // It costs an attempt: an operation that refuses every token must not go on for ever.
        Verdict::Token { message } => again(leased, run, ask, RetryCause::Token, message, moment),
        Verdict::Restart => restarted(leased, run, ask, at),
        Verdict::Dead { http, code, message } => {
            dead(leased, run, Some(&ask.request), Trouble::answer(http, code, message), at)
        }
        Verdict::Fatal { message } => fatal(leased, message, now),
    };
    done.settle.calls = calls;
    done.settle.heard = heard;
    done.gone = gone
        .into_iter()
        .map(|gone::GoneRows { dataset, column, value }| Gone {
            connection: run.connection().clone(),
            dataset,
            column,
            value,
            at,
        })
        .collect();
    if let Some(write) = &mut done.write {
        write.coverage.extend(RunPeople::coverage(&left_out, run, at));
    }
    done.left_out = RunPeople::left_out(&left_out, run, at);
    done.room = room;
    if operation.kind == Kind::File && done.settle.least > 0 {
        // A file costs nothing that is counted; reading its recording does, once for all files.
        done.settle.least = u64::from(calls);
    }
    if calls > 0 && done.settle.repeats.is_none() {
        done.settle.repeats = repeat_of(leased);
    }
    done
}

impl Done {
    /// Settles with that outcome, writes nothing.
    pub(crate) fn of(leased: &Leased, outcome: Outcome) -> Done {
        let settle = Settle::after(0, leased.fence, outcome);
        Done {
            write: None,
            failures: Vec::new(),
            healed: None,
            gone: Vec::new(),
            left_out: Vec::new(),
            settle,
            fatal: None,
            late_ms: None,
            room: None,
        }
    }
}

/// Given back, not started.
pub(crate) fn released(leased: &Leased) -> Done {
    Done::of(leased, Outcome::Released)
}

/// The connection cannot go on.
pub(crate) fn fatal(leased: &Leased, why: String, now: Millis) -> Done {
    let mut done = retry(leased, now + FATAL_WAIT_MS, false);
    done.fatal = Some(why);
    done
}

/// There is no token now.
pub(crate) fn later(leased: &Leased, now: Millis) -> Done {
    retry(leased, now + FATAL_WAIT_MS, false)
}

/// A call that no handler brought to an end: it took too long, or the handler broke.
pub(crate) fn broken(leased: &Leased, run: &ActiveRun, why: String, moment: Moment) -> Done {
    let mut done = delayed(leased, run, None, RetryCause::Transport, why, moment);
    done.settle.calls = 1;
    done
}

fn closed(leased: &Leased, end: End, broods: Vec<Brood>) -> Done {
    Done::of(leased, Outcome::Closed { broods, end })
}

fn retry(leased: &Leased, at: Millis, counts: bool) -> Done {
    Done::of(leased, Outcome::Retry { at, counts })
}

/// Why a page is asked for once more: some of its records cannot be stored. If they are so again,
/// the others are taken.
fn once_more(leased: &Leased, run: &ActiveRun, verdict: &Verdict) -> Option<String> {
    let attempts = run.program.plan().step(leased.step).retry.attempts;
    match verdict {
        Verdict::Data(Page { unfit: Some(Unfit { here: true, told }), .. })
            if leased.attempts == 0 && attempts > 1 =>
        {
            Some(told.clone())
        }
        _ => None,
    }
}

/// How old a page is. A clock that was set back between two pages makes neither of them older than
/// the other.
fn written_at(before: Option<&Checkpoint>, moment: Moment) -> Millis {
    before.map_or(moment.first_at, |before| moment.first_at.max(before.token_at))
}

/// A page: rows, coverage, children.
fn read(leased: &Leased, run: &ActiveRun, ask: &Ask, page: Page, moment: Moment) -> Done {
    let operation = run.operation(leased.step);
    let before = leased.checkpoint.as_ref();
    if page.next.is_some() && before.is_some_and(|c| c.pages >= PAGES_MAX) {
        let message = format!("the listing does not end after {PAGES_MAX} pages");
        let trouble = Trouble::answer(200, None, message);
        return dead(leased, run, Some(&ask.request), trouble, moment.first_at);
    }
    let rows = before.map_or(0, |c| c.rows) + page.records;
    let first_at = before.map_or(moment.first_at, |c| c.first_at);
    let at = written_at(before, moment);
    let entry = Entry::new(run, leased, &ask.request, at).page(operation, before.is_none(), rows);
    let withheld = run.people.as_ref().is_some_and(|people| people.withholds(operation));
    let spawned = match withheld {
        true => Spawned::default(),
        false => Spawned::of_rows(leased, run, &page.rows, at),
    };
    // A listing with records that are unfit is a dead letter at its end, when all else is there.
    let next = page.next.or_else(|| page.unfit.as_ref().map(|l| watershed_zoom::ended(&l.told)));
    let (outcome, mut write, least) = match next {
        Some(token) => {
            let checkpoint = Checkpoint {
                token,
                // The next page is not older than this one, whatever the clock did meanwhile.
                token_at: moment.now.max(at),
                first_at,
                pages: before.map_or(0, |c| c.pages) + 1,
                rows,
            };
            let why = page.unfit.map_or_else(|| "more pages follow".to_owned(), |unfit| unfit.told);
            let write = entry.state(CoverageState::Partial, Some(why));
            (Outcome::More { broods: spawned.broods, checkpoint }, write, 0)
        }
        None => {
            let write = match page.narrowed {
                Some(narrowed) => entry.state(CoverageState::Partial, Some(narrowed)),
                None => entry.known_until(first_at).state(CoverageState::Complete, None),
            };
            let outcome = match withheld {
                // Its branches are made of the stored rows, once all such lists are read.
                true => Outcome::NotYet { at: moment.now },
                false => Outcome::Closed { broods: spawned.broods, end: End::Done },
            };
            (outcome, write, least_calls(operation, rows))
        }
    };
    write.rows = page.rows;
    write.coverage.extend(spawned.coverage);
    let mut done = Done::of(leased, outcome);
    done.settle.least = least;
    done.failures = spawned.failures;
    done.write = Some(write);
    done
}

fn waiting(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    page: Option<Page>,
    (retry_at, why): (Millis, String),
    moment: Moment,
) -> Done {
    let before = leased.checkpoint.as_ref();
    let rows = before.map_or(0, |c| c.rows) + page.as_ref().map_or(0, |page| page.records);
    let at = written_at(before, moment);
    let mut write = Entry::new(run, leased, &ask.request, at)
        .page(run.operation(leased.step), before.is_none(), rows)
        .known_until(before.map_or(moment.first_at, |c| c.first_at))
        .state(CoverageState::Waiting, Some(why));
    for coverage in &mut write.coverage {
        coverage.retry_at = Some(retry_at);
    }
    if waited_for(Some(retry_at), moment.wait_until) {
        // Its children come when all of them are there: a record that is there by half has
        // brought none that a later answer could complete.
        write.rows = page.map_or_else(Vec::new, |p| p.rows);
        let mut done = Done::of(leased, Outcome::NotYet { at: retry_at });
        done.settle.repeats = Some(Repeat::NotYet);
        done.write = Some(write);
        return done;
    }
    write.rows = page.map_or_else(Vec::new, |p| p.rows);
    let spawned = Spawned::of_rows(leased, run, &write.rows, at);
    write.coverage.extend(spawned.coverage);
    let mut done = closed(leased, End::Waiting, spawned.broods);
    done.failures = spawned.failures;
    done.settle.least = least_calls(run.operation(leased.step), rows);
    done.write = Some(write);
    done
}

/// Whether what is asked again then is waited for.
pub(crate) fn waited_for(retry_at: Option<Millis>, wait_until: Option<Millis>) -> bool {
    retry_at.is_some_and(|at| wait_until.is_some_and(|until| at <= until))
}

fn unavailable(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    why: Unavailable,
    message: &str,
    now: Millis,
    least: u64,
) -> Done {
    let mut done = closed(leased, End::Unavailable, Vec::new());
    let reason = if message.is_empty() {
        why.name().to_owned()
    } else {
        format!("{}: {message}", why.name())
    };
    let entry = Entry::new(run, leased, &ask.request, now);
    done.write = Some(entry.state(CoverageState::Unavailable, Some(reason)));
    done.settle.least = least;
    beneath_unavailable(leased, run, ask, &mut done, now);
    done
}

/// `on_unavailable: continue`: the steps beneath get the item, with own fields null.
fn beneath_unavailable(leased: &Leased, run: &ActiveRun, ask: &Ask, done: &mut Done, now: Millis) {
    let plan = run.program.plan();
    if plan.step(leased.step).on_unavailable != OnUnavailable::Continue {
        return;
    }
    let mut spawned = Spawned::default();
    match run.program.expand_unavailable(&run.context, leased.step, &leased.item) {
        Ok(expanded) => spawned.take(run, expanded, now),
        Err(error) => spawned.failures.push(letter(
            leased,
            run,
            Some(&ask.request),
            Trouble::expression(&error),
            now,
        )),
    }
    if let Outcome::Closed { broods, .. } = &mut done.settle.outcome {
        broods.extend(spawned.broods);
    }
    done.failures.extend(spawned.failures);
    if let Some(write) = &mut done.write {
        write.coverage.extend(spawned.coverage);
    } else if !spawned.coverage.is_empty() {
        let mut write = Entry::new(run, leased, &ask.request, now).write();
        write.coverage = spawned.coverage;
        done.write = Some(write);
    }
}

fn again(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    cause: RetryCause,
    message: String,
    moment: Moment,
) -> Done {
    delayed(leased, run, Some(&ask.request), cause, message, moment)
}

fn delayed(
    leased: &Leased,
    run: &ActiveRun,
    request: Option<&Request>,
    cause: RetryCause,
    message: String,
    moment: Moment,
) -> Done {
    let policy = &run.program.plan().step(leased.step).retry;
    let (operation, reach) = (run.operation(leased.step), &run.link.reach);
    if cause == RetryCause::Transport && reach.is_down(operation.id, moment.now) {
        // Nobody there: no task's fault, and no task's end.
        let wait_ms = DOWN_WAIT_MS + i64::try_from(moment.chance % 10_000).unwrap_or(0);
        let mut done = retry(leased, alike(operation, moment.now + wait_ms), false);
        done.settle.repeats = Some(Repeat::Retry(cause));
        return done;
    }
    if leased.attempts + 1 >= policy.attempts {
        let message = match cause {
            RetryCause::Transport if reach.is_alone(operation.id) => {
                format!("{message}; no call of {} is answered, while others are", operation.id)
            }
            _ => message,
        };
        return dead(leased, run, request, Trouble::attempts(cause, message), moment.first_at);
    }
    let delay = crate::delay::delay_ms(policy, leased.attempts, moment.chance);
    let mut done = retry(leased, alike(operation, moment.now + delay), true);
    done.settle.repeats = Some(Repeat::Retry(cause));
    done
}

/// When a call is tried again. Files of one recording that was read in vain hear of it one after
/// the other, and come back at one time all the same: one reading serves them again.
fn alike(operation: &Operation, at: Millis) -> Millis {
    match operation.kind {
        Kind::File => Millis((at.0.div_euclid(ALIKE_MS) + 1) * ALIKE_MS),
        _ => at,
    }
}

/// The listing begins again, as often as a call is tried.
fn restarted(leased: &Leased, run: &ActiveRun, ask: &Ask, now: Millis) -> Done {
    if leased.restarts + 1 >= run.program.plan().step(leased.step).retry.attempts {
        let times = leased.restarts + 1;
        let message = format!("its page token was refused {times} times: the listing never ends");
        return dead(leased, run, Some(&ask.request), Trouble::restarts(message), now);
    }
    Done::of(leased, Outcome::Restart)
}

fn throttled(leased: &Leased, throttle: Throttle, moment: Moment) -> Done {
    let jitter = i64::try_from(moment.chance % 1_000).unwrap_or(0);
    let mut done = retry(leased, throttle.until + jitter, false);
    done.settle.throttle = Some(throttle);
    done.settle.repeats = Some(Repeat::Retry(RetryCause::RateLimit));
    done
}

pub(crate) fn dead(
    leased: &Leased,
    run: &ActiveRun,
    request: Option<&Request>,
    trouble: Trouble,
    now: Millis,
) -> Done {
    let mut done = Done::of(leased, Outcome::Failed);
    let letter = letter(leased, run, request, trouble, now);
    if let Some(request) = request {
        let reason = Some(letter.message.clone());
        let mut write = Entry::new(run, leased, request, now).state(CoverageState::Failed, reason);
        write.coverage[0].rows = leased.checkpoint.as_ref().map_or(0, |before| before.rows);
        done.write = Some(write);
    }
    done.failures.push(letter);
    done
}

/// The least calls that `rows` rows of a listing could have cost: pages of 300, one at least.
fn least_calls(operation: &Operation, rows: u64) -> u64 {
    match operation.paging {
        Paging::None => 1,
        Paging::Token { .. } => rows.div_ceil(300).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_old_as_its_call_and_not_older_than_the_page_before() {
        let moment = |asked_at| Moment {
            first_at: asked_at,
            now: asked_at + 70,
            chance: 0,
            wait_until: None,
        };
        let asked_at = Millis(1_000_000);
        assert_eq!(written_at(None, moment(asked_at)), asked_at);

        let before = Checkpoint {
            token: "t".to_owned(),
            token_at: asked_at + 70,
            first_at: asked_at,
            pages: 1,
            rows: 300,
        };
        let (later, set_back) = (asked_at + 90, asked_at + -15_000);
        assert_eq!(written_at(Some(&before), moment(later)), later);
        assert_eq!(written_at(Some(&before), moment(set_back)), asked_at + 70);
    }
}
