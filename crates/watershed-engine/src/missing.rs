//! Stored rows that no list of the run has: candidates for a proof that they are gone.
//!
//! Nothing is a candidate but by lists that this very run has read to their end. Above the
//! connection's ceiling nobody is asked about any: a wrong account, or a list that came back
//! empty by mistake, looks as if everything had been deleted.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use watershed_ledger::{Checkpoint, End, Leased, Outcome};
use watershed_model::{CoverageState, Millis, OperationId, RunRow, Subject};
use watershed_sink::{Ask as CoverageAsk, CoverageFilter, Error, Missing, Sink, StoredRow};
use watershed_zoom::gone;

use crate::active::ActiveRun;
use crate::conclude;
use crate::letter::Trouble;
use crate::spawned::Spawned;
use crate::task::{Ask, Done, Tools};

/// Stored rows read at once, and the most children of one settle.
const ROWS_AT_ONCE: u32 = 500;
/// So many are never too many.
const ALWAYS: u64 = 1;

/// The next rows that are missing, as children of the step.
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
) -> Result<Done, Error> {
    let closed = |broods| Outcome::Closed { broods, end: End::Done };
    // Only a run that was submitted has anything behind it: not an estimate.
    let Some(row) = tools.sink.run(run.id.clone()).await? else {
        return Ok(Done::of(leased, closed(Vec::new())));
    };
    let dataset = run.operation(leased.step).dataset;
    let mut lists = Lists { run, row: &row, ask, sink: &*tools.sink, known: BTreeMap::new() };
    let missing = Missing {
        connection: run.connection().clone(),
        dataset: dataset.name.to_owned(),
        run: run.id.clone(),
        before: row.started_at,
    };
    let before = leased.checkpoint.as_ref();
    if before.is_none() {
        let (mut count, mut after) = (0, None);
        loop {
            let page = tools.sink.missing(missing.clone(), after, ROWS_AT_ONCE).await?;
            let full = page.len() == ROWS_AT_ONCE as usize;
            after = page.last().map(|row| row.at.key.clone());
            count += lists.candidates(dataset.name, page, now).await?.len() as u64;
            if !full {
                break;
            }
        }
        let all = tools.sink.counts(run.connection().clone()).await?;
        let all = all.get(dataset.name).copied().unwrap_or_default();
        if too_many(count, all, run.link.connection.delete_ceiling) {
            let trouble = Trouble::ceiling(dataset.name, count, all);
            // No coverage: nobody was asked, and none would be there once it goes well.
            return Ok(conclude::dead(leased, run, None, trouble, now));
        }
    }
    let after = before.map(|checkpoint| checkpoint.token.clone());
    let page = tools.sink.missing(missing, after, ROWS_AT_ONCE).await?;
    let last = page.last().map(|row| row.at.key.clone());
    let next = last.filter(|_| page.len() == ROWS_AT_ONCE as usize);
    let candidates = lists.candidates(dataset.name, page, now).await?;
    let operation = run.operation(leased.step);
    let items: Vec<Value> =
        candidates.iter().map(|row| watershed_zoom::item(operation, &row.record)).collect();
    let spawned = Spawned::of(leased, run, &items, now);
    let outcome = match next {
        Some(token) => {
            let checkpoint = Checkpoint {
                token,
                token_at: now,
                first_at: before.map_or(now, |checkpoint| checkpoint.first_at),
                pages: before.map_or(0, |checkpoint| checkpoint.pages) + 1,
                rows: before.map_or(0, |checkpoint| checkpoint.rows) + items.len() as u64,
            };
            Outcome::More { broods: spawned.broods, checkpoint }
        }
        None => closed(spawned.broods),
    };
    let mut done = Done::of(leased, outcome);
    done.failures = spawned.failures;
    Ok(done)
}

/// Whether so many of all are more than a mistake may explain.
fn too_many(count: u64, all: u64, ceiling: f64) -> bool {
    count > ALWAYS && count as f64 > all as f64 * ceiling
}

/// What the lists of this run tell.
struct Lists<'a> {
    run: &'a ActiveRun,
    row: &'a RunRow,
    ask: &'a Ask,
    sink: &'a dyn Sink,
    /// Windows of complete lists, by operation and subject.
    known: BTreeMap<(OperationId, Subject), Vec<Window>>,
}

/// Days of a list that was read to its end; `None`: it has no window.
type Window = Option<(String, String)>;

