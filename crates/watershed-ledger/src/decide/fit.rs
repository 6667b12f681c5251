//! Whether what a command names exists in the plan: asked before the first write. Pure.

use watershed_model::{Kin, Plan, RunId};

use crate::{Error, Letter, Submit};

/// Dead letters put back by one command at most.
const LETTERS_MAX: usize = 500;

/// Whether a plan's tables refer to one another, and the run's first children to them.
pub(super) fn submit(submit: &Submit) -> Result<(), Error> {
    let plan = &submit.plan;
    let (steps, scopes) = (plan.steps.len(), plan.scopes.len());
    let parents = plan.scopes.iter().enumerate();
    let sound = scopes > 0
        && parents.clone().all(|(at, s)| (s.parent.is_none()) == (at == 0))
        && parents.clone().all(|(at, s)| s.parent.is_none_or(|p| usize::from(p) < at))
        && plan.steps.iter().all(|s| usize::from(s.scope) < scopes)
        && plan.joins.iter().all(|j| {
            j.step.index() < steps
                && usize::from(j.scope) < scopes
                && j.watches.iter().all(|w| w.index() < steps)
        });
    let why = if sound {
        kin(plan, 0, &submit.kin).err()
    } else {
        Some("the plan's tables do not refer to one another".to_owned())
    };
    refused("submit", &submit.run, why)
}

/// Whether dead letters fit the plan.
pub(super) fn letters(plan: &Plan, run: &RunId, letters: &[Letter]) -> Result<(), Error> {
    let mut why = (letters.len() > LETTERS_MAX)
        .then(|| format!("{} letters; at most {LETTERS_MAX} at once", letters.len()));
    for letter in letters {
        let mut level = 0;
        for seed in &letter.scopes {
            let parent = plan.scopes.get(usize::from(seed.level)).and_then(|s| s.parent);
            if parent != Some(level) {
                why = Some(format!("a dead letter names scope level {}", seed.level));
                break;
            }
            level = seed.level;
        }
        if letter.step.index() >= plan.steps.len() {
            why = Some(format!("a dead letter names step {}", letter.step.0));
        }
    }
    refused("retry", run, why)
}

/// Whether children that come from a scope of that level fit the plan.
pub(super) fn kin(plan: &Plan, level: u8, kin: &[Kin]) -> Result<(), String> {
    for one in kin {
        match one {
            Kin::Task(child) => match plan.steps.get(child.step.index()) {
                Some(step) if above(plan, step.scope, level) => {}
                Some(step) => return Err(format!("step {} does not hang there", step.name)),
                None => return Err(format!("a child names step {}", child.step.0)),
            },
            Kin::Scope { level: own, kin: beneath, .. } => {
                let parent = plan.scopes.get(usize::from(*own)).and_then(|s| s.parent);
                if !parent.is_some_and(|p| above(plan, p, level)) {
                    return Err(format!("scope level {own} does not hang there"));
                }
                self::kin(plan, *own, beneath)?;
            }
        }
    }
    Ok(())
}

pub(super) fn refused(
    command: &'static str,
    run: &RunId,
    why: Option<String>,
) -> Result<(), Error> {
    match why {
        Some(why) => Err(Error::Illegal { command, run: run.clone(), why }),
        None => Ok(()),
    }
}

/// Whether one level is another or above it.
fn above(plan: &Plan, level: u8, from: u8) -> bool {
    let mut at = Some(from);
    while let Some(here) = at {
        if here == level {
            return true;
        }
        at = plan.scopes.get(usize::from(here)).and_then(|s| s.parent);
    }
    false
}
