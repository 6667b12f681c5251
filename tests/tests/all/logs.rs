//! The log, as a machine reads it: each line of a task says whose it is.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ground::{account_behind_a_gateway, free_home};

#[test]
fn each_line_of_a_task_names_run_step_branch_attempt_and_what_zoom_calls_the_call() {
    let account = account_behind_a_gateway();
    let mut home = free_home(&account);
    home.set("WATERSHED_LOG__FORMAT", Some("json"));
    let ended = home.run(&["run", "zoom-backfill", "--run-id", "one", "-vv"]).expect(3);
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("a line is one object"))
        .collect();
    let asked: Vec<&Value> = lines.iter().filter(|line| line["message"] == "asked").collect();
    assert!(asked.len() > 20, "{} calls", asked.len());
    let (mut steps, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for line in &asked {
        let task = &line["span"];
        assert_eq!(task["run"], "one", "{line}");
        assert_eq!(task["attempt"], 1, "{line}");
        let step = task["step"].as_str().expect("a step");
        let branch = task["branch"].as_str().expect("a branch");
        assert!(branch.starts_with(step), "{line}");
        // What sends files is not the API.
        if line["operation"] != "zoom.download_recording_file" {
            let id = task["tracking_id"].as_str().unwrap_or_else(|| panic!("no id: {line}"));
            assert!(ids.insert(id.to_owned()), "each call has one of its own: {line}");
        }
        steps.insert(step.to_owned());
    }
    assert!(steps.len() > 5, "{steps:?}");
    // What lies at its branch, failed, is found in the log by that.
    let letter = home.run(&["failures", "one", "--json"]).expect(0).json();
    let of_letter = asked.iter().find(|line| line["span"]["branch"] == letter["branch"]);
    let verdict = of_letter.expect("it was asked for")["verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("dead"), "{verdict}");
    assert!(!ended.stderr.contains("Bearer"), "no token in it");
}
