//! What compiling costs: the shipped workflow, and one of 200 steps.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Result, anyhow};
use watershed_workflow::{Compiled, compile};

use crate::figure::Figure;

const ROUNDS: u32 = 50;
/// Steps of the long workflow.
const STEPS: usize = 200;

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let shipped = include_str!("../../workflows/zoom-backfill.yaml");
    let long = workflow(STEPS - 2, Some("meeting.type in [2, 3, 8]"));
    let unit = "ms a file";
    Ok(vec![
        Figure::alone("compile", ms(shipped)?, unit),
        Figure { of: "compile", ..Figure::alone("compile_200", ms(&long)?, unit) },
    ])
}

fn ms(text: &str) -> Result<f64> {
    compiled(text)?;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        compiled(text)?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS))
}

/// Compiles it.
pub(crate) fn compiled(text: &str) -> Result<Compiled> {
    compile("bench.yaml", text, &watershed_zoom::catalogue())
        .map_err(|wrong| anyhow!("{}", wrong.render(false)))
}

/// Users, their meetings, and so many steps on each meeting, on that condition.
pub(crate) fn workflow(leaves: usize, when: Option<&str>) -> String {
    let mut text = String::from(
        "name: bench
inputs:
  to: { type: date, default: today }
steps:
  users:
    use: zoom.list_users
    with: { status: active }
  meetings:
    for_each: users
    as: user
    use: zoom.list_meetings
    with: { user_id: \"${{ user.id }}\", type: scheduled }
",
    );
    for leaf in 0..leaves {
        let when = when.map_or_else(String::new, |when| format!("    when: '{when}'\n"));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  leaf_{leaf}:
    for_each: meetings
    as: meeting
{when}    use: zoom.list_past_instances
    with: {{ meeting_id: \"${{{{ meeting.id }}}}\" }}
"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_has_as_many_steps_as_it_says() {
        let compiled = compiled(&workflow(198, Some("meeting.type in [2, 3, 8]"))).expect("valid");
        assert_eq!(compiled.plan.steps.len(), STEPS);
    }
}
