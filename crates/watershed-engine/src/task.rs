//! One task, from its lease to what is settled: the hops of a row stand here together.
//!
//! prepare (parameters, request) → known already? → wait for the permit's start → send →
//! read → conclude. What comes out, [`Done`], is written to the sink and then settled by
//! `dispatch`; nothing here changes any state.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, OwnedSemaphorePermit};
use tracing::Instrument as _;
use watershed_ledger::{Leased, Outcome, Repeat, Settle};
use watershed_model::{
    Child, Coverage, DeadLetter, Heard, Kind, LeftOut, LetterId, Millis, Operation, RetryCause,
    Verdict,
};
use watershed_sink::{Gone, Write};
use watershed_workflow::Parameters;
use watershed_zoom::{Answer, Request};

use crate::active::{ActiveRun, Stopped};
use crate::clock::Clock;
use crate::conclude;
use crate::covered;
use crate::echo;
use crate::events;
use crate::files;
use crate::late;
use crate::letter::{Trouble, letter_id};
use crate::metric;
use crate::missing;
use crate::pace::Paces;
use crate::phase::{self, Phase};
use crate::room::Room;
use crate::stop::{Stop, Stopping};
use crate::token::{Held, NoToken};
use crate::transport::{Answered, Call, Transport, TransportError};

/// Bytes of a page that are taken at most. A page of 300 recordings is some 3 MiB.
pub(crate) const PAGE_BODY_MAX: usize = 16 * 1024 * 1024;

/// A clock that is behind after a sleep by no more than this was slewed, not set.
const SLEW_MS: i64 = 5;

/// A leased task on its way through the process.
pub(crate) struct Job {
    /// The lease.
    pub(crate) leased: Leased,
    /// Its run.
    pub(crate) run: Arc<ActiveRun>,
    /// The call may start from here, by this process's clock,
    pub(crate) start_from: Millis,
    /// and until here.
    pub(crate) start_until: Millis,
    /// What the clocks said when these were reckoned.
    pub(crate) reckoned: Clocks,
    /// What is to be done.
    pub(crate) todo: Todo,
    /// Whether a dead letter of it may lie in the sink, although it is open.
    pub(crate) died: bool,
}

/// What both clocks said when a slot was reckoned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    /// The one that may be set.
    pub(crate) at: Millis,
    steady: Millis,
}

impl Clocks {
    /// What they say now.
    pub(crate) fn read(clock: &dyn Clock) -> Clocks {
        Clocks { at: clock.now(), steady: clock.steady() }
    }

    /// By how much the clock was set since; what a slew takes is nothing.
    fn set_by(self, clock: &dyn Clock) -> i64 {
        let set_by = (clock.now() - self.at) - (clock.steady() - self.steady);
        if set_by.abs() > SLEW_MS { set_by } else { 0 }
    }
}

impl Job {
    /// Whether it brings a file.
    pub(crate) fn is_file(&self) -> bool {
        self.run.operation(self.leased.step).kind == Kind::File
    }
}

/// What is to be done for a task.
pub(crate) enum Todo {
    /// Ask.
    Ask(Box<Ask>),
    /// Known from the sink: expand from stored rows, ask nothing.
    Known(Box<Ask>, Box<Coverage>),
    /// Nothing: the end is known.
    End(Box<conclude::Known>),
}

/// A question, ready to be sent.
pub(crate) struct Ask {
    /// The step's parameters.
    pub(crate) with: Map<String, Value>,
    /// The request of the page that is due.
    pub(crate) request: Request,
}

