//! Dead letters: what ended a task for good, and all that is needed to put it back.

use watershed_ledger::Leased;
use watershed_model::{DeadLetter, LetterId, Millis, RetryCause, hash64};
use watershed_workflow::ExpandError;
use watershed_zoom::{Request, RequestError};

use crate::active::ActiveRun;

/// What a dead letter says.
pub(crate) struct Trouble {
    verdict: &'static str,
    http: Option<u16>,
    code: Option<i64>,
    message: String,
    hint: &'static str,
}

impl Trouble {
    /// Three workers died over it.
    pub(crate) fn poison(lost: u16) -> Trouble {
        Trouble {
            verdict: "poison",
            http: None,
            code: None,
            message: format!("{lost} workers in a row lost this task before they settled it"),
            hint: "look at what the workers said when they died; then `watershed retry`",
        }
    }

    /// An expression met a value that it cannot use.
    pub(crate) fn expression(error: &ExpandError) -> Trouble {
        Trouble {
            verdict: "expression",
            http: None,
            code: None,
            message: error.to_string(),
            hint: "let that expression allow for such a value, and run the workflow anew",
        }
    }

    /// No request can be made of the parameters.
    pub(crate) fn request(error: &RequestError) -> Trouble {
        Trouble {
            verdict: "request",
            http: None,
            code: None,
            message: error.to_string(),
            hint: "the record that named this parameter is not as documented: report it",
        }
    }

    /// More rows are missing than a mistake may explain.
    pub(crate) fn ceiling(dataset: &str, missing: u64, all: u64) -> Trouble {
        let message = format!(
            "{missing} of {all} stored {dataset} are in no list any more: more than the \
             connection's delete_ceiling; none of them was marked as deleted"
        );
        let hint = "where they were really deleted, raise delete_ceiling, then `watershed retry`";
        Trouble { verdict: "ceiling", http: None, code: None, message, hint }
    }

    /// A list of users that cannot be read: who is left out is not known.
    pub(crate) fn people(why: &str) -> Trouble {
        let message =
            format!("who is left out is not known: a list of users could not be read: {why}");
        let hint = "nobody was asked about; see that list's own letter, then `watershed retry`";
        Trouble { verdict: "people", http: None, code: None, message, hint }
    }

    pub(crate) fn answer(http: u16, code: Option<i64>, message: String) -> Trouble {
        let hint = "Zoom gave an answer that is not understood: `watershed retry` asks again";
        Trouble { verdict: "dead", http: Some(http), code, message, hint }
    }

    /// Records that cannot be stored; all others of the listing are.
    pub(crate) fn unfit(message: String) -> Trouble {
        let hint = "all other records are stored; `watershed retry` lists them again, once Zoom \
                    says what these are";
        Trouble { verdict: "unfit", http: Some(200), code: None, message, hint }
    }

    /// The listing began again too often.
    pub(crate) fn restarts(message: String) -> Trouble {
        let hint = "smaller windows end before their page tokens do; then `watershed retry`";
        Trouble { verdict: "restart", http: None, code: None, message, hint }
    }

    pub(crate) fn attempts(cause: RetryCause, message: String) -> Trouble {
        let hint = "`watershed retry` asks again, once Zoom answers well";
        Trouble { verdict: cause.name(), http: None, code: None, message, hint }
    }
}

/// The id of a task's dead letter: the same, however often it dies.
pub(crate) fn letter_id(leased: &Leased, run: &ActiveRun) -> LetterId {
    let scopes = serde_json::to_vec(&leased.scopes).unwrap_or_default();
    let step = run.program.plan().step(leased.step);
    let key = hash64(&[step.name.as_bytes(), leased.item.as_bytes(), &scopes]);
    LetterId(format!("{}.{key:016x}", run.id))
}

/// The dead letter of a task.
pub(crate) fn letter(
    leased: &Leased,
    run: &ActiveRun,
    request: Option<&Request>,
    trouble: Trouble,
    now: Millis,
) -> DeadLetter {
    let step = run.program.plan().step(leased.step);
    let window = request.and_then(|r| r.window.as_ref());
    DeadLetter {
        id: letter_id(leased, run),
        connection: run.connection().clone(),
        run: run.id.clone(),
        plan: run.plan.clone(),
        step: step.name.clone(),
        operation: step.operation.clone(),
        branch: run.program.branch(leased.step, &leased.item),
        item: leased.item.clone(),
        key: hash64(&[step.name.as_bytes(), leased.item.as_bytes()]),
        once: leased.once,
        bucket: leased.bucket,
        scopes: leased.scopes.clone(),
        subject: request.map(|r| r.subject.clone()),
        from: window.map(|w| w.from.to_string()),
        to: window.map(|w| w.to.to_string()),
        verdict: trouble.verdict.to_owned(),
        http: trouble.http,
        code: trouble.code,
        message: watershed_model::printable(&trouble.message, 1_000),
        attempts: leased.attempts + 1,
        at: now,
        hint: trouble.hint.to_owned(),
    }
}
