//! What hangs under the run itself.

use std::borrow::Cow;

use watershed_model::{Source, StepId};

use super::env::Slot;
use super::error::ExpandError;
use super::expand::Growth;
use super::identity::{Trail, canonical};
use super::program::Program;
use super::{RunContext, Seeds};

impl Program {
    /// The children of the run: steps without fan-out, literals, windows.
    ///
    /// # Errors
    /// Where an expression met a value that it cannot use.
    pub fn seeds(&self, run: &RunContext) -> Result<Seeds, ExpandError> {
        let mut growth = Growth::new(self, run);
        let env = self.run_env(run);
        let mut children = Vec::new();
        for (id, step) in self.plan.steps() {
            let trail = Trail::begin(&step.name, "");
            match &step.source {
                Source::Run => children.extend(growth.step(id, &env, None, trail)?),
                Source::Literals(values) => {
                    for value in values {
                        let mut inner = env.clone();
                        if let Some(name) = &step.item {
                            inner.bind(name, Slot::Literal(Cow::Borrowed(value)));
                        }
                        let trail = trail.then("literal", canonical(value).as_bytes());
                        let beneath = growth.step(id, &inner, None, trail)?;
                        children.extend(growth.branch(id, 1, &inner, beneath, trail)?);
                    }
                }
                Source::Items(_) | Source::Join(_) => {}
            }
        }
        Ok(Seeds { children, skipped: growth.skipped })
    }

    /// The items with which the joins of the run itself run.
    ///
    /// # Errors
    /// Where an expression met a value that it cannot use.
    pub fn root_joins(&self, run: &RunContext) -> Result<Vec<(StepId, Vec<String>)>, ExpandError> {
        Growth::new(self, run).joins(&[], &self.run_env(run))
    }
}