/// What a task came to: first written, then settled.
pub(crate) struct Done {
    /// Rows and coverage.
    pub(crate) write: Option<Write>,
    /// Dead letters.
    pub(crate) failures: Vec<DeadLetter>,
    /// A dead letter that it had, and has no more.
    pub(crate) healed: Option<LetterId>,
    /// What is proved to be gone.
    pub(crate) gone: Vec<Gone>,
    /// Who was seen to be left out.
    pub(crate) left_out: Vec<LeftOut>,
    /// What the ledger is told.
    pub(crate) settle: Settle,
    /// The connection cannot go on, and why.
    pub(crate) fatal: Option<String>,
    /// How long after its slot the task came to its call, where it came to one.
    pub(crate) late_ms: Option<i64>,
    /// The room of its answer, until it is written.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// What a task works with.
pub(crate) struct Tools {
    /// The network.
    pub(crate) transport: Arc<dyn Transport>,
    /// Time and chance.
    pub(crate) clock: Arc<dyn Clock>,
    /// Rows and coverage.
    pub(crate) sink: Arc<dyn watershed_sink::Sink>,
    /// Where events wait.
    pub(crate) inbox: Option<Arc<dyn watershed_sink::Inbox>>,
    /// Where files go.
    pub(crate) files: files::Files,
    /// Recordings read again for their files.
    pub(crate) recordings: files::Recordings,
    /// How late the calls of each account's categories start.
    pub(crate) paces: Arc<Paces>,
    /// Room for answers.
    pub(crate) room: Room,
    /// Whether no other process makes calls for these accounts.
    pub(crate) alone: bool,
    /// Whether new calls may start.
    pub(crate) stop: Stop,
    /// Until when answers that are not there yet are waited for.
    pub(crate) wait_until: Option<Millis>,
}

impl Done {
    /// Whether anything of it goes into the sink.
    pub(crate) fn writes(&self) -> bool {
        self.write.is_some()
            || !self.failures.is_empty()
            || self.healed.is_some()
            || !self.gone.is_empty()
            || !self.left_out.is_empty()
    }
}

impl Tools {
    /// Sends a call, and tells of both its ends in the trace of its task.
    pub(crate) async fn send(&self, call: Call) -> Result<Answered, TransportError> {
        phase::tell(Phase::Sent);
        let span = phase::call();
        let answered = self.transport.send(call).instrument(span.clone()).await?;
        phase::called(&span, answered.status);
        phase::answered(&answered);
        phase::tell(Phase::Answered);
        Ok(answered)
    }

    /// Waits until the call may start: it must be about as late as those before it. The time it
    /// is then; after `start_until` it is too late. `None`: the clock was set back meanwhile, and
    /// how late it is cannot be told. A file whose recording is read by another makes no call.
    async fn in_pace(
        &self,
        leased: &Leased,
        run: &ActiveRun,
        ask: &Ask,
        (start_from, start_until): (Millis, Millis),
    ) -> Option<Millis> {
        loop {
            let now = self.clock.now();
            let Some(category) = leased.category else { return Some(now) };
            if now > start_until || self.recordings.has(run, ask, now) {
                return Some(now);
            }
            let clocks = (now, self.clock.steady());
            match self.paces.start(&run.link.connection.account, category, start_from, clocks) {
                Ok(()) => return Some(now),
                Err(later) => self.slept(later).await?,
            }
        }
    }

    /// Sleeps until then; `None` where the clock was set back meanwhile.
    async fn slept(&self, until: Millis) -> Option<()> {
        self.clock.sleep_until(until).await;
        (self.clock.now() + SLEW_MS >= until).then_some(())
    }

