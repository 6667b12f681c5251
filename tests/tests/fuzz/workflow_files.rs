//! Workflow files: a plan that can be kept and run, or what is wrong, at its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use watershed_model::Plan;
use watershed_tests::root;
use watershed_workflow::{GraphFormat, Program, RunContext, compile, graph, resolve_inputs};
use watershed_zoom::catalogue;

use crate::corpus::{Corpus, files};

#[test]
fn workflow_files() {
    let shipped = files(&root().join("workflows"));
    let odd = files(&root().join("tests/workflows"));
    Corpus::of("workflow-files").and(shipped).and(odd).read(|text| {
        let text = String::from_utf8_lossy(text);
        match compile("any.yaml", &text, &catalogue()) {
            Err(wrong) => {
                assert!(wrong.has_errors());
                // Rendering walks every place.
                assert!(wrong.to_string().contains("any.yaml"), "{wrong}");
            }
            Ok(compiled) => {
                let _ = compiled.warnings.to_string();
                can_be_kept_and_run(compiled.plan);
            }
        }
    });
}

fn can_be_kept_and_run(plan: Plan) {
    let kept = serde_json::to_string(&plan).expect("a plan can be kept");
    assert_eq!(serde_json::from_str::<Plan>(&kept).expect("and read again"), plan);
    for format in [GraphFormat::Svg, GraphFormat::Mermaid, GraphFormat::Dot] {
        assert!(!graph(&plan, format).is_empty());
    }
    let today = jiff::civil::date(2026, 11, 24);
    let inputs = resolve_inputs(&plan, &BTreeMap::new(), today);
    let program = Program::new(Arc::new(plan), &catalogue()).expect("what compiled can be run");
    let Ok(inputs) = inputs else { return };
    let granted = catalogue().operations.iter().map(|o| o.id.to_owned()).collect();
    let run = RunContext { connection: "acme".into(), inputs, granted };
    let seeds = program.seeds(&run);
    assert_eq!(seeds, program.seeds(&run), "the same run has the same first branches");
}
