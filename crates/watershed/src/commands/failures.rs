//! `watershed failures`: what failed for good, each with its error and what to do.

use anyhow::Result;
use watershed_model::{DeadLetter, RunId};
use watershed_server::shape::Failure;
use watershed_sink::FailureFilter;

use super::dispatch::Call;
use crate::cli::Failures;
use crate::output::{name, paint};
use crate::program::program;
use crate::site::Site;

/// Lists them.
pub(crate) async fn failures(args: Failures, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let Some(site) = Site::to_read_if_any(&settings).await? else {
        out.remark("no runs yet, and no failures");
        return Ok(0);
    };
    let run = match &args.run {
        Some(run) => Some(site.run_row(Some(run), |_| true, "").await?.id),
        None => None,
    };
    let letters = site.sink.failures(FailureFilter { run, ..FailureFilter::default() }).await?;
    if letters.is_empty() {
        out.remark("no failures");
    }
    for letter in &letters {
        if out.json {
            out.object(&Failure::of(letter))?;
        } else {
            out.line(text(letter, out.colour))?;
        }
    }
    let mut runs: Vec<&RunId> = letters.iter().map(|letter| &letter.run).collect();
    runs.dedup();
    if !out.json {
        for run in runs {
            out.remark(format!("put back: `{0} retry {run}`, then `{0} resume {run}`", program()));
        }
    }
    Ok(0)
}

fn text(letter: &DeadLetter, colour: bool) -> String {
    let http = letter.http.map_or_else(String::new, |http| format!(", HTTP {http}"));
    let code = letter.code.map_or_else(String::new, |code| format!(", code {code}"));
    format!(
        "{} {}\n  {}: {}{http}{code}, {} attempts, {}\n  {}\n  hint: {}\n",
        paint(&name(letter.id.as_str()), "1", colour),
        name(&letter.branch),
        name(letter.operation.as_str()),
        name(&letter.verdict),
        letter.attempts,
        letter.at,
        name(&letter.message),
        name(&letter.hint),
    )
}

#[cfg(test)]
mod tests {
    use watershed_model::{ConnectionName, LetterId, Millis, OperationId, PlanHash, Subject};

    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            id: LetterId::from("r-1:participants:9"),
            connection: ConnectionName::from("acme"),
            run: RunId::from("r-1"),
            plan: PlanHash::from("p"),
            step: "participants".to_owned(),
            operation: OperationId::from("zoom.report_participants"),
            branch: "participants[past=x\u{1b}[2J]".to_owned(),
            item: "[]".to_owned(),
            key: 9,
            once: None,
            bucket: 0,
            scopes: Vec::new(),
            subject: Some(Subject(r#"{"uuid":"x"}"#.to_owned())),
            from: None,
            to: None,
            verdict: "dead".to_owned(),
            http: Some(403),
            code: None,
            message: "a page of HTML".to_owned(),
            attempts: 3,
            at: Millis(0),
            hint: "ask Zoom".to_owned(),
        }
    }

    #[test]
    fn a_dead_letter_is_told_with_its_branch_error_and_way_out() {
        let shown = "r-1:participants:9 participants[past=x\u{fffd}[2J]\n  \
             zoom.report_participants: dead, HTTP 403, 3 attempts, 1970-01-01T00:00:00.000Z\n  \
             a page of HTML\n  hint: ask Zoom\n";
        assert_eq!(text(&letter(), false), shown);
    }
}