    /// How many calls of ours may be in what the answer to one that started then tells, and
    /// whether it is that one alone. Nobody knows, where others make calls as well.
    fn own(&self, leased: &Leased, run: &ActiveRun, started: Millis) -> (Option<u16>, bool) {
        if !self.alone {
            return (None, false);
        }
        let Some(category) = leased.category else { return (Some(0), false) };
        let account = &run.link.connection.account;
        let own = self.paces.own(account, category, started, self.clock.now());
        (Some(own), own == 1 && self.paces.alone(account, category, started))
    }
}

/// Parameters and request of a leased task; or its end, where that is known without a call.
pub(crate) fn prepare(leased: &Leased, run: &ActiveRun, now: Millis) -> Todo {
    let end = |known| Todo::End(Box::new(known));
    let dead = |trouble| end(conclude::Known::Dead(trouble, None));
    let failures: BTreeMap<String, u64> = leased
        .failures
        .iter()
        .map(|(step, n)| (run.program.plan().step(*step).name.clone(), *n))
        .collect();
    let with = match run.program.parameters(&run.context, leased.step, &leased.item, &failures) {
        Ok(Parameters::Call(with)) => with,
        Ok(Parameters::Skip) => return end(conclude::Known::Skipped),
        Err(error) => return dead(Trouble::expression(&error)),
    };
    let operation = run.operation(leased.step);
    let token = leased.checkpoint.as_ref().map(|c| c.token.as_str());
    let request = match watershed_zoom::request(operation, &with, token) {
        Ok(request) => request,
        Err(error) => return dead(Trouble::request(&error)),
    };
    let ask = Box::new(Ask { with, request });
    if leased.poisoned {
        return end(conclude::Known::Dead(Trouble::poison(leased.lost), Some(ask)));
    }
    if let Some(unfit) = token.and_then(watershed_zoom::unfit) {
        return end(conclude::Known::Dead(Trouble::unfit(unfit), Some(ask)));
    }
    match in_vain(operation, &ask.with, run) {
        Some(Vain::Excluded(bar)) => end(conclude::Known::Excluded(ask, bar)),
        Some(Vain::NotGranted) => end(conclude::Known::NotGranted(ask)),
        Some(Vain::Stopped(stopped)) => end(conclude::Known::Stopped(ask, stopped)),
        None => match watershed_zoom::not_before(operation, &ask.with, now) {
            Some(at) => end(conclude::Known::TooEarly(ask, at)),
            None => Todo::Ask(ask),
        },
    }
}

/// Why a call is known to be in vain before it is made.
pub(crate) enum Vain {
    Excluded(files::Bar),
    NotGranted,
    Stopped(Stopped),
}

/// Whether a call with these parameters would be in vain.
pub(crate) fn in_vain(
    operation: &Operation,
    with: &Map<String, Value>,
    run: &ActiveRun,
) -> Option<Vain> {
    if let Some(bar) = files::bar(operation, with, run) {
        return Some(Vain::Excluded(bar));
    }
    if !run.context.granted.contains(operation.id) {
        return Some(Vain::NotGranted);
    }
    run.link.stopped(operation.id).map(Vain::Stopped)
}

/// Parameters and request of a child that is no join's; `None` where it has none.
pub(crate) fn first_request(
    run: &ActiveRun,
    child: &Child,
) -> Option<(Map<String, Value>, Request)> {
    let of = run.program.parameters(&run.context, child.step, &child.item, &BTreeMap::new());
    let Ok(Parameters::Call(with)) = of else { return None };
    let request = watershed_zoom::request(run.operation(child.step), &with, None).ok()?;
    Some((with, request))
}

/// Carries tasks out: one, or the files of one recording, which have one slot.
pub(crate) async fn perform(jobs: Vec<Job>, tools: &Tools) -> Vec<Done> {
    let start = OnceCell::new();
    let each = jobs.into_iter().map(|job| {
        let span = phase::task(&job.leased, &job.run);
        one(job, &start, tools).instrument(span)
    });
    join_all(each).await
}

/// Carries a task out that is alone in its slot.
pub(crate) async fn perform_one(job: Job, tools: &Tools) -> Done {
    one(job, &OnceCell::new(), tools).await
}

async fn one(job: Job, start: &OnceCell<Result<Start, NoStart>>, tools: &Tools) -> Done {
    let died = job.died.then(|| letter_id(&job.leased, &job.run));
    let done = carried_out(job, start, tools).await;
    let closed = matches!(done.settle.outcome, Outcome::Closed { .. });
    Done { healed: died.filter(|_| closed), ..done }
}

/// What a call starts with, in its slot.
struct Start {
    token: Held,
    at: Millis,
    late_ms: i64,
    /// Chance for delays: what started together is delayed alike.
    chance: u64,
}

/// Why a call does not start.
enum NoStart {
    NoToken(NoToken),
    /// It would be too late, or a stop was asked for.
    Late(i64),
}

/// Waits for the slot.
async fn start(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    (start_from, start_until, reckoned): (Millis, Millis, Clocks),
    tools: &Tools,
) -> Result<Start, NoStart> {
    let token = run.link.tokens.get().await.map_err(NoStart::NoToken)?;
    // By a clock that was set forward a slot would be met too early: it moves with the clock.
    let set_by = reckoned.set_by(&*tools.clock).max(0);
    let (start_from, start_until) = (start_from + set_by, start_until + set_by);
    // By one that was set back, it would be taken for one to come, and met too late.
    let set_back = tools.clock.now() < reckoned.at || tools.slept(start_from).await.is_none();
    let late_ms = (tools.clock.now() - start_from).max(0);
    let at = match set_back {
        true => None,
        false => tools.in_pace(leased, run, ask, (start_from, start_until)).await,
    };
    // Nothing starts too late, or after a stop was asked for, but files of a recording that was
    // read before: its signed addresses are kept nowhere, and it would be read again.
    let in_time = at.is_some_and(|at| at <= start_until) && tools.stop.state() == Stopping::No;
    let now = tools.clock.now();
    if !in_time && !tools.recordings.has(run, ask, now) {
        return Err(NoStart::Late(late_ms));
    }
    Ok(Start { token, at: at.unwrap_or(now), late_ms, chance: tools.clock.random() })
}

async fn carried_out(job: Job, started: &OnceCell<Result<Start, NoStart>>, tools: &Tools) -> Done {
    let Job { leased, run, start_from, start_until, reckoned, todo, .. } = job;
    let ask = match todo {
        Todo::End(known) => {
            let wait_until = run.waits_until(tools.wait_until);
            return conclude::known(&leased, &run, *known, tools.clock.now(), wait_until);
        }
        Todo::Known(ask, coverage) => {
            match covered::replay(&leased, &run, &ask, &coverage, tools).await {
                Some(done) => return done,
                // It was to need no call, and has no permit: it waits for one like any other.
                None if leased.category.is_none()
                    && run.operation(leased.step).category.is_some() =>
                {
                    return conclude::released(&leased);
                }
                None => ask,
            }
        }
        Todo::Ask(ask) => ask,
    };
    match run.operation(leased.step).kind {
        Kind::Missing => return missing::find(&leased, &run, &ask, tools).await,
        Kind::Waiting => return late::find(&leased, &run, tools).await,
        Kind::Events => return events::find(&leased, &run, &ask, tools).await,
        Kind::Call | Kind::File => {}
    }
    let slot = (start_from, start_until, reckoned);
    let Start { token, at, late_ms, chance } =
        match started.get_or_init(|| start(&leased, &run, &ask, slot, tools)).await {
            Ok(start) => start,
            Err(NoStart::NoToken(NoToken::Fatal { why, .. })) => {
                return conclude::fatal(&leased, why.clone(), tools.clock.now());
            }
            Err(NoStart::NoToken(NoToken::Later { .. })) => {
                return conclude::later(&leased, tools.clock.now());
            }
            Err(NoStart::Late(late_ms)) => {
                return Done { late_ms: Some(*late_ms), ..conclude::released(&leased) };
            }
        };
    let late_ms = Some(*late_ms);
    let asked = asked(&leased, &run, &ask, token, (start_from, start_until), tools).await;
    if let Some(category) = leased.category {
        tools.paces.answered(&run.link.connection.account, category);
    }
    let Some(mut asked) = asked else {
        return Done { late_ms, ..conclude::released(&leased) };
    };
    if let Some(heard) = &mut asked.spent.heard {
        (heard.own, heard.alone) = tools.own(&leased, &run, *at);
    }
    if !matches!(asked.verdict, Verdict::Token { .. }) && asked.spent.calls > 0 {
        run.link.tokens.accepted();
    }
    let moment = conclude::Moment {
        first_at: *at,
        now: tools.clock.now(),
        chance: *chance,
        wait_until: run.waits_until(tools.wait_until),
    };
    Done { late_ms, ..conclude::asked(&leased, &run, &ask, asked, moment) }
}

/// A verdict, and what it cost.
pub(crate) struct Asked {
    /// What the answer means.
    pub(crate) verdict: Verdict,
    /// What it cost.
    pub(crate) spent: Spent,
}

/// Counted calls that were started, and what the answer told of the budget.
#[derive(Default)]
pub(crate) struct Spent {
    pub(crate) calls: u16,
    pub(crate) heard: Option<Heard>,
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// `None`: its time had passed before it could start.
async fn asked(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    token: &Held,
    slot: (Millis, Millis),
    tools: &Tools,
) -> Option<Asked> {
    let operation = run.operation(leased.step);
    let is_file = operation.kind == Kind::File;
    let began = tools.clock.now();
    let asked = if is_file {
        files::download(run, operation, ask, token, tools, slot).await?
    } else {
        let cursor = leased.checkpoint.as_ref().map(|c| c.token.as_str());
        let mut spent = Spent { calls: 1, ..Spent::default() };
        let of = (&ask.with, cursor);
        let verdict = call(operation, &ask.request, of, token, tools, &mut spent).await;
        Asked { verdict, spent }
    };
    match &asked.verdict {
        _ if is_file => {}
        Verdict::Retry { cause: RetryCause::Transport, .. } => {
            run.link.reach.unanswered(operation.id, tools.clock.now());
        }
        _ => run.link.reach.answered(operation.id, tools.clock.now()),
    }
    metric::called(leased.category, &asked.verdict, asked.spent.calls, tools.clock.now() - began);
    tracing::debug!(
        operation = operation.id,
        subject = ask.request.subject.as_str(),
        verdict = told(&asked.verdict),
        "asked"
    );
    phase::judged(metric::verdict_name(&asked.verdict));
    if matches!(asked.verdict, Verdict::Token { .. }) {
        run.link.tokens.refused(token.generation).await;
    }
    Some(asked)
}

/// A verdict for the log.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Data(page) => format!("data: {} records", page.records),
        Verdict::Empty => "empty".to_owned(),
        Verdict::Waiting { why, .. } => format!("waiting: {why}"),
        Verdict::Unavailable { why, message } => format!("unavailable ({}): {message}", why.name()),
        Verdict::ScopeMissing(scopes) => format!("scope missing: {}", scopes.join(" or ")),
        Verdict::Retry { cause, message } => format!("retry ({}): {message}", cause.name()),
        Verdict::Wait(throttle) => format!("wait until {}", throttle.until),
        Verdict::Token { message } => format!("token refused: {message}"),
        Verdict::Restart => "the page token is not valid any more".to_owned(),
        Verdict::Dead { message, .. } => format!("dead: {message}"),
        Verdict::Fatal { message } => format!("fatal: {message}"),
    }
}

