//! One person out of all that is stored, for good.
//!
//! In this order: marks of the person become durable (from then on no sink takes anything that
//! was made without knowing them); what is stored goes, or gets pseudonyms, as if the person had
//! been left out from the beginning. Made again after it was broken off, it does the rest. The
//! ledger is forgotten after it, by whoever chose it: what it holds is made anew of what is left.

mod belongs;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use watershed_model::{ConnectionName, LeftOut, LeftOutWhy, Millis, RunId, RunRow};
use watershed_sink::{Batch, Error as SinkError, RowKey, Sink, StoredRow};
use watershed_zoom::people::{Agreed, Mark, People};

use crate::active::Link;
use crate::engine::Engine;
use crate::error::Error;
use crate::people;
use walk::Walk;

/// Rows read at once.
const AT_ONCE: u32 = 500;
/// Datasets that tell who a user is.
const USERS: [&str; 2] = ["users", "user_details"];
/// Datasets that tell who took part.
const STAYS: [&str; 2] = ["report_participants", "past_participants"];

/// What was taken out, counted; never what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Rows that are gone, by dataset.
    pub rows: BTreeMap<String, u64>,
    /// Rows of others that have pseudonyms now, by dataset.
    pub changed: BTreeMap<String, u64>,
    /// Files that are gone.
    pub files: u64,
    /// Lines of coverage that are gone or changed.
    pub coverage: u64,
    /// Dead letters that are gone or changed.
    pub letters: u64,
    /// Events that are gone or changed.
    pub events: u64,
    /// Runs whose inputs, workflow or evidence are changed.
    pub runs: u64,
}

/// Somebody, as the stored rows know him.
struct Found {
    marks: BTreeSet<Mark>,
    /// What stands in his place.
    pseudonym: String,
}

impl Engine {
    /// Erases who is called so, by id or address, from the data of a connection.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::OtherKey`], [`Error::Nobody`], [`Error::NamedByRun`]: nothing
    /// was changed. The stores': what is done stays, and the same again does the rest.
    pub async fn erase(&self, connection: &ConnectionName, named: &str) -> Result<Erased, Error> {
        let link = self.link(connection)?.clone();
        people::same_key(&link.connection, &*self.sink).await?;
        let no_key = || Error::NoKey(connection.clone());
        let agreed = link.connection.agreed.clone().ok_or_else(no_key)?;
        let found = self.find(&link, &agreed, named).await?;
        let runs = self.sink.runs(Some(connection.clone()), u32::MAX).await?;
        let nobody = BTreeSet::new();
        let him = People::new(agreed.clone(), found.marks.clone(), nobody);
        let mut open = runs.iter().filter(|run| !run.state.ended());
        if let Some(run) = open.find(|run| told(&him, run).is_some()) {
            return Err(Error::NamedByRun(run.id.clone()));
        }
        let now = self.clock.now();
        let id = RunId(format!("erase-{:016x}", self.clock.random()));
        let known = self.remember(&link, &agreed, &found.marks, &id, now).await?;
        let walk = Walk {
            engine: self,
            connection: connection.clone(),
            people: people::people(&agreed, &known, |_| true),
            known: BTreeMap::from([(connection.clone(), people::erased(&known))]),
            pseudonym: found.pseudonym,
            run: id,
            now,
            erased: Erased::default(),
        };
        let mut erased = walk.through().await?;
        let all = people::people(&agreed, &known, |_| true);
        for run in runs {
            if let Some(told) = told(&all, &run) {
                self.sink.put_run(told).await?;
                erased.runs += 1;
            }
        }
        Ok(erased)
    }

    /// By what the stored rows know whoever is called so.
    async fn find(&self, link: &Link, agreed: &Agreed, named: &str) -> Result<Found, Error> {
        let of = &link.connection.name;
        let is = |text: &str| !text.is_empty() && agreed.mark(text) == agreed.mark(named);
        let said = |record: &Value, member: &str| -> String {
            record.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut marks = BTreeSet::new();
        let mut id = None;
        for dataset in USERS {
            each_row(&*self.sink, of, dataset, |row| {
                if [said(&row.record, "id"), said(&row.record, "email")].iter().any(|s| is(s)) {
                    marks.extend(agreed.marks(&row.record));
                    id = id.take().or(Some(said(&row.record, "id"))).filter(|id| !id.is_empty());
                }
            })
            .await?;
        }
        if marks.is_empty() {
            for dataset in STAYS {
                each_row(&*self.sink, of, dataset, |row| {
                    let who = [said(&row.record, "id"), said(&row.record, "user_email")];
                    if who.iter().any(|text| is(text)) {
                        marks.extend(who.iter().filter(|t| !t.is_empty()).map(|t| agreed.mark(t)));
                        // A name of one word may be anybody's.
                        let name = Some(said(&row.record, "name"));
                        let name = name.filter(|name| name.split_whitespace().count() > 1);
                        marks.extend(name.and_then(|name| agreed.mark_of_name(&name)));
                    }
                })
                .await?;
            }
        }
        let own = agreed.mark(named);
        let remembered = self.sink.left_out(of.clone()).await?;
        if marks.is_empty() && !remembered.iter().any(|left_out| Mark(left_out.mark) == own) {
            return Err(Error::Nobody(of.clone()));
        }
        marks.insert(own);
        let pseudonym = agreed.pseudonym(id.as_deref().unwrap_or(named));
        Ok(Found { marks, pseudonym })
    }

    /// Makes the marks durable. All who are left out from then on.
    async fn remember(
        &self,
        link: &Link,
        agreed: &Agreed,
        marks: &BTreeSet<Mark>,
        run: &RunId,
        at: Millis,
    ) -> Result<Vec<LeftOut>, Error> {
        let connection = &link.connection.name;
        let of = |Mark(mark): Mark| LeftOut {
            connection: connection.clone(),
            mark,
            why: LeftOutWhy::Erased,
            run: run.clone(),
            at,
        };
        let left_out: Vec<LeftOut> =
            marks.iter().copied().chain([agreed.mark_of_key()]).map(of).collect();
        loop {
            let known = people::erased(&self.sink.left_out(connection.clone()).await?);
            let erased = BTreeMap::from([(connection.clone(), known)]);
            let batch = Batch { left_out: left_out.clone(), erased, ..Batch::default() };
            match self.sink.write(Arc::new(batch)).await {
                Ok(()) => return Ok(self.sink.left_out(connection.clone()).await?),
                // Somebody else was erased just now.
                Err(SinkError::Erased { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Every row of a connection in a dataset.
async fn each_row(
    sink: &dyn Sink,
    connection: &ConnectionName,
    dataset: &str,
    mut act: impl FnMut(StoredRow),
) -> Result<(), SinkError> {
    let mut after = Some(RowKey { connection: connection.clone(), key: String::new() });
    loop {
        let page = sink.rows(dataset.to_owned(), after, AT_ONCE).await?;
        let full = page.len() == AT_ONCE as usize;
        after = page.last().map(|row| row.at.clone());
        let over = after.as_ref().is_none_or(|last| last.connection != *connection);
        page.into_iter().filter(|row| row.at.connection == *connection).for_each(&mut act);
        if over || !full {
            return Ok(());
        }
    }
}

/// A run without those who are left out; `None`: it names nobody of them.
fn told(people: &People, run: &RunRow) -> Option<RunRow> {
    let mut told = run.clone();
    if let Some(source) = people.text(&run.source) {
        told.source = source;
    }
    for value in told.inputs.values_mut() {
        people.record("", value);
    }
    (told != *run).then_some(told)
}
