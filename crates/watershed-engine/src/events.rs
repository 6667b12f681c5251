//! Events of webhooks as branches of the standing run of a day.
//!
//! An event is done with once the ledger has taken its branches: until then it waits in the
//! inbox, and a crash adds it once more, which `once` of its steps makes nothing of. The places of
//! what was added stand in the checkpoint of the step that reads the inbox: nothing else remembers
//! them. The run ends with its UTC day, when its work is done; what comes later is the next day's.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;
use watershed_ledger::{Checkpoint, End, Leased, Outcome};
use watershed_model::{
    Brood, ConnectionName, EventKey, Millis, Plan, PlanHash, RunId, Trigger, day_run, hash64,
};
use watershed_sink::{Error as SinkError, Inbox, Waiting};
use watershed_workflow::resolve_inputs;

use crate::active::ActiveRun;
use crate::conclude;
use crate::engine::Engine;
use crate::error::Error;
use crate::letter::{Trouble, letter};
use crate::submit::{Request, Submitted};
use crate::task::{Ask, Done, Tools};

/// Events that are read at once, and the most that one settle adds.
const EVENTS_AT_ONCE: u32 = 100;
/// What an event's record is of.
const EVENTS: &str = "events";
/// How long an event waits in the inbox at most before somebody looks.
const LOOK_MS: i64 = 500;

/// Where events wait, and the workflow of the run that works on them.
#[derive(Clone)]
pub struct Events {
    /// Where they wait.
    pub inbox: Arc<dyn Inbox>,
    /// The workflow file's text. It has the input `day`.
    pub source: Arc<str>,
    /// What it compiles to.
    pub plan: Arc<Plan>,
    /// Its hash.
    pub hash: PlanHash,
}

impl Engine {
    /// The same engine, with an inbox whose events it works on.
    #[must_use]
    pub fn with_events(self, events: Events) -> Engine {
        Engine { events: Some(events), ..self }
    }

    /// Begins today's run for each connection that events wait for, where there is none. The runs
    /// that were begun.
    ///
    /// # Errors
    /// The stores'; [`Error::Token`] where the credential is refused.
    pub async fn receive(&self) -> Result<Vec<RunId>, Error> {
        let Some(events) = &self.events else { return Ok(Vec::new()) };
        let mut begun = Vec::new();
        for count in events.inbox.backlog().await? {
            let Ok(link) = self.link(&count.connection) else { continue };
            if link.connection.agreed.as_ref().is_some_and(|agreed| agreed.chooses()) {
                self.leave(&*events.inbox, count.connection).await?;
                continue;
            }
            let request = events.request(&count.connection, self.clock.now().date())?;
            if self.ledger.run(&request.fresh).await?.is_none()
                && let Submitted::New(run) = self.submit(request).await?
            {
                begun.push(run);
            }
        }
        Ok(begun)
    }
}

