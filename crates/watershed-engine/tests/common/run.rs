//! A run of a workflow.

use watershed_engine::Request;
use watershed_model::{Millis, RunId, Trigger};
use watershed_workflow::{compile, resolve_inputs};

/// A run of that workflow, which has no inputs.
pub(crate) fn request(workflow: &str, run: &RunId, now: Millis) -> Request {
    let compiled =
        compile("test.yaml", workflow, &watershed_zoom::catalogue()).expect("it is good");
    let inputs = resolve_inputs(&compiled.plan, &[].into(), now.date());
    Request {
        connection: "acme".into(),
        source: workflow.to_owned(),
        plan: compiled.plan,
        hash: compiled.hash,
        inputs: inputs.expect("there are none"),
        run: Some(run.clone()),
        fresh: run.clone(),
        trigger: Trigger::Manual,
    }
}
