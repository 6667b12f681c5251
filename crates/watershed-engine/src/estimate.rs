//! What a run would cost, told before it: by formula from a sample of its own calls.
//!
//! Lists under the run itself are read whole; beneath them a sample is drawn and asked exactly
//! as the run would ask (same requests, same conditions, same coverage), and grows where a call
//! tells most, until each category's calls are known to 5 % or the bound on sampling calls is
//! reached. Nothing is written to ledger or dataset. `tree` holds what is known, `reckon` and
//! `formula` make figures of it (both pure), `asking` makes the calls.

mod asking;
mod formula;
mod reckon;
mod survey;
mod telling;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;
use watershed_model::{Category, ConnectionName, Limit, Limits, Millis, RunId};
use watershed_sink::Sink;

use crate::active::{ActiveRun, Terms};
use crate::engine::Engine;
use crate::error::Error;
use crate::files::Files;
use crate::submit::{Request, probed_by, same};
use crate::task::Tools;

pub use formula::{LimitTime, limit_times};

/// How an estimate is made.
pub struct Sampling {
    /// Sampling calls at most; `None`: 2 % of the run's calls, at least 400, at most 2,000.
    pub calls_max: Option<u64>,
    /// The part of the connection's share that the sample may use: less than 1 where a run is
    /// executed beside it.
    pub part: f64,
    /// An empty sink, to measure on it how much room rows take. Thrown away afterwards.
    pub scratch: Arc<dyn Sink>,
}

/// What a run would cost. Published as `schemas/estimate.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The workflow's name.
    pub workflow: String,
    /// The connection.
    pub connection: ConnectionName,
    /// The unfinished run that would go on, where there is one: what it has is not counted.
    pub run: Option<RunId>,
    /// Inputs, dates absolute.
    pub inputs: BTreeMap<String, Value>,
    /// Each step, in the order of the plan.
    pub steps: Vec<StepEstimate>,
    /// Calls by category, the light ones first.
    pub categories: Vec<CategoryEstimate>,
    /// Calls in all.
    pub calls: u64,
    /// What each limit makes of them.
    pub limits: Vec<LimitTime>,
    /// The time that the run takes at best, in milliseconds; `None` where a limit allows none
    /// of its calls.
    pub best_ms: Option<i64>,
    /// When it is done at best (RFC 3339), begun now.
    pub done_at: Option<String>,
    /// Bytes that dataset and files grow by.
    pub disk_bytes: u64,
    /// Of these, bytes of files.
    pub file_bytes: u64,
    /// What scope, role, tier and consent leave out.
    pub left_out: Vec<LeftOut>,
    /// The calls that were made for this estimate.
    pub sampling: Sampled,
    /// Why a figure is less sure than 5 %, and what helps.
    pub notes: Vec<String>,
}

/// What a step would cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepEstimate {
    /// Its name.
    pub step: String,
    /// Its operation.
    pub operation: String,
    /// The category of its calls; `None` where no limit counts them.
    pub category: Option<String>,
    /// Items that come to it: known ones, and those kept out, included.
    pub items: u64,
    /// Calls.
    pub calls: u64,
    /// The calls lie so close to that, in percent (in 99 of 100 cases).
    pub plus_minus: f64,
    /// Rows of its own dataset.
    pub rows: u64,
    /// Calls of it that the estimate made.
    pub sampled: u64,
}

/// What a category would cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryEstimate {
    /// Its name.
    pub category: String,
    /// Calls.
    pub calls: u64,
    /// The calls lie so close to that, in percent (in 99 of 100 cases).
    pub plus_minus: f64,
}

/// What is left out, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// The step.
    pub step: String,
    /// Its operation.
    pub operation: String,
    /// `scope`, `role`, `tier` or `consent`.
    pub why: String,
    /// The scope that is missing, the consent that was given, or what was answered.
    pub what: String,
    /// Items.
    pub items: u64,
}

