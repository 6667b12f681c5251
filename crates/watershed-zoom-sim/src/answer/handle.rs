//! Handling: one call from arrival to answer, and into the statistics.

use jiff::Timestamp;

use super::operations::{Asked, Said};
use super::refusal::{self, Refusal};
use super::route::{Ask, Route, route};
use super::{download, fault, operations, token};
use crate::account::Account;
use crate::exchange::{Answer, Call};
use crate::faults::{Fault, FaultDraws};
use crate::limits::{Admission, LimitSpec, Window};
use crate::operation::Operation;
use crate::spec::{Spec, Tier};
use crate::stats::Outcome;
use crate::world::World;

/// Answers a call that arrives at `now`.
pub(crate) fn handle(account: &Account, call: &Call, now: Timestamp) -> Answer {
    let faults = account.draws();
    let now_s = now.as_second();
    match route(&call.target) {
        // All that is simulated only reads.
        Route::Api(_) | Route::Download { .. } if call.method != "GET" => {
            account.tally().count("unknown", 404);
            Refusal::NotRecognized.answer()
        }
        Route::Token => {
            let answer = token::issue(account, call, &faults, now_s);
            account.tally().count("token", answer.status);
            answer
        }
        Route::Stats => Answer::of_json(200, &serde_json::json!(account.stats())),
        Route::Unknown => {
            account.tally().count("unknown", 404);
            Refusal::NotRecognized.answer()
        }
        Route::Unreadable(operation) => {
            let id = call.target.clone();
            let answer = match arrive(account, call, operation, &faults, now) {
                Ok(_) => Refusal::NoMeeting(id).answer(),
                Err(answer) => answer,
            };
            account.tally().count(operation.name(), answer.status);
            answer
        }
        Route::Download { sealed, redirected } => {
            fetch(account, call, &sealed, redirected, &faults, now)
        }
        Route::Api(ask) => api(account, call, &ask, &faults, now),
    }
}

fn fetch(
    account: &Account,
    call: &Call,
    sealed: &str,
    redirected: bool,
    faults: &FaultDraws<'_>,
    now: Timestamp,
) -> Answer {
    let name = Operation::Download.name();
    let answer = fault::instead(account, faults)
        .unwrap_or_else(|| download::download(account, call, sealed, redirected, now.as_second()));
    let answer = fault::on_the_way(account, faults, answer);
    let is_whole =
        answer.status == 200 && answer.cut_at.is_none() && answer.header("etag").is_some();
    let mut tally = account.tally();
    tally.count(name, answer.status);
    if is_whole {
        tally.record(
            Operation::Download,
            &format!("{name} {sealed}"),
            Outcome::Whole { ordinal: 0, total: None },
        );
    }
    answer
}

fn api(
    account: &Account,
    call: &Call,
    ask: &Ask,
    faults: &FaultDraws<'_>,
    now: Timestamp,
) -> Answer {
    let operation = ask.operation;
    let admission = match arrive(account, call, operation, faults, now) {
        Ok(admission) => admission,
        Err(answer) => {
            account.tally().count(operation.name(), answer.status);
            return answer;
        }
    };
    if let Some(answer) = fault::instead(account, faults) {
        let answer = fault::on_the_way(account, faults, answer);
        account.tally().count(operation.name(), answer.status);
        return answer;
    }
    let world = account.world();
    let (answer, outcome) = match judge(account, &world, ask, faults, now) {
        Ok(said) => {
            let outcome = if said.is_whole {
                Outcome::Whole { ordinal: said.ordinal, total: said.total }
            } else {
                Outcome::NotYet
            };
            (Answer::of_json(200, &said.body), outcome)
        }
        Err(Stop::Forbidden) => (fault::forbidden(), Outcome::Refused),
        Err(Stop::Refused(refusal)) => {
            let outcome = outcome_of(account, ask, &refusal);
            (refusal.answer(), outcome)
        }
    };
    let whole_length = answer.body.len();
    let answer = fault::on_the_way(account, faults, answer);
    let arrives = answer.cut_at.is_none() && answer.body.len() == whole_length;
    let mut tally = account.tally();
    tally.count(operation.name(), answer.status);
    let is_lost = !arrives && matches!(outcome, Outcome::Whole { .. } | Outcome::Refused);
    let outcome = if is_lost { Outcome::NotYet } else { outcome };
    if is_report_in_vain(&world, ask) {
        tally.note_report_in_vain();
    } else {
        tally.record(operation, &ask.listing(), outcome);
    }
    drop(tally);
    with_limit_headers(account.spec(), answer, &admission)
}

