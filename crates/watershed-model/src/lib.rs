//! The words of the project as types: plan, operation, verdict, coverage, run.
//!
//! Holds what several crates speak about, and nothing else: no clock, no I/O, no async.
//! Every type here is plain serialisable data; the rules that act on it live in
//! `watershed-workflow` (plans), `watershed-ledger` (runs), `watershed-zoom` (operations)
//! and `watershed-sink` (rows and coverage).

mod audit;
mod budget;
mod coverage;
mod event;
mod failure;
mod ids;
mod kin;
mod left_out;
mod operation;
mod plan;
mod row;
mod run;
mod text;
mod tick;
mod time;
mod verdict;
mod worker;

pub use audit::{Act, ActOutcome, Audit, Via};
pub use budget::{Category, CategorySet, DayCalls, Limit, Limits, Period};
pub use coverage::{Coverage, CoverageState, RunCoverage, Subject, Window};
pub use event::InboxEvent;
pub use failure::{DeadLetter, ScopeSeed};
pub use ids::{
    AccountId, ConnectionName, EventKey, LetterId, OperationId, PlanHash, RunId, StepId, WorkerId,
};
pub use kin::{Brood, Child, KNOWN, Kin};
pub use left_out::{LeftOut, LeftOutWhy};
pub use operation::{
    Catalogue, Dataset, Field, FieldType, Kind, Lifetime, Operation, Paging, Param, ParamPlace,
    ParamType, Record,
};
pub use plan::{
    Backoff, Carry, Expr, Feed, InputKind, InputSpec, Join, OnFailure, OnUnavailable, Order,
    PLAN_FORMAT, Plan, Retry, ScopeLevel, Source, Step, Template, TemplatePart, Tolerate, Windows,
};
pub use row::Row;
pub use run::{
    BudgetUse, CallCount, RunFigures, RunHead, RunReport, RunRow, RunState, StepReport, Trigger,
    WaitReport,
};
pub use text::{hash64, number, printable, span};
pub use tick::{KnownTick, ScheduleKey, Skipped, Tick, TickState, day_run, tick_run};
pub use time::{Millis, instant};
pub use verdict::{Heard, Left, Page, RetryCause, Throttle, Unavailable, Unfit, Verdict};
pub use worker::WorkerName;