impl Engine {
    /// Marks all that waits as done. Whether somebody was agreed to is known by the lists of users
    /// alone, and an event may tell of him before any of them.
    async fn leave(&self, inbox: &dyn Inbox, connection: ConnectionName) -> Result<(), Error> {
        loop {
            let page = inbox.waiting(connection.clone(), None, EVENTS_AT_ONCE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let keys = page.into_iter().map(|waiting| waiting.event.key).collect();
            inbox.done(connection.clone(), keys, self.clock.now()).await?;
        }
    }
}

impl Events {
    /// The run of that day: the same, whoever asks for it.
    fn request(&self, connection: &ConnectionName, day: Date) -> Result<Request, Error> {
        let run = day_run(&self.plan.name, connection, day);
        Ok(Request {
            connection: connection.clone(),
            source: self.source.to_string(),
            plan: Plan::clone(&self.plan),
            hash: self.hash.clone(),
            inputs: resolve_inputs(&self.plan, &[].into(), day)?,
            run: Some(run.clone()),
            fresh: run,
            trigger: Trigger::Event,
        })
    }
}

/// The end of the day whose events a run works on; `None` where it is no such run.
pub(crate) fn day_end(trigger: Trigger, day: Option<&Value>) -> Option<Millis> {
    let day = day.and_then(Value::as_str).filter(|_| trigger == Trigger::Event)?;
    day.parse().ok().map(|day: Date| Millis::of_date(day).next_day())
}

/// The events that wait, as children of the step.
pub(crate) async fn find(leased: &Leased, run: &ActiveRun, ask: &Ask, tools: &Tools) -> Done {
    let now = tools.clock.now();
    match found(leased, run, ask, tools, now).await {
        Ok(done) => done,
        Err(_) => conclude::later(leased, now),
    }
}

async fn found(
    leased: &Leased,
    run: &ActiveRun,
    ask: &Ask,
    tools: &Tools,
    now: Millis,
) -> Result<Done, SinkError> {
    let over = Outcome::Closed { broods: Vec::new(), end: End::Done };
    // Only a run that was submitted has anything behind it: not an estimate.
    let Some(inbox) = &tools.inbox else { return Ok(Done::of(leased, over)) };
    if tools.sink.run(run.id.clone()).await?.is_none() {
        return Ok(Done::of(leased, over));
    }
    let waiting = rest(leased, run, &**inbox, now).await?;
    let day = ask.with.get("day").and_then(Value::as_str).unwrap_or_default();
    if now.date().to_string().as_str() > day {
        return Ok(Done::of(leased, over));
    }
    if waiting.is_empty() {
        return Ok(Done::of(leased, Outcome::NotYet { at: now + LOOK_MS }));
    }
    Ok(added(leased, run, &waiting, now))
}

/// The first events that wait, those that were added before marked as done. Always from the first
/// on: where several processes keep events, one may appear late before others.
async fn rest(
    leased: &Leased,
    run: &ActiveRun,
    inbox: &dyn Inbox,
    now: Millis,
) -> Result<Vec<Waiting>, SinkError> {
    let added = places(leased.checkpoint.as_ref());
    loop {
        let connection = run.connection().clone();
        let page = inbox.waiting(connection.clone(), None, EVENTS_AT_ONCE).await?;
        let is_added = |waiting: &Waiting| added.contains(&waiting.place);
        let (done, rest): (Vec<Waiting>, Vec<Waiting>) = page.into_iter().partition(is_added);
        if done.is_empty() {
            return Ok(rest);
        }
        let keys: Vec<EventKey> = done.into_iter().map(|waiting| waiting.event.key).collect();
        inbox.done(connection, keys, now).await?;
    }
}

/// What these events bring, all of it one brood: the step keeps a key for each that it has brought.
fn added(leased: &Leased, run: &ActiveRun, waiting: &[Waiting], now: Millis) -> Done {
    let mut brood = Brood { key: 0, kin: Vec::new() };
    let mut failures = Vec::new();
    let of_nobody =
        |record: &Value| run.people.as_ref().is_none_or(|people| !people.owns(EVENTS, record));
    let records = waiting.iter().flat_map(|one| watershed_zoom::webhook::items(&one.event));
    for record in records.filter(of_nobody) {
        // What no step asks for leaves nothing in coverage: it says nothing of its subject.
        match run.program.expand(&run.context, leased.step, &leased.item, &record) {
            Ok(expanded) => brood.kin.extend(expanded.broods.into_iter().flat_map(|b| b.kin)),
            Err(error) => {
                failures.push(letter(leased, run, None, Trouble::expression(&error), now));
            }
        }
    }
    let token = places_text(waiting.iter().map(|waiting| waiting.place));
    // The same events once more are another brood: they may have been taken back.
    brood.key = hash64(&[token.as_bytes(), &now.0.to_le_bytes()]);
    let before = leased.checkpoint.as_ref();
    let checkpoint = Checkpoint {
        token,
        token_at: now,
        first_at: before.map_or(now, |checkpoint| checkpoint.first_at),
        pages: before.map_or(0, |checkpoint| checkpoint.pages) + 1,
        rows: before.map_or(0, |checkpoint| checkpoint.rows) + waiting.len() as u64,
    };
    let mut done = Done::of(leased, Outcome::More { broods: vec![brood], checkpoint });
    done.failures = failures;
    done
}

/// Places as a checkpoint holds them: `17 18 21`.
fn places_text(places: impl Iterator<Item = i64>) -> String {
    places.map(|place| place.to_string()).collect::<Vec<_>>().join(" ")
}

fn places(checkpoint: Option<&Checkpoint>) -> BTreeSet<i64> {
    let token = checkpoint.map_or("", |checkpoint| checkpoint.token.as_str());
    token.split(' ').filter_map(|place| place.parse().ok()).collect()
}
