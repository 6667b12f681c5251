//! A plan at run time: seeds, children of records, parameters of calls.
//!
//! Everything here is a pure function of the plan, the run's context and one item or record:
//! the same call gives the same children, however often and wherever it is made.

mod code;
mod convert;
mod env;
mod error;
mod expand;
mod identity;
mod parameters;
mod program;
mod seeds;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use watershed_model::{Brood, ConnectionName, Kin, StepId};

pub use error::{ExpandError, ProgramError};
pub use program::Program;

/// What expressions may see of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunContext {
    /// The connection.
    pub connection: ConnectionName,
    /// Inputs, dates absolute.
    pub inputs: BTreeMap<String, Value>,
    /// Ids of the operations that were granted when the run was submitted.
    pub granted: BTreeSet<String>,
}

/// What one record brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Expanded {
    /// Its children, each group with the 64-bit identity that it has within its listing: those of
    /// the record itself first, then those of each element of its list fields. A record that is
    /// met again with one element more brings that element's children.
    pub broods: Vec<Brood>,
    /// Children that their step's condition keeps out.
    pub skipped: Vec<Skip>,
}

/// What hangs under the run itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeds {
    /// Its children.
    pub children: Vec<Kin>,
    /// Children that their step's condition keeps out.
    pub skipped: Vec<Skip>,
}

/// A child that its step's condition keeps out.
#[derive(Debug, Clone, PartialEq)]
pub struct Skip {
    /// The step.
    pub step: StepId,
    /// The parameters of the call that is not made, so that coverage can name it.
    pub with: Map<String, Value>,
}

/// What a leased item comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameters {
    /// A call with these parameters.
    Call(Map<String, Value>),
    /// None: the condition of the join does not hold.
    Skip,
}