enum Stop {
    Forbidden,
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

fn judge(
    account: &Account,
    world: &World,
    ask: &Ask,
    faults: &FaultDraws<'_>,
    now: Timestamp,
) -> Result<Said, Stop> {
    let operation = ask.operation;
    if !account.grants(operation) {
        let scopes = operation.scopes().iter().map(|scope| (*scope).to_owned()).collect();
        return Err(Refusal::Scope(scopes).into());
    }
    if account.spec().tier == Tier::Free && operation.is_paid() {
        return Err(Refusal::PaidOnly(account.credentials().account_id.clone()).into());
    }
    if account.spec().faults.rate(Fault::Html403) > 0.0 && is_forbidden(world, ask) {
        account.note_fault(Fault::Html403);
        return Err(Stop::Forbidden);
    }
    if ask.text("next_page_token").is_some() && faults.fires(Fault::PageTokenExpires) {
        account.note_fault(Fault::PageTokenExpires);
        return Err(Refusal::PageToken.into());
    }
    let now_s = now.as_second();
    let faults = *faults;
    let mut asked = Asked { account, world, ask, faults, fired: Vec::new(), now_s };
    let said = operations::answer(&mut asked);
    for fault in &asked.fired {
        account.note_fault(*fault);
    }
    Ok(said?)
}

/// Token and limit: what is said of a call before it is looked at.
fn arrive(
    account: &Account,
    call: &Call,
    operation: Operation,
    faults: &FaultDraws<'_>,
    now: Timestamp,
) -> Result<Admission, Answer> {
    if faults.fires(Fault::TokenRevoked) {
        account.note_fault(Fault::TokenRevoked);
        account.tokens.revoke();
    }
    if let Err(refusal) = token::check(account, call, now.as_second()) {
        return Err(refusal.answer());
    }
    let category = operation.category();
    let now_us = now.as_microsecond();
    account.tally().arrival(category, now_us);
    let admission = account.limiter().admit(category, now_us);
    let Some(full) = admission.full else { return Ok(admission) };
    account.tally().rate_limited(full, category);
    let code = if operation == Operation::ListPastInstances { 4_001 } else { 429 };
    Err(too_many(&admission, full, code))
}

fn too_many(admission: &Admission, full: Window, code: u32) -> Answer {
    let at = Timestamp::from_microsecond(admission.free_us).expect("an instant of this era");
    let answer = match full {
        Window::Second => Answer::of_json(429, &refusal::per_second(code))
            .with("x-ratelimit-type", "QPS")
            .with("x-ratelimit-reset", (at.as_second()).to_string()),
        Window::Day => Answer::of_json(429, &refusal::daily(code))
            .with("x-ratelimit-type", "Daily-limit")
            .with("retry-after", at.to_string()),
    };
    answer
        .with("x-ratelimit-category", admission.label())
        .with("x-ratelimit-limit", admission.limit.to_string())
        .with("x-ratelimit-remaining", "0")
}

/// On a free plan only the category was seen; and without limits none is told.
fn with_limit_headers(spec: &Spec, answer: Answer, admission: &Admission) -> Answer {
    let answer = answer.with("x-ratelimit-category", admission.label());
    if spec.tier == Tier::Free || spec.limits == LimitSpec::off() {
        return answer;
    }
    answer
        .with("x-ratelimit-type", "QPS")
        .with("x-ratelimit-limit", admission.limit.to_string())
        .with("x-ratelimit-remaining", admission.remaining.to_string())
}

fn is_forbidden(world: &World, ask: &Ask) -> bool {
    use Operation::{GetPastMeeting, ListPastParticipants, ReportMeeting, ReportParticipants};
    let operations = [GetPastMeeting, ListPastParticipants, ReportMeeting, ReportParticipants];
    operations.contains(&ask.operation)
        && world.forbidden().is_some_and(|at| world.ids.open_instance(&ask.subject) == Some(at))
}

/// A heavy call about an instance of fewer than two people: a light one would have told.
fn is_report_in_vain(world: &World, ask: &Ask) -> bool {
    matches!(ask.operation, Operation::ReportMeeting | Operation::ReportParticipants)
        && world
            .find_instance(&ask.subject)
            .is_some_and(|(meeting, instance)| world.participants_count(&meeting, &instance) < 2)
}

fn outcome_of(account: &Account, ask: &Ask, refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Scope(_) => Outcome::Foretold,
        Refusal::PaidOnly(_) if !account.is_first_time(ask.operation.name()) => Outcome::Foretold,
        Refusal::PageToken => Outcome::Restart,
        refusal if refusal.is_final() => Outcome::Refused,
        _ => Outcome::NotYet,
    }
}