/// One counted call.
pub(crate) async fn call(
    operation: &Operation,
    request: &Request,
    (with, cursor): (&Map<String, Value>, Option<&str>),
    token: &Held,
    tools: &Tools,
    spent: &mut Spent,
) -> Verdict {
    let text = format!("{}{}", token.base.as_str().trim_end_matches('/'), request.path_and_query);
    let url = match url::Url::parse(&text) {
        Ok(url) => url,
        Err(error) => {
            let message = format!("no URL can be made of this request: {error}");
            return Verdict::Dead { http: 0, code: None, message };
        }
    };
    let get =
        Call::Get { url, bearer: Some(token.bearer.clone()), body_max: PAGE_BODY_MAX, rest: None };
    match tools.send(get).await {
        Ok(Answered { status, headers, body }) => {
            let body = echo::without(status, body, &[token.bearer.expose_secret()]);
            let answer = Answer { status, headers: &headers, body: &body };
            spent.heard = watershed_zoom::heard(&answer);
            spent.room = tools.room.take(body.len(), &*tools.clock).await;
            watershed_zoom::read_after(operation, with, cursor, &answer, tools.clock.now())
        }
        Err(error) => unanswered(&error),
    }
}

/// What a call without an answer means.
pub(crate) fn unanswered(error: &TransportError) -> Verdict {
    use RetryCause::{BadBody, Transport};
    let message = error.to_string();
    match error {
        TransportError::Connect { .. } | TransportError::Timeout { .. } => {
            Verdict::Retry { cause: Transport, message }
        }
        TransportError::Body { .. } => Verdict::Retry { cause: BadBody, message },
        TransportError::TooLong { .. } => Verdict::Dead { http: 200, code: None, message },
    }
}

/// Why the call under this lease is a repeat of an earlier one.
pub(crate) fn repeat_of(leased: &Leased) -> Option<Repeat> {
    if leased.lost > 0 {
        Some(Repeat::LostLease)
    } else if leased.restarts > 0 {
        Some(Repeat::Restart)
    } else {
        None
    }
}