impl Lists<'_> {
    /// Those rows that would be in a list of this run, were they still there.
    async fn candidates(
        &mut self,
        dataset: &str,
        rows: Vec<StoredRow>,
        now: Millis,
    ) -> Result<Vec<StoredRow>, Error> {
        let mut found = Vec::new();
        for row in rows {
            let would_be = match dataset {
                "users" => self.user().await?,
                "meetings" => {
                    gone::cannot_have_lapsed(&row.record, now) && self.meeting(&row).await?
                }
                "recordings" => self.recording(&row).await?,
                _ => false,
            };
            if would_be {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// All three lists of users.
    async fn user(&mut self) -> Result<bool, Error> {
        for status in ["active", "inactive", "pending"] {
            if !self.read("zoom.list_users", &[("status", status.into())], None).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Both lists of its user. A meeting before the window is in the one without a window, or in
    /// none.
    async fn meeting(&mut self, row: &StoredRow) -> Result<bool, Error> {
        let Some(user) = row.asked.get("user_id") else { return Ok(false) };
        let listed = row.listing.as_deref().unwrap_or_default();
        let day = day(&row.record);
        let within = day.is_some_and(|day| self.within(day));
        if !within && !listed.contains(r#""type":"scheduled""#) {
            return Ok(false);
        }
        let list = |kind: &str| [("type", kind.into()), ("user_id", user.clone())];
        let (previous, scheduled) = (list("previous_meetings"), list("scheduled"));
        let previous_day = day.filter(|_| within);
        Ok(self.read("zoom.list_meetings", &scheduled, None).await?
            && self.read("zoom.list_meetings", &previous, previous_day).await?)
    }

    /// The account's list of that day, or else its host's.
    async fn recording(&mut self, row: &StoredRow) -> Result<bool, Error> {
        let Some(day) = day(&row.record).filter(|day| self.within(day)) else {
            return Ok(false);
        };
        let host = row.record.get("host_id").unwrap_or(&Value::Null);
        let user = [("user_id", host.clone())];
        if !self.read("zoom.list_account_recordings", &[], Some(day)).await?
            && !self.read("zoom.list_user_recordings", &user, Some(day)).await?
        {
            return Ok(false);
        }
        if self.ask.with.get("not_in_trash") != Some(&Value::Bool(true)) {
            return Ok(true);
        }
        let trash = [("user_id", host.clone()), ("trash", true.into())];
        self.read("zoom.list_trashed_recordings", &trash, None).await
    }

    /// Whether the day lies in what the step asks about.
    fn within(&self, day: &str) -> bool {
        self.ask.request.window.as_ref().is_some_and(|window| {
            (window.from.to_string().as_str()..=window.to.to_string().as_str()).contains(&day)
        })
    }

    /// Whether this run has read a list to its end: of that day, where it has windows.
    async fn read(
        &mut self,
        operation: &str,
        subject: &[(&str, Value)],
        day: Option<&str>,
    ) -> Result<bool, Error> {
        let members: Map<String, Value> =
            subject.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let key = (OperationId::from(operation), Subject::of(&members));
        if !self.known.contains_key(&key) {
            let windows = self.windows(&key.0, &key.1, &members).await?;
            self.known.insert(key.clone(), windows);
        }
        Ok(self.known[&key].iter().any(|window| match (window, day) {
            (_, None) | (None, _) => true,
            // What reaches into the present ends with an instant of its last day.
            (Some((from, to)), Some(day)) => (from.as_str()..=to.as_str()).contains(&day),
        }))
    }

    async fn windows(
        &self,
        operation: &OperationId,
        subject: &Subject,
        members: &Map<String, Value>,
    ) -> Result<Vec<Window>, Error> {
        let connection = self.run.connection().clone();
        let mine = |c: &watershed_model::Coverage| {
            c.run == self.row.id && c.state == CoverageState::Complete && c.subject == *subject
        };
        // Without a window there is one row; with windows, few of a user.
        let alone = CoverageAsk {
            connection: connection.clone(),
            operation: operation.clone(),
            subject: subject.clone(),
            from: None,
        };
        if let Some(coverage) = self.sink.covered(vec![alone]).await?.into_iter().flatten().next() {
            return Ok(if mine(&coverage) { vec![None] } else { Vec::new() });
        }
        let filter = CoverageFilter {
            connection: Some(connection),
            operation: Some(operation.clone()),
            run: Some(self.row.id.clone()),
            state: Some(CoverageState::Complete),
            user: members.get("user_id").and_then(Value::as_str).map(str::to_owned),
        };
        let mut windows = Vec::new();
        let mut after = None;
        loop {
            let page = self.sink.coverage(filter.clone(), after, ROWS_AT_ONCE).await?;
            let full = page.len() == ROWS_AT_ONCE as usize;
            after = page.last().map(CoverageAsk::of);
            let of_subject = page.into_iter().filter(|coverage| mine(coverage));
            windows.extend(of_subject.map(|coverage| coverage.from.zip(coverage.to)));
            if !full {
                return Ok(windows);
            }
        }
    }
}

/// The UTC day on which it began.
fn day(record: &Value) -> Option<&str> {
    record.get("start_time").and_then(Value::as_str)?.get(..10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_ceiling_is_too_many_but_one_never_is() {
        assert!(!too_many(0, 0, 0.05));
        assert!(!too_many(1, 3, 0.05));
        assert!(too_many(2, 3, 0.05));
        assert!(!too_many(5, 100, 0.05));
        assert!(too_many(6, 100, 0.05));
        assert!(too_many(100, 100, 0.99) && !too_many(100, 100, 1.0));
    }
}
