//! Answers that were not there yet, and may be by now: asked before anything else of a run.

use serde_json::{Value, json};
use watershed_ledger::{Checkpoint, End, Leased, Outcome};
use watershed_model::{Coverage, CoverageState, Millis};
use watershed_sink::{Ask as CoverageAsk, CoverageFilter, Error};

use crate::active::ActiveRun;
use crate::conclude;
use crate::covered::LISTS_WAIT_MS;
use crate::people::Told;
use crate::spawned::Spawned;
use crate::task::{Done, Tools};

/// Rows of coverage read at once, and the most children of one settle.
const ROWS_AT_ONCE: u32 = 500;

/// What may be asked for again by now, as children of the step.
pub(crate) async fn find(leased: &Leased, run: &ActiveRun, tools: &Tools) -> Done {
    let now = tools.clock.now();
    match found(leased, run, tools, now).await {
        Ok(done) => done,
        Err(_) => conclude::later(leased, now),
    }
}

async fn found(
    leased: &Leased,
    run: &ActiveRun,
    tools: &Tools,
    now: Millis,
) -> Result<Done, Error> {
    let closed = |broods| Outcome::Closed { broods, end: End::Done };
    // Whom the lists of users leave out is not asked about here either.
    if let Some(people) = &run.people {
        match people.learn(run, &*tools.sink).await? {
            Told::All => {}
            Told::NotYet => {
                return Ok(Done::of(leased, Outcome::NotYet { at: now + LISTS_WAIT_MS }));
            }
            Told::Never(_) => {
                return Ok(Done::of(leased, closed(Vec::new())));
            }
        }
    }
    let filter = CoverageFilter {
        connection: Some(run.connection().clone()),
        state: Some(CoverageState::Waiting),
        ..CoverageFilter::default()
    };
    let before = leased.checkpoint.as_ref();
    let after: Option<CoverageAsk> =
        before.and_then(|checkpoint| serde_json::from_str(&checkpoint.token).ok());
    let page = tools.sink.coverage(filter, after, ROWS_AT_ONCE).await?;
    let full = page.len() == ROWS_AT_ONCE as usize;
    let token = page.last().filter(|_| full).map(CoverageAsk::of);
    let token = token.and_then(|last| serde_json::to_string(&last).ok());
    let due = page.iter().filter(|coverage| coverage.retry_at.is_none_or(|at| at <= now));
    let items: Vec<Value> = due.map(item).collect();
    let spawned = Spawned::of(leased, run, &items, now);
    let outcome = match token {
        Some(token) => Outcome::More {
            broods: spawned.broods,
            checkpoint: Checkpoint {
                token,
                token_at: now,
                first_at: before.map_or(now, |checkpoint| checkpoint.first_at),
                pages: before.map_or(0, |checkpoint| checkpoint.pages) + 1,
                rows: before.map_or(0, |checkpoint| checkpoint.rows) + items.len() as u64,
            },
        },
        None => closed(spawned.broods),
    };
    // What no step asks for leaves nothing in coverage: it says nothing of its subject.
    let mut done = Done::of(leased, outcome);
    done.failures = spawned.failures;
    Ok(done)
}

fn item(coverage: &Coverage) -> Value {
    let subject: Value = serde_json::from_str(coverage.subject.as_str()).unwrap_or_default();
    let day =
        |day: &Option<String>| day.as_deref().and_then(|day| day.get(..10)).map(str::to_owned);
    json!({
        "operation": coverage.operation,
        // A file is found by its recording.
        "instance_uuid": subject.get("uuid").or_else(|| subject.get("instance_uuid")),
        "user_id": subject.get("user_id"),
        "from": day(&coverage.from),
        "to": day(&coverage.to),
    })
}
