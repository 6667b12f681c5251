//! Runs, names of `once` keys, categories and queues by number: rows that are many hold no text.
//!
//! A number, once given, is never another's.

use rusqlite::{Row, named_params};
use watershed_ledger::Error;
use watershed_ledger::tables::Queue;
use watershed_model::{Category, ConnectionName, RunId};

use crate::rows::{SqliteTables, sql};

/// No run and no name has this number.
const NOBODY: i64 = 0;

/// The numbers that were asked for in this transaction.
#[derive(Default)]
pub(crate) struct Numbers {
    runs: Vec<(i64, RunId)>,
    names: Vec<(i64, ConnectionName, String)>,
}

impl SqliteTables<'_> {
    /// The number of a run for looking something up; one that no row has where it has none.
    pub(crate) fn run_known(&mut self, run: &RunId) -> Result<i64, Error> {
        if let Some((number, _)) = self.numbers.runs.iter().find(|(_, known)| known == run) {
            return Ok(*number);
        }
        let params = named_params! {":run": run.as_str()};
        let Some(number) = self.one(sql!("run_number_get"), params, number)? else {
            return Ok(NOBODY);
        };
        self.numbers.runs.push((number, run.clone()));
        Ok(number)
    }

    /// The number of a run, given now where it has none.
    pub(crate) fn run_number(&mut self, run: &RunId) -> Result<i64, Error> {
        let known = self.run_known(run)?;
        if known != NOBODY {
            return Ok(known);
        }
        let params = named_params! {":run": run.as_str()};
        let given = self
            .one(sql!("run_number_give"), params, number)?
            .ok_or_else(|| self.corrupt(format!("run {run} got no number")))?;
        self.numbers.runs.push((given, run.clone()));
        Ok(given)
    }

    /// The run of that number.
    pub(crate) fn run_of(&mut self, number: i64) -> Result<RunId, Error> {
        if let Some((_, run)) = self.numbers.runs.iter().find(|(known, _)| *known == number) {
            return Ok(run.clone());
        }
        let params = named_params! {":number": number};
        let run = self
            .one(sql!("run_of_number"), params, |row| row.get(0).map(RunId))?
            .ok_or_else(|| self.corrupt(format!("no run has number {number}")))?;
        self.numbers.runs.push((number, run.clone()));
        Ok(run)
    }

    /// The number of the keys of an operation in a lane, for looking something up.
    pub(crate) fn name_known(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
    ) -> Result<i64, Error> {
        let same = |(_, lane, name): &&(i64, ConnectionName, String)| {
            name == operation && lane == connection
        };
        if let Some((number, ..)) = self.numbers.names.iter().find(same) {
            return Ok(*number);
        }
        let params = named_params! {":connection": connection.as_str(), ":operation": operation};
        let Some(number) = self.one(sql!("once_name_get"), params, number)? else {
            return Ok(NOBODY);
        };
        self.numbers.names.push((number, connection.clone(), operation.to_owned()));
        Ok(number)
    }

    /// The number of the keys of an operation in a lane, given now where they have none.
    pub(crate) fn name_number(
        &mut self,
        connection: &ConnectionName,
        operation: &str,
    ) -> Result<i64, Error> {
        let known = self.name_known(connection, operation)?;
        if known != NOBODY {
            return Ok(known);
        }
        let params = named_params! {":connection": connection.as_str(), ":operation": operation};
        let given = self
            .one(sql!("once_name_give"), params, number)?
            .ok_or_else(|| self.corrupt(format!("the keys of {operation} got no number")))?;
        self.numbers.names.push((given, connection.clone(), operation.to_owned()));
        Ok(given)
    }
}

fn number(row: &Row<'_>) -> rusqlite::Result<i64> {
    row.get(0)
}

/// A category as it is stored, here and in `migrations/`.
pub(crate) fn category(category: Option<Category>) -> u8 {
    match category {
        None => 0,
        Some(Category::Light) => 1,
        Some(Category::Medium) => 2,
        Some(Category::Heavy) => 3,
        Some(Category::ResourceIntensive) => 4,
    }
}

/// A queue as it is stored, here and in `migrations/`: a category's under the category's own
/// number, a step's two from 16 on.
pub(crate) fn queue(queue: Queue) -> u32 {
    match queue {
        Queue::Listed(of) => u32::from(category(of)),
        Queue::Dated(step) => 16 + 2 * u32::from(step.0),
        Queue::Undated(step) => 17 + 2 * u32::from(step.0),
    }
}
