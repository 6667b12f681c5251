//! What these tests begin with: a connection, and a run of a workflow.

use std::sync::Arc;

use url::Url;
use watershed_engine::{Connection, Content, Credentials, Request};
use watershed_model::{Limits, Millis, RunId, Trigger};
use watershed_workflow::{compile, resolve_inputs};

/// A connection without limits.
pub(crate) fn connection(api_url: Option<&str>, token_url: &str) -> Connection {
    let url = |text: &str| -> Url { text.parse().expect("a URL") };
    Connection {
        name: "acme".into(),
        account: "account".into(),
        credentials: Arc::new(|| {
            Ok(Credentials {
                account_id: "account".into(),
                client_id: "id".to_owned().into(),
                client_secret: "secret".to_owned().into(),
            })
        }),
        api_url: api_url.map(url),
        token_url: url(token_url),
        limits: Limits(Vec::new()).into(),
        content: Content::Transcripts,
        delete_ceiling: 0.05,
        agreed: None,
        redact: watershed_zoom::redact::Rules::default(),
    }
}

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
