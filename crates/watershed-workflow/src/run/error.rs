//! What can go wrong with a plan at run time.

use watershed_model::{OperationId, PLAN_FORMAT};

/// Why a stored plan cannot be run by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The plan was compiled by a program of another format.
    #[error("plan format {found} is not known to this program, which knows {PLAN_FORMAT}")]
    Format {
        /// The plan's format.
        found: u16,
    },
    /// The catalogue has no such operation.
    #[error("step {step} uses the operation {operation}, which this program does not know")]
    Operation {
        /// The step.
        step: String,
        /// The operation.
        operation: OperationId,
    },
    /// The catalogue has the operation with another meaning.
    #[error(
        "step {step} uses version {found} of the operation {operation}, and this program \
         knows version {known}"
    )]
    Version {
        /// The step.
        step: String,
        /// The operation.
        operation: OperationId,
        /// The plan's version of it.
        found: u16,
        /// This program's version of it.
        known: u16,
    },
    /// The plan is not one that the compiler makes.
    #[error("step {step} of the plan is damaged: {message}")]
    Damaged {
        /// The step.
        step: String,
        /// What is wrong.
        message: String,
    },
}

/// Why an item or a record cannot be worked on: a dead letter of its branch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// An expression met a value that it cannot use.
    #[error("step {step}: `{expression}`: {message}")]
    Expression {
        /// The step.
        step: String,
        /// The expression, as the plan has it.
        expression: String,
        /// What happened.
        message: String,
    },
    /// A parameter came out as something that the operation does not take.
    #[error("step {step}: parameter `{parameter}` {message}")]
    Parameter {
        /// The step.
        step: String,
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        message: String,
    },
    /// The windows cannot be made.
    #[error("step {step}: windows from {from} to {to}: {message}")]
    Windows {
        /// The step.
        step: String,
        /// First day.
        from: String,
        /// Last day.
        to: String,
        /// What is wrong with them.
        message: String,
    },
    /// The item was broken when it was made.
    #[error("{why}")]
    Broken {
        /// What was wrong then.
        why: String,
    },
    /// The item is not one of this plan's step.
    #[error("step {step}: the item does not hold what the plan says")]
    Item {
        /// The step.
        step: String,
    },
}