/// The calls that were made for an estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sampled {
    /// In all.
    pub calls: u64,
    /// At most so many were allowed, lists under the run itself left out.
    pub most: u64,
    /// By step or purpose.
    pub by: Vec<SampledFor>,
}

/// Sampling calls of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledFor {
    /// The operation.
    pub operation: String,
    /// Calls.
    pub calls: u64,
    /// What they were made for.
    pub purpose: String,
}

impl Estimate {
    /// The same of an account that holds so many times as much, begun at `now`.
    #[must_use]
    pub fn times(mut self, factor: f64, limits: &Limits, now: Millis) -> Estimate {
        let more = |n: &mut u64| *n = (*n as f64 * factor).round() as u64;
        for step in &mut self.steps {
            [&mut step.items, &mut step.calls, &mut step.rows].into_iter().for_each(more);
        }
        for category in &mut self.categories {
            more(&mut category.calls);
        }
        let calls = |category: Category| {
            let of = self.categories.iter().find(|of| of.category == category.name());
            of.map_or(0.0, |of| of.calls as f64)
        };
        self.limits = limit_times(limits, calls, now);
        self.best_ms = self.limits.iter().try_fold(0, |best: i64, t| Some(best.max(t.ms?)));
        self.done_at = self.best_ms.map(|ms| (now + ms).to_string());
        more(&mut self.calls);
        more(&mut self.disk_bytes);
        more(&mut self.file_bytes);
        for left in &mut self.left_out {
            more(&mut left.items);
        }
        self
    }
}

impl Engine {
    /// What the run of `request` would cost, if it were begun now.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where the id belongs to another run; [`Error::Token`] where the
    /// credential is refused; the sink's.
    pub async fn estimate(&self, request: Request, how: Sampling) -> Result<Estimate, Error> {
        let link = self.link(&request.connection)?.clone();
        let connection = &link.connection;
        if let Some(stored) = self.sink.account(connection.name.clone()).await?
            && stored != connection.account
        {
            let given = connection.account.clone();
            let connection = connection.name.clone();
            return Err(watershed_sink::Error::OtherAccount { connection, stored, given }.into());
        }
        let found = match &request.run {
            Some(id) => self.sink.run(id.clone()).await?,
            None => {
                let (name, hash) = (connection.name.clone(), request.hash.clone());
                self.sink.unfinished(name, hash, request.inputs.clone()).await?
            }
        };
        let (goes_on, granted, probes) = match found {
            Some(row) => {
                same(&row, &request)?;
                (Some(row.id), row.granted, Vec::new())
            }
            None => {
                let token = link.tokens.get().await?;
                let granted = self.granted(&link, &token, &request.plan).await?;
                let open = |id: &String| {
                    let operation = self.catalogue.operation(id);
                    operation.is_some_and(|o| watershed_zoom::scopes::granted(o, &token.scopes))
                };
                let probed = probed_by(&request.plan, &self.catalogue);
                (None, granted, probed.into_iter().filter(open).collect())
            }
        };
        let terms = Terms {
            trigger: request.trigger,
            id: goes_on.clone().unwrap_or(request.fresh),
            plan: request.plan,
            hash: request.hash,
            inputs: request.inputs,
            granted,
        };
        let mut run = ActiveRun::new(terms, &self.catalogue, link.clone())?;
        run.load_people(false, &*self.sink).await?;
        let run = Arc::new(run);
        let part = how.part.clamp(0.0, 1.0);
        let calls = |limit: &Limit| Limit { calls: limit.calls * part, ..*limit };
        let paced = connection.limits.at(self.clock.now());
        let paced = Limits(paced.0.iter().map(calls).collect());
        let tools = Tools {
            files: Files::Weighed(Mutex::default()),
            ..self.tools(crate::stop::stop().1, None)
        };
        survey::Survey::new(run, tools, paced, how).estimate(goes_on, probes).await
    }
}
