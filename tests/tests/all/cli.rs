//! Commands that need no account.

use watershed_tests::Home;

#[test]
fn the_shipped_workflow_is_valid_by_name_and_by_path() {
    let home = Home::empty().expect("a folder");
    home.run(&["validate", "zoom-backfill"]).expect(0);
    let file = watershed_tests::root().join("workflows/zoom-backfill.yaml");
    home.run(&["validate", file.to_str().expect("a path is text")]).expect(0);
}

#[test]
fn validate_tells_file_line_column_and_a_suggestion() {
    let home = Home::empty().expect("a folder");
    home.write(
        "wrong.yaml",
        "name: wrong\nsteps:\n  users:\n    use: zoom.list_user\n    with: { status: active }\n",
    );
    let ended = home.run(&["validate", "wrong.yaml"]).expect(1);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("wrong.yaml:4:10"), "{ended}");
    assert!(said.contains("zoom.list_users"), "did you mean: {ended}");
    home.write(
        "right.yaml",
        "name: right\nsteps:\n  users:\n    use: zoom.list_users\n    with: { status: active }\n",
    );
    home.run(&["validate", "right.yaml"]).expect(0);
    home.run(&["validate", "right.yaml", "wrong.yaml"]).expect(1);
}

#[test]
fn a_workflow_is_drawn_in_three_formats() {
    let home = Home::empty().expect("a folder");
    for (format, begins) in [("svg", "<svg"), ("mermaid", "flowchart"), ("dot", "digraph")] {
        let drawn = home.run(&["graph", "zoom-backfill", "--format", format]).expect(0);
        assert!(drawn.stdout.contains(begins), "{drawn}");
        for step in ["users", "meetings", "instances", "held", "participants", "transcripts"] {
            assert!(drawn.stdout.contains(step), "{format} lacks {step}");
        }
    }
}

#[test]
fn schemas_are_schemas_and_the_shipped_ones_are_fresh() {
    let home = Home::empty().expect("a folder");
    for what in ["workflow", "config"] {
        let told = home.run(&["schema", what]).expect(0);
        let schema: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
        jsonschema::validator_for(&schema).expect("a schema");
        let file = watershed_tests::root().join(format!("schemas/{what}.schema.json"));
        let shipped = std::fs::read_to_string(file).expect("a shipped schema");
        let shipped: serde_json::Value = serde_json::from_str(&shipped).expect("JSON");
        assert_eq!(shipped, schema, "schemas/{what}.schema.json is stale");
    }
}

#[test]
fn completions_and_manual_are_made_from_the_commands() {
    let home = Home::empty().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("watershed") && script.contains("backfill") || script.len() > 500);
        assert!(script.contains("coverage"), "{shell} does not know the commands");
    }
    home.run(&["man", "--dir", "manual"]).expect(0);
    let pages = std::fs::read_dir(home.path().join("manual")).expect("pages").count();
    assert!(pages >= 10, "a page for each command: {pages}");
}

#[test]
fn wrong_usage_is_exit_2_and_starts_nothing() {
    let home = Home::empty().expect("a folder");
    home.run(&["rum"]).expect(2);
    home.run(&["run"]).expect(2);
    home.run(&["status", "--colour"]).expect(2);
    home.run(&["run", "zoom-backfill", "--run-id", "../../x"]).expect(2);
    assert!(!home.data().exists());
}

#[test]
fn data_goes_to_standard_output_and_talk_to_standard_error() {
    let home = Home::empty().expect("a folder");
    let told = home.run(&["graph", "zoom-backfill", "--format", "dot"]).expect(0);
    assert_eq!(told.stderr, "");
    let refused = home.run(&["graph", "nothing.yaml", "--format", "dot"]);
    assert_ne!(refused.code, Some(0));
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("nothing.yaml"), "{refused}");
}
